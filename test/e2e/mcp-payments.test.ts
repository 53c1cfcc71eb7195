/** Payments inside MCP: the official SDK's client through a whole Purser, its server behind it, an official facilitator, a real chain. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CallToolResultSchema, McpError } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type PaidTools, startPaidTools } from '../testnet/paid-tools.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

let testnet: Testnet
let tools: PaidTools
let purser: RunningPurser
const started = new AsyncDisposableStack()

beforeAll(async () => {
  testnet = started.use(await startTestnet())
  tools = started.use(await startPaidTools(testnet))
  const config = openConfig([testnet.caFile])
  const routes = [{ prefix: '/tools/', upstream: `${tools.url}/` }]
  purser = started.use(
    await startPurser({
      ...{ ...config, circuitBreaker: null, loopGuard: null, preemptive: { after: 2 } },
      networks: [{ id: 'base-sepolia', rpc: testnet.rpcUrl, finalityBlocks: 0 }],
      proxy: { ...(config.proxy as object), routes },
    }),
  )
  await testnet.fund(purser.app.walletAddress as `0x${string}`, 10_000_000n)
})
afterAll(() => started.disposeAsync())

interface Agent {
  readonly client: Client
  readonly session: OpenSession
  call(name: string, more?: CallOptions): Promise<Result>
  balance(): Promise<Record<string, unknown>>
}

interface CallOptions {
  readonly onprogress?: (progress: { progress: number }) => void
  readonly meta?: Record<string, unknown>
  readonly arguments?: Record<string, unknown>
}

interface Result {
  readonly isError: boolean
  readonly text: string
  readonly problem: Record<string, unknown> | undefined
  readonly meta: Record<string, unknown>
}

async function agent(door: 'json' | 'events', spec: Record<string, unknown> = {}): Promise<Agent> {
  const session = await purser.openSession(spec)
  const client = new Client({ name: 'test-agent', version: '1.0.0' })
  const requestInit = { headers: { 'purser-session': session.token } }
  const transport = new StreamableHTTPClientTransport(new URL(`${purser.app.proxyUrl}/tools/${door}`), { requestInit })
  await client.connect(transport as Parameters<typeof client.connect>[0])
  onTestFinished(() => client.close())
  return {
    ...{ client, session },
    call: async (name, { onprogress, meta, arguments: args = {} } = {}) => {
      const params = { name, arguments: args, ...(meta && { _meta: meta }) }
      const result = await client.request({ method: 'tools/call', params }, CallToolResultSchema, onprogress ? { onprogress } : {})
      const [first] = result.content
      const said = result._meta ?? {}
      return {
        isError: result.isError === true,
        text: first?.type === 'text' ? first.text : '',
        problem: said['purser/problem'] as Record<string, unknown> | undefined,
        meta: said,
      }
    },
    balance: () => purser.admin(`/v1/sessions/${session.id}`),
  }
}

/** As the server saw it. */
const callsOf = (tool: string) => tools.calls.filter(({ params }) => params.name === tool)
const paymentsOf = (tool: string) => callsOf(tool).filter(({ params }) => params._meta?.['x402/payment'] !== undefined)
const idOf = (body: string | undefined) => (JSON.parse(body ?? '{}') as { id?: unknown }).id

