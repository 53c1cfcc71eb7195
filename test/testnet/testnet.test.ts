import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { withPayments } from './misbehaving.ts'
import { makeOfficialClient, type OfficialClient } from './official-client.ts'
import { PRICES } from './paid-servers.ts'
import { startRpcGate } from './rpc-gate.ts'
import { startTestnet, type Testnet } from './testnet.ts'

const DOLLAR = 1_000_000n
const SERVERS = ['expressV2', 'honoV2', 'expressV1'] as const
const hex = z.templateLiteral(['0x', z.string()])
const result = z.object({ success: z.boolean(), transaction: z.string(), errorReason: z.string().optional() })

let testnet: Testnet
let payer: OfficialClient

beforeAll(async () => {
  const before = performance.now()
  testnet = await startTestnet()
  console.info(`testnet started in ${Math.round(performance.now() - before)} ms`)
  payer = await makeOfficialClient(testnet, 5n * DOLLAR)
})

afterAll(async () => {
  await payer[Symbol.asyncDispose]()
  await testnet[Symbol.asyncDispose]()
})

function resultOf(response: Response): z.infer<typeof result> | undefined {
  const header = response.headers.get('payment-response') ?? response.headers.get('x-payment-response')
  return header === null ? undefined : result.parse(JSON.parse(Buffer.from(header, 'base64').toString()))
}

/** What this payer and the merchant have. */
async function balances(): Promise<{ payer: bigint; merchant: bigint }> {
  const [own, merchant] = await Promise.all([testnet.balanceOf(payer.address), testnet.balanceOf(testnet.merchant)])
  return { payer: own, merchant }
}

describe('the chain', () => {
  it('says it is Base Sepolia and has USDC there', async () => {
    expect(await testnet.rpc('eth_chainId')).toBe('0x14a34')
    expect(testnet.network).toBe('eip155:84532')
    expect(testnet.usdc).toBe('0x036CbD53842c5426634e7929541eC2318f3dCF7e')
  })

  it('mints what it is asked to mint', async () => {
    const before = await testnet.balanceOf(testnet.usdc)
    await testnet.fund(testnet.usdc, 7n)
    expect(await testnet.balanceOf(testnet.usdc)).toBe(before + 7n)
  })

  it('knows no authorization that nobody used', async () => {
    expect(await testnet.authorizationUsed(payer.address, `0x${'11'.repeat(32)}`)).toBe(false)
    expect(await testnet.settlementsFrom(testnet.merchant)).toEqual([])
  })

  it('makes a block final when two more stand on it', async () => {
    const block = z.object({ number: hex, timestamp: hex })
    await testnet.mine({ blocks: 3 })
    const latest = block.parse(await testnet.rpc('eth_getBlockByNumber', ['latest', false]))
    const final = block.parse(await testnet.rpc('eth_getBlockByNumber', ['finalized', false]))
    expect(BigInt(latest.number) - BigInt(final.number)).toBe(2n)
  })
})

