/** The middleware end to end: a Node program that pays without a proxy, official paid servers of both versions, a real chain. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { HouseOptions } from '../../src/house.ts'
import type { WrittenSession } from '../../src/middleware/options.ts'
import { createPaidFetch, type PaidFetch } from '../../src/middleware/paid-fetch.ts'
import { type Misbehaving, startMisbehaving } from '../testnet/misbehaving.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { openConfig } from './purser.ts'

let testnet: Testnet
let odd: Misbehaving
const key = generatePrivateKey()
const started = new AsyncDisposableStack()

beforeAll(async () => {
  testnet = started.use(await startTestnet())
  odd = started.use(await startMisbehaving(testnet))
  await testnet.fund(privateKeyToAddress(key), 1_000_000_000n)
})
afterAll(() => started.disposeAsync())

interface Program {
  readonly paid: PaidFetch
  readonly file: string
  readonly log: readonly string[]
}

const SESSION: WrittenSession = { agent: 'researcher', cap: '1.00', ttl: '1h' }

async function configFile(more: Record<string, unknown> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-middleware-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'purser.yaml')
  const wallet = { kind: 'local', key: `file:${join(folder, 'wallet.key')}` }
  await writeFile(join(folder, 'wallet.key'), key, { mode: 0o600 })
  await writeFile(file, JSON.stringify({ dataDir: './data', ...openConfig([testnet.caFile]), wallet, ...more }))
  return file
}

async function program(
  session: WrittenSession | { token: string } = SESSION,
  file?: string,
  internals: HouseOptions = {},
): Promise<Program> {
  const log: string[] = []
  const named = file ?? (await configFile())
  const paid = await createPaidFetch({ file: named, session }, { logDestination: { write: (line) => void log.push(line) }, ...internals })
  onTestFinished(() => paid.dispatcher.destroy())
  return { paid, file: named, log }
}

interface Balance {
  readonly id: string
  readonly cap: string
  readonly spent: string
  readonly held: string
  readonly remaining: string
}

const balanceOf = async (paid: PaidFetch) => (await (await paid('http://purser.internal/v1/session')).json()) as Balance
const settlements = async () => (await testnet.settlementsFrom(privateKeyToAddress(key))).length

const codeOf = async (answer: Response) => ((await answer.json()) as { code: string }).code

describe('a fetch that pays', () => {
  it.each([
    ['version 2, express', 'expressV2'],
    ['version 2, hono', 'honoV2'],
    ['version 1, express', 'expressV1'],
  ] as const)('%s: gets what it asked for, with what it cost', async (_name, server) => {
    const { paid } = await program()
    const before = await settlements()
    const answer = await paid(`${testnet.servers[server].httpsUrl}/weather`)
    expect([answer.status, await answer.json()]).toEqual([200, { city: 'Lisbon', celsius: 21 }])
    expect(answer.headers.get('purser-amount')).toBe('0.001 USD')
    expect(answer.headers.get('purser-payment')).toMatch(/^pay_/)
    expect(await balanceOf(paid)).toMatchObject({ spent: '0.001', held: '0.00' })
    expect(await settlements()).toBe(before + 1)
  })

  it('what is free passes, and what is sent arrives whole', async () => {
    const { paid } = await program()
    const { httpsUrl } = testnet.servers.honoV2
    expect(await (await paid(`${httpsUrl}/free`)).json()).toEqual({ free: true })
    const body = new Uint8Array(50_000).fill(7)
    const bought = await paid(new Request(`${httpsUrl}/summarize`, { method: 'POST', body }))
    expect(await bought.json()).toMatchObject({ bytes: 50_000 })
  })

  it('a stream comes in pieces as the server sends them', async () => {
    const { paid } = await program()
    const answer = await paid(`${testnet.servers.honoV2.httpsUrl}/stream`)
    expect(answer.headers.get('content-type')).toBe('text/event-stream')
    expect(await answer.text()).toBe('data: one\n\ndata: two\n\ndata: three\n\n')
  })

  it('three at once that do not fit together: the cap lets two pay, and says why not the third', async () => {
    const { paid } = await program({ ...SESSION, cap: '0.025' })
    const asked = [1, 2, 3].map(async (n) => paid(`${testnet.servers.honoV2.httpsUrl}/data?n=${n}`))
    const answers = await Promise.all(asked)
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 403])
    const refused = answers.find(({ status }) => status === 403)
    expect(await refused?.json()).toMatchObject({ code: 'spending_limit_exceeded', moneyState: 'none' })
  })

  it('a repeat whose outcome is unknown presents the same payment, and pays once', async () => {
    const { paid } = await program()
    const path = '/v2/settle-reset/middleware'
    const first = await paid(`${odd.httpsUrl}${path}`)
    expect([first.status, await codeOf(first)]).toEqual([502, 'payment_unknown'])
    const second = await paid(`${odd.httpsUrl}${path}`)
    expect(second.status).toBe(200)
    expect([odd.record(path).nonces.size, odd.record(path).settlements.length]).toEqual([1, 1])
  })

  it('an agent that leaves while it is bought gets it by asking again, for one settlement', async () => {
    const { paid } = await program()
    const path = '/v2/slow/middleware'
    const leave = new AbortController()
    const first = paid(`${odd.httpsUrl}${path}`, { signal: leave.signal })
    await odd.held(path)
    leave.abort()
    await expect(first).rejects.toThrow('abort')
    await odd.release(path)
    const again = await paid(`${odd.httpsUrl}${path}`)
    expect(again.status).toBe(200)
    expect([odd.record(path).nonces.size, odd.record(path).settlements.length]).toEqual([1, 1])
  })

  it('who closes while something is bought that nobody waits for any more waits until its outcome is known', async () => {
    const { paid, file } = await program()
    const path = '/v2/slow/closing'
    const leave = new AbortController()
    const first = paid(`${odd.httpsUrl}${path}`, { signal: leave.signal })
    await odd.held(path)
    leave.abort()
    await expect(first).rejects.toThrow('abort')
    const closing = paid.close()
    await odd.release(path)
    await closing
    const again = await program(SESSION, file)
    const { items } = (await (await again.paid('http://purser.internal/v1/session/payments')).json()) as { items: { state: string }[] }
    expect(items).toMatchObject([{ state: 'settled' }])
  })

  it('waits for people where the tier says so: a yes lets one request pay', async () => {
    const conditions = { maxAmount: '50', categories: ['hire'], recipientTrust: 'verified', frequency: { max: 9, per: '1h' } }
    const file = await configFile({
      approvals: { hold: '1s' },
      categories: [{ host: '*', category: 'hire' }],
      tiers: [{ name: 'asking', conditions, approval: 'explicit_human', timeout: '4h' }],
    })
    const { paid } = await program(SESSION, file)
    const url = `${testnet.servers.honoV2.httpsUrl}/data`
    const waits = await paid(url)
    expect([waits.status, await codeOf(waits)]).toEqual([403, 'approval_pending'])
    const { oversight } = paid.dispatcher
    const [asked] = await oversight.pending()
    await expect(oversight.approve(asked?.id ?? '', { person: 'researcher' })).rejects.toThrow('forbidden')
    await oversight.approve(asked?.id ?? '', { person: 'alice', reason: 'worth it' })
    expect((await paid(url)).status).toBe(200)
    expect(await oversight.pending()).toEqual([])
  })

  it('goes nowhere where the proxy would not: not to this machine, and not with payment headers of its own', async () => {
    const { unsafeAllowPrivateUpstreams: _, ...proxy } = openConfig([testnet.caFile]).proxy as Record<string, unknown>
    const { paid } = await program(SESSION, await configFile({ proxy }))
    const inward = await paid(`${testnet.servers.honoV2.httpsUrl}/weather`)
    expect([inward.status, await codeOf(inward)]).toEqual([403, 'destination_not_allowed'])
    const own = await paid('https://example.com/', { headers: { 'x-payment': 'mine' } })
    expect([own.status, await codeOf(own)]).toEqual([400, 'payment_header_forbidden'])
  })

  it('neither answer nor log holds the key or the authorization', async () => {
    const { paid, log } = await program()
    const answer = await paid(`${testnet.servers.honoV2.httpsUrl}/weather`)
    const body = await answer.text()
    await paid.close()
    const seen = JSON.stringify([...answer.headers]) + body + log.join('')
    expect(seen).not.toContain(key.slice(2))
    expect(seen).not.toMatch(/"signature"|payment-signature"?:/i)
    expect(log.join('')).toContain(answer.headers.get('purser-payment'))
  })
})

describe('one session, kept', () => {
  it('a restart resumes what was spent and refills nothing', async () => {
    const first = await program()
    await first.paid(`${testnet.servers.honoV2.httpsUrl}/weather`)
    const { id } = await balanceOf(first.paid)
    await first.paid.close()
    const second = await program({ ...SESSION, cap: '1.00' }, first.file)
    expect(await balanceOf(second.paid)).toMatchObject({ id, cap: '1.00', spent: '0.001' })
  })

  it('a second instance on the same ledger is refused, in words that say what to do', async () => {
    const { file } = await program()
    await expect(program(SESSION, file)).rejects.toThrow(
      /ledger_unavailable: .*purser\.db open; one process owns it\. Use that one, or stop it/,
    )
  })

  it('by the token of a session that is open: its budget, and no other', async () => {
    const first = await program()
    const opened = await first.paid('http://purser.internal/v1/session/children', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ purpose: 'a part', cap: '0.05', ttl: '30m' }),
    })
    const child = (await opened.json()) as { id: string; token: string }
    await first.paid.close()
    const { paid } = await program({ token: child.token }, first.file)
    expect((await paid(`${testnet.servers.honoV2.httpsUrl}/data`)).status).toBe(200)
    expect(await balanceOf(paid)).toMatchObject({ id: child.id, spent: '0.01', cap: '0.05' })
    await paid.close()
    await expect(program({ token: 'of-nobody' }, first.file)).rejects.toThrow('session_invalid: No session of this ledger')
  })
})

describe('a dispatcher that pays', () => {
  it('serves undici’s own calls, and ends when what was asked has been answered', async () => {
    const { paid } = await program()
    const asked = request(`${testnet.servers.expressV1.httpsUrl}/weather`, { dispatcher: paid.dispatcher })
    const { statusCode, body } = await asked
    expect([statusCode, await body.json()]).toEqual([200, { city: 'Lisbon', celsius: 21 }])
    await paid.close()
    await expect(paid('https://example.com/')).rejects.toThrow()
  })

  it('takes a fetch of an older Node, which speaks to dispatchers in its own way', async () => {
    const { paid } = await program()
    const ended = vi.fn()
    await new Promise<void>((resolve, reject) => {
      const legacy = {
        onConnect: () => undefined,
        onHeaders: (status: number) => ended(status),
        onData: () => true,
        onComplete: () => resolve(),
        onError: reject,
      }
      paid.dispatcher.dispatch(
        { origin: testnet.servers.honoV2.httpsUrl, path: '/weather', method: 'GET' },
        legacy as unknown as Parameters<typeof paid.dispatcher.dispatch>[1],
      )
    })
    expect(ended).toHaveBeenCalledWith(200)
  })
})