describe.each(['json', 'events'] as const)('a paid tool over %s', (door) => {
  it.each(['structure', 'text', 'error'] as const)(
    'whose challenge is a %s is paid once, and its result has the agent’s id',
    async (asks) => {
      const name = `weather-${door}-${asks}`
      tools.behaviours[name] = { price: '$0.001', asks }
      const buyer = await agent(door)
      const before = await testnet.balanceOf(tools.merchant)
      const result = await buyer.call(name, { arguments: { city: 'Lisbon' }, meta: { 'example.com/kept': [1] } })
      expect(result).toMatchObject({ isError: false, text: 'sunny', meta: { 'x402/payment-response': { success: true } } })
      expect(await testnet.balanceOf(tools.merchant)).toBe(before + 1_000n)
      expect(await buyer.balance()).toMatchObject({ spent: '0.001', held: '0.00' })
      const [unpaid, paid, ...rest] = callsOf(name)
      expect(rest).toEqual([])
      expect(paid?.id).not.toBe(unpaid?.id)
      expect(paid?.params).toMatchObject({ ...unpaid?.params, _meta: { ...unpaid?.params._meta } })
      const { items } = await purser.admin<{ items: Record<string, unknown>[] }>(`/v1/payments?session=${buyer.session.id}`)
      expect(items).toMatchObject([{ tool: name, state: 'settled', delivered: true }])
    },
  )

  it('is bought again by a call that is the same but for its id, once the first is answered', async () => {
    tools.behaviours[`again-${door}`] = { price: '$0.001' }
    const buyer = await agent(door)
    await buyer.call(`again-${door}`)
    await buyer.call(`again-${door}`)
    expect(await buyer.balance()).toMatchObject({ spent: '0.002', held: '0.00' })
    expect(new Set(paymentsOf(`again-${door}`).map(({ id }) => id)).size).toBe(2)
  })

  it('is not paid where the policy refuses, and the refusal is a result that a model can read', async () => {
    tools.behaviours.expensive = { price: '$5' }
    const buyer = await agent(door, { cap: '1.00' })
    const result = await buyer.call('expensive')
    expect(result.isError).toBe(true)
    expect(result.text).toContain('spending_limit_exceeded')
    expect(result.text).toContain(String(result.problem?.nextAction))
    expect(result.problem).toMatchObject({ code: 'spending_limit_exceeded', moneyState: 'none', sessionId: buyer.session.id })
    expect(JSON.stringify(result)).not.toContain(tools.merchant)
    expect(paymentsOf('expensive')).toEqual([])
  })

  it('that asks again although it was paid is not paid a second time, nor by the agent’s repeat', async () => {
    const name = `stubborn-${door}`
    tools.behaviours[name] = { price: '$0.001', settles: 'refuses' }
    const buyer = await agent(door)
    expect((await buyer.call(name)).problem).toMatchObject({ code: 'payment_rejected', moneyState: 'unknown' })
    expect((await buyer.call(name)).problem).toMatchObject({ code: 'payment_rejected' })
    const payments = paymentsOf(name).map(({ params }) => params._meta?.['x402/payment'])
    expect(payments).toHaveLength(2)
    expect(payments[0]).toEqual(payments[1])
    expect(await buyer.balance()).toMatchObject({ spent: '0.00', held: '0.001' })
  })

  it('that settles without saying so leaves the payment held, and takes money once', async () => {
    const name = `silent-${door}`
    tools.behaviours[name] = { price: '$0.001', settles: 'never says so' }
    const buyer = await agent(door)
    const before = await testnet.balanceOf(tools.merchant)
    expect((await buyer.call(name)).problem).toMatchObject({ code: 'payment_rejected' })
    expect((await buyer.call(name)).isError).toBe(true)
    expect(await testnet.balanceOf(tools.merchant)).toBe(before + 1_000n)
    // The chain may have told meanwhile.
    const { spent, held } = await buyer.balance()
    expect([spent, held].sort()).toEqual(['0.00', '0.001'])
  })

  it('that fails after it was paid and takes nothing gets the same payment again', async () => {
    const name = `failing-${door}`
    tools.behaviours[name] = { price: '$0.001', fails: true }
    const buyer = await agent(door)
    expect(await buyer.call(name)).toMatchObject({ isError: true, text: 'the tool failed', problem: undefined })
    tools.behaviours[name] = { price: '$0.001' }
    expect(await buyer.call(name)).toMatchObject({ isError: false, text: 'sunny' })
    const payments = paymentsOf(name).map(({ params }) => params._meta?.['x402/payment'])
    expect(payments).toHaveLength(2)
    expect(payments[0]).toEqual(payments[1])
    expect(await buyer.balance()).toMatchObject({ spent: '0.001', held: '0.00' })
  })

  it('does not get a payment of the agent’s own, nor does anything else leave', async () => {
    tools.behaviours.own = { price: '$0.001' }
    const buyer = await agent(door)
    for (const key of ['x402/payment', 'org.paymentauth/credential']) {
      const result = await buyer.call('own', { meta: { [key]: { x402Version: 2 } } })
      expect(result.problem).toMatchObject({ code: 'payment_header_forbidden', moneyState: 'none' })
    }
    expect(callsOf('own')).toEqual([])
  })

  it('that asks by MPP is paid by MPP, with the receipt as its evidence', async () => {
    const name = `mpp-${door}`
    tools.behaviours[name] = { price: '$0.001', asks: 'mpp' }
    const before = await testnet.balanceOf(tools.merchant)
    const buyer = await agent(door)
    const result = await buyer.call(name)
    expect(result).toMatchObject({ isError: false, text: 'sunny', meta: { 'org.paymentauth/receipt': { status: 'success' } } })
    expect((await testnet.balanceOf(tools.merchant)) - before).toBe(1_000n)
    const { items } = await purser.admin<{ items: unknown[] }>(`/v1/payments?session=${buyer.session.id}`)
    expect(items).toMatchObject([{ rail: 'mpp', state: 'settled', transaction: expect.stringMatching(/^0x/) }])
    expect(await buyer.balance()).toMatchObject({ spent: '0.001', held: '0.00' })
  })

  it('that asks by a way of MPP that is not spoken here is refused, and the refusal is on record', async () => {
    const challenge = {
      id: 'x',
      realm: 'tools',
      method: 'tempo',
      intent: 'charge',
      request: { amount: '1000' },
      expires: '2099-01-01T00:00:00Z',
    }
    tools.behaviours.tempo = { throws: new McpError(-32042, 'Payment Required', { challenges: [challenge] }) }
    const buyer = await agent(door)
    expect((await buyer.call('tempo')).problem).toMatchObject({ code: 'scheme_not_supported', moneyState: 'none' })
    const { items } = await purser.admin<{ items: unknown[] }>(`/v1/payments?session=${buyer.session.id}`)
    expect(items).toHaveLength(1)
  })

  it('that costs nothing is called once, with the agent’s own bytes', async () => {
    const buyer = await agent(door)
    expect(await buyer.call(`free-${door}`)).toMatchObject({ isError: false, text: 'sunny', meta: {} })
    expect(callsOf(`free-${door}`)).toHaveLength(1)
    expect(await buyer.balance()).toMatchObject({ spent: '0.00' })
  })
})