describe.each(SERVERS)('the official server %s', (name) => {
  it.each(['GET /weather', 'GET /data', 'POST /summarize', 'GET /stream'] as const)('is paid exactly its price for %s', async (route) => {
    const server = testnet.servers[name]
    const [method = '', path = ''] = route.split(' ')
    const [before, served] = [await balances(), server.served(path)]
    const response = await payer.pay(`${server.url}${path}`, method === 'POST' ? { method, body: 'a long text' } : { method })
    const text = await response.text()
    const after = await balances()
    expect({ status: response.status, settled: resultOf(response)?.success }).toEqual({ status: 200, settled: true })
    expect({ lost: before.payer - after.payer, gained: after.merchant - before.merchant }).toEqual({
      lost: PRICES[route].atomic,
      gained: PRICES[route].atomic,
    })
    const last = (await testnet.settlementsFrom(payer.address)).at(-1)
    expect(last).toMatchObject({ transaction: resultOf(response)?.transaction, value: PRICES[route].atomic, to: testnet.merchant })
    expect(await testnet.authorizationUsed(payer.address, last?.nonce ?? '0x')).toBe(true)
    expect(server.served(path)).toBe(served + 1)
    if (method === 'POST') expect(text).toContain(createHash('sha256').update('a long text').digest('hex'))
  })

  it('is paid over TLS by whoever trusts the test authority', async () => {
    const before = await balances()
    const response = await payer.pay(`${testnet.servers[name].httpsUrl}/weather`)
    expect(await response.json()).toEqual({ city: 'Lisbon', celsius: 21 })
    expect(before.payer - (await balances()).payer).toBe(PRICES['GET /weather'].atomic)
    expect(testnet.servers[name].requests.at(-1)).toMatchObject({ method: 'GET', target: '/weather', secure: true })
  })

  it('gives away what is free', async () => {
    const before = await balances()
    const response = await payer.pay(`${testnet.servers[name].url}/free`)
    expect({ status: response.status, body: await response.json() }).toEqual({ status: 200, body: { free: true } })
    expect(await balances()).toEqual(before)
  })

  it('does not settle where its handler fails', async () => {
    const before = await balances()
    const response = await payer.pay(`${testnet.servers[name].url}/broken`)
    expect({ status: response.status, body: await response.json() }).toEqual({ status: 500, body: { error: 'the handler failed' } })
    expect(await balances()).toEqual(before)
  })

  it('logs the unpaid and the paid request as they came', async () => {
    const { requests, url } = testnet.servers[name]
    const before = requests.length
    await payer.pay(`${url}/weather`, { headers: { 'x-trace': 'seen' } })
    const seen = requests.slice(before)
    expect(seen.map(({ headers }) => headers.includes('seen'))).toEqual([true, true])
    expect(withPayments(seen)).toEqual([seen[1]])
  })

  it('settles ten payments at once', async () => {
    const before = await balances()
    const responses = await Promise.all(Array.from({ length: 10 }, () => payer.pay(`${testnet.servers[name].url}/weather`)))
    expect(responses.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(before.payer - (await balances()).payer).toBe(10n * PRICES['GET /weather'].atomic)
  })

  it('refuses an authorization that was used, with the reason, and moves nothing', async () => {
    const { requests, url } = testnet.servers[name]
    await payer.pay(`${url}/weather`)
    const { headers = [] } = withPayments(requests).at(-1) ?? {}
    const at = headers.findIndex((header) => /^(x-payment|payment-signature)$/i.test(header))
    const before = await balances()
    const response = await payer.fetch(`${url}/weather`, { headers: { [headers[at] ?? '']: headers[at + 1] ?? '' } })
    const said = response.headers.get('payment-required')
    const words = said === null ? await response.text() : Buffer.from(said, 'base64').toString()
    expect(response.status).toBe(402)
    expect(words).toContain(name === 'expressV1' ? 'invalid_exact_evm' : 'invalid_exact_evm_nonce_already_used')
    expect(await balances()).toEqual(before)
  })

  it('asks ten dollars for /expensive, which the official client does not pay', async () => {
    const before = await balances()
    await expect(payer.pay(`${testnet.servers[name].url}/expensive`)).rejects.toThrow()
    expect((await payer.fetch(`${testnet.servers[name].url}/expensive`)).status).toBe(402)
    expect(await balances()).toEqual(before)
  })
})

describe('the facilitator', () => {
  it('says what it supports, in both versions', async () => {
    const supported = await (await fetch(`${testnet.facilitatorUrl}/supported`)).json()
    expect(supported).toMatchObject({
      kinds: [
        { x402Version: 2, scheme: 'exact', network: 'eip155:84532' },
        { x402Version: 2, scheme: 'upto', network: 'eip155:84532' },
        { x402Version: 2, scheme: 'batch-settlement', network: 'eip155:84532' },
        { x402Version: 1, scheme: 'exact', network: 'base-sepolia' },
      ],
    })
  })

  it.each(['settle-then-reset', 'settle-then-500'] as const)('makes an official server deny money that moved (%s)', async (fault) => {
    const before = await balances()
    testnet.facilitator.failNext(fault)
    const response = await payer.pay(`${testnet.servers.expressV2.url}/weather`)
    expect({ status: response.status, settled: resultOf(response)?.success }).toEqual({ status: 402, settled: false })
    expect(before.payer - (await balances()).payer).toBe(PRICES['GET /weather'].atomic)
  })

  it('makes a server of version 1 ask afresh for money that moved', async () => {
    const before = await balances()
    const noise = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    testnet.facilitator.failNext('settle-then-garbage')
    const response = await payer.pay(`${testnet.servers.expressV1.url}/weather`)
    noise.mockRestore()
    expect({ status: response.status, result: resultOf(response) }).toEqual({ status: 402, result: undefined })
    expect(await response.json()).toMatchObject({ x402Version: 1, accepts: [{ scheme: 'exact' }] })
    expect(before.payer - (await balances()).payer).toBe(PRICES['GET /weather'].atomic)
  })

  it('moves nothing where it was down before settling', async () => {
    const before = await balances()
    testnet.facilitator.failNext('error-500')
    const response = await payer.pay(`${testnet.servers.expressV2.url}/weather`)
    expect({ status: response.status, settled: resultOf(response)?.success }).toEqual({ status: 402, settled: false })
    expect(await balances()).toEqual(before)
  })
})

describe('the gate before the chain', () => {
  it('passes calls while it is open and breaks them off while it is shut', async () => {
    await using gate = await startRpcGate(testnet)
    const ask = () => fetch(gate.url, { method: 'POST', body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}' })
    expect(await (await ask()).json()).toMatchObject({ result: '0x14a34' })
    gate.set('error')
    expect((await ask()).status).toBe(503)
    gate.set('down')
    await expect(ask()).rejects.toThrow('fetch failed')
    gate.set('open')
    expect((await ask()).status).toBe(200)
    expect(gate.calls).toHaveLength(4)
  })
})

describe('the end', () => {
  it('leaves no chain behind when the process that started it is killed', async () => {
    const script = `import { startAnvil } from ${JSON.stringify(new URL('./anvil.ts', import.meta.url).href)}
      console.log((await startAnvil(84532)).rpcUrl)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(createInterface({ input: child.stdout }), 'line')
    const socket = connect(Number(new URL(String(line)).port), '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    const gone = once(socket, 'close')
    child.kill('SIGKILL')
    await gone
    expect(socket.destroyed).toBe(true)
  })

  it('closes every door', async () => {
    const short = await startTestnet()
    await short[Symbol.asyncDispose]()
    for (const url of [short.rpcUrl, short.facilitatorUrl, short.servers.honoV2.url])
      await expect(fetch(url)).rejects.toThrow('fetch failed')
  })
})