describe('events before the response', () => {
  it('reach the agent at once, before the payment and after it', async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let at = 0
    tools.behaviours.slow = {
      price: '$0.001',
      // The server goes on only when the agent has its event.
      get before() {
        return gates[at]?.promise ?? Promise.resolve()
      },
    }
    const buyer = await agent('events')
    const seen: number[] = []
    const onprogress = ({ progress }: { progress: number }) => {
      seen.push(progress)
      gates[at++]?.resolve()
    }
    expect(await buyer.call('slow', { onprogress })).toMatchObject({ isError: false, text: 'sunny' })
    expect(seen).toHaveLength(2)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(await buyer.balance()).toMatchObject({ spent: '0.001', held: '0.00' })
  })

  it('do not hide a refusal: it comes as the last event', async () => {
    tools.behaviours['slow-expensive'] = { price: '$5' }
    const buyer = await agent('events')
    let events = 0
    const result = await buyer.call('slow-expensive', { onprogress: () => events++ })
    expect(events).toBe(1)
    expect(result.problem).toMatchObject({ code: 'spending_limit_exceeded' })
  })
})

describe('what is no single call', () => {
  it('passes byte for byte: batches, with challenges and payments in them, and other requests', async () => {
    tools.behaviours.batched = { price: '$0.001' }
    const { token } = await purser.openSession()
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'purser-session': token }
    const call = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'batched', arguments: {} } }
    for (const body of [JSON.stringify([call]), JSON.stringify({ jsonrpc: '2.0', id: 8, method: 'ping' }, null, 2)]) {
      const answer = await fetch(`${purser.app.proxyUrl}/tools/json`, { method: 'POST', headers, body })
      await answer.text()
      expect(tools.bodies.at(-1)).toBe(body)
    }
    expect(paymentsOf('batched')).toEqual([])
  })

  it('a call that names a member twice is refused before it leaves', async () => {
    const { token } = await purser.openSession()
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'purser-session': token }
    const before = tools.bodies.length
    const body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","_meta":{"x402/payment":{}},"_meta":{}}}'
    const answer = await fetch(`${purser.app.proxyUrl}/tools/json`, { method: 'POST', headers, body })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ code: 'request_invalid', moneyState: 'none' })
    expect(tools.bodies.length).toBe(before)
  })

  it('is never paid with the first attempt because tools on the same path were', async () => {
    tools.behaviours.one = { price: '$0.001' }
    tools.behaviours.two = { price: '$0.001' }
    const buyer = await agent('json')
    for (const name of ['one', 'two', 'one']) await buyer.call(name)
    await buyer.client.ping()
    expect(tools.bodies.filter((body) => idOf(body) !== undefined && body.includes('"ping"') && body.includes('x402'))).toEqual([])
    expect(await buyer.call('free-after')).toMatchObject({ isError: false })
    expect(paymentsOf('free-after')).toEqual([])
    expect(await buyer.balance()).toMatchObject({ spent: '0.003', held: '0.00' })
  })
})

describe('an agent that lost the answer', () => {
  it('gets what it paid for under a new id, without another payment', async () => {
    const gate = Promise.withResolvers<void>()
    const name = 'lost'
    tools.behaviours[name] = { price: '$0.001' }
    const { token, id } = await purser.openSession()
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'purser-session': token }
    const call = (rpcId: number) =>
      JSON.stringify({ jsonrpc: '2.0', id: rpcId, method: 'tools/call', params: { name, arguments: {}, _meta: { progressToken: rpcId } } })
    const leaving = new AbortController()
    let calls = 0
    tools.behaviours[name] = {
      price: '$0.001',
      get before() {
        // The second call is the paid one: its agent leaves while the tool works.
        if (++calls !== 2) return Promise.resolve()
        leaving.abort()
        return gate.promise
      },
    }
    const ask = (rpcId: number, signal?: AbortSignal) =>
      fetch(`${purser.app.proxyUrl}/tools/events`, { method: 'POST', headers, body: call(rpcId), signal: signal ?? null })
    await expect(ask(1, leaving.signal).then((answer) => answer.text())).rejects.toThrow()
    const second = ask(2)
    gate.resolve()
    const text = await (await second).text()
    expect(text).toContain('"id":2')
    expect(text).toContain('sunny')
    expect(new Set(paymentsOf(name).map(({ params }) => JSON.stringify(params._meta?.['x402/payment']))).size).toBe(1)
    expect(await purser.admin(`/v1/sessions/${id}`)).toMatchObject({ spent: '0.001', held: '0.00' })
  })
})
