/** Funded sessions through the whole Purser: a treasury, a real chain, official paid servers. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { numberToHex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Clock, randomIds, systemClock } from '../../src/clock.ts'
import type { WorkerPlace } from '../../src/house.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite.ts'
import { MAX_BALANCE_AGE_MS } from '../../src/limits.ts'
import { fixtures } from '../ledger/fixtures.ts'
import { startRpcGate } from '../testnet/rpc-gate.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { openConfig, type RunningPurser, startPurser } from './purser.ts'

const WEATHER = 1_000n
const STOCK = 1_000_000n
const POLL = { interval: 100, timeout: 30_000 }

let testnet: Testnet
let folder: string
const started = new AsyncDisposableStack()

beforeAll(async () => {
  testnet = started.use(await startTestnet())
  folder = await mkdtemp(join(tmpdir(), 'purser-funded-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
})
afterAll(() => started.disposeAsync())

interface Move {
  readonly kind: string
  readonly state: string
  readonly amountAtomic: string
  readonly transaction: string | null
}

interface Shown {
  readonly id: string
  readonly token: string
  readonly state: string
  readonly spent: string
  readonly wallet: { readonly address: `0x${string}` }
  readonly funding?: {
    readonly state: string
    readonly fundedAtomic: string
    readonly sweptAtomic: string
    readonly moves: readonly Move[]
  }
}

interface Wanted {
  readonly stock?: bigint
  readonly relayed?: boolean
  readonly rpcUrl?: string
  readonly worker?: WorkerPlace
  readonly clock?: Clock
}

/** With gas, and with money unless told otherwise. */
async function startFunded({ stock = STOCK, relayed = false, rpcUrl = testnet.rpcUrl, worker, clock }: Wanted = {}) {
  const [key, relayer] = [generatePrivateKey(), generatePrivateKey()]
  const treasury = privateKeyToAddress(key)
  const payer = relayed ? privateKeyToAddress(relayer) : treasury
  await testnet.rpc('anvil_setBalance', [payer, numberToHex(10n ** 18n)])
  if (stock > 0n) await testnet.fund(treasury, stock)
  const files = { seed: join(folder, `seed-${treasury}`), key: join(folder, `key-${treasury}`), relayer: join(folder, `gas-${treasury}`) }
  const secret = (file: string, text: string) => writeFile(file, text, { mode: 0o600 })
  await Promise.all([secret(files.seed, generatePrivateKey()), secret(files.key, key), secret(files.relayer, relayer)])
  const open = openConfig([testnet.caFile])
  const routes = [{ prefix: '/paid/', upstream: `${testnet.servers.honoV2.httpsUrl}/` }]
  const networks = [{ id: 'base-sepolia', rpc: rpcUrl, finalityBlocks: 0 }]
  const gas = relayed ? { relayer: { key: `file:${files.relayer}` } } : {}
  const kept = { key: `file:${files.key}`, network: 'base-sepolia', token: 'USDC', ...gas }
  const wallet = { kind: 'derived', seed: `file:${files.seed}`, treasury: kept }
  const purser = await startPurser(
    { ...open, proxy: { ...(open.proxy as object), routes }, networks, wallet },
    { ...(worker && { worker }), ...(clock && { clock }) },
  )
  return { purser, treasury, balance: () => testnet.balanceOf(treasury), [Symbol.asyncDispose]: () => purser[Symbol.asyncDispose]() }
}

async function buy({ app }: RunningPurser, token: string): Promise<{ status: number; code?: string; detail?: string }> {
  const answer = await fetch(`${app.proxyUrl}/paid/weather`, { headers: { 'purser-session': token } })
  const { code, detail } = (await answer.json()) as { code?: string; detail?: string }
  return { status: answer.status, ...(code !== undefined && { code }), ...(detail !== undefined && { detail }) }
}

const opened = (purser: RunningPurser, spec = {}) => purser.openSession({ cap: '0.01', ...spec }) as unknown as Promise<Shown>
const shown = (purser: RunningPurser, { id }: Pick<Shown, 'id'>) => purser.admin<Shown>(`/v1/sessions/${id}`)
const post = <T = Shown>(purser: RunningPurser, path: string, body = {}) =>
  purser.admin<T>(path, { method: 'POST', body: JSON.stringify(body) })
const until = (purser: RunningPurser, session: Pick<Shown, 'id'>, state: string) =>
  expect.poll(async () => (await shown(purser, session)).funding?.state, POLL).toBe(state)

describe('a funded session', () => {
  it('has exactly its cap on the chain, pays from it at once, and gives the rest back to the unit', async () => {
    await using world = await startFunded()
    const { purser, balance } = world
    const session = await opened(purser)
    expect(['funding', 'funded']).toContain(session.funding?.state)
    expect(await buy(purser, session.token)).toEqual({ status: 200 })
    await until(purser, session, 'funded')
    expect(await testnet.balanceOf(session.wallet.address)).toBe(9n * WEATHER)
    expect(await balance()).toBe(STOCK - 10n * WEATHER)
    expect(await buy(purser, session.token)).toEqual({ status: 200 })
    await post(purser, `/v1/sessions/${session.id}/close`)
    await until(purser, session, 'swept')
    expect(await testnet.balanceOf(session.wallet.address)).toBe(0n)
    expect(await balance()).toBe(STOCK - 2n * WEATHER)
    const { funding, spent } = await shown(purser, session)
    expect(spent).toBe('0.002')
    expect(funding).toMatchObject({ fundedAtomic: '10000', sweptAtomic: '8000' })
    expect(funding?.moves).toMatchObject([
      { kind: 'fund', state: 'done', amountAtomic: '10000', transaction: expect.stringMatching(/^0x/) },
      { kind: 'sweep', state: 'done', amountAtomic: '8000', transaction: expect.stringMatching(/^0x/) },
    ])
    const metrics = await purser.text('/metrics')
    expect(metrics).toContain('purser_funded_atomic_total{kind="fund",network="eip155:84532"} 10000')
    expect(metrics).toContain('purser_funded_atomic_total{kind="sweep",network="eip155:84532"} 8000')
  })

  it('gets what a top-up adds, and its children pay from its address', async () => {
    await using world = await startFunded()
    const { purser } = world
    const session = await opened(purser)
    await until(purser, session, 'funded')
    const child = await opened(purser, { parent: session.id, cap: '0.002', ttl: '1m' })
    expect([child.wallet.address, child.funding]).toEqual([session.wallet.address, undefined])
    expect(await buy(purser, child.token)).toEqual({ status: 200 })
    await post(purser, `/v1/sessions/${session.id}/topup`, { amount: '0.005' })
    await expect.poll(() => testnet.balanceOf(session.wallet.address), POLL).toBe(14n * WEATHER)
    await post(purser, `/v1/sessions/${session.id}/revoke`)
    await until(purser, session, 'swept')
    expect(await world.balance()).toBe(STOCK - WEATHER)
    const kinds = (await shown(purser, session)).funding?.moves.map(({ kind, state }) => `${kind} ${state}`)
    expect(kinds).toEqual(['fund done', 'topup done', 'sweep done'])
    const { unrecorded, unmatched } = await post<Record<string, unknown[]>>(purser, '/v1/reconcile')
    expect([unrecorded, unmatched]).toEqual([[], []])
  })

  it('needs no gas in the treasury where a relayer pays it', async () => {
    await using world = await startFunded({ relayed: true })
    const session = await opened(world.purser)
    await until(world.purser, session, 'funded')
    await post(world.purser, `/v1/sessions/${session.id}/close`)
    await until(world.purser, session, 'swept')
    expect(await world.balance()).toBe(STOCK)
  })

  it('is refused clearly while its money is on the way, and goes on when the treasury has it', async () => {
    await using world = await startFunded({ stock: 0n })
    const { purser, treasury } = world
    const session = await opened(purser)
    const refused = await buy(purser, session.token)
    expect(refused).toMatchObject({ status: 403, code: 'wallet_insufficient', detail: expect.stringContaining('being funded') })
    expect(await shown(purser, session)).toMatchObject({ spent: '0.00', funding: { state: 'funding', moves: [{ state: 'planned' }] } })
    expect(purser.log.join('')).toContain('has too little of USDC')
    await testnet.fund(treasury, STOCK)
    await until(purser, session, 'funded')
    expect(await buy(purser, session.token)).toEqual({ status: 200 })
  })

  it('is not what a session of the default wallet is', async () => {
    await using world = await startFunded()
    const session = await opened(world.purser, { wallet: 'default' })
    expect(session.funding).toBeUndefined()
    expect((await shown(world.purser, session)).funding).toBeUndefined()
  })
})

describe('the ceiling on the chain', () => {
  it('G1: holds where this program forgets the cap: the chain declines what is beyond it', async () => {
    const file = join(folder, 'forgetful.db')
    const gate = started.use(await startRpcGate({ rpcUrl: testnet.rpcUrl, tls: testnet.tls }))
    const own = await openSqliteLedger({ file, clock: systemClock, ids: randomIds, runId: randomIds('run') })
    started.use(own)
    const books = await forgetful(own)
    const place = { number: 1, ledger: books, ticketSecret: Buffer.alloc(32, 1) }
    let skipped_ms = 0
    const clock = { now: () => systemClock.now(), monotonic: () => systemClock.monotonic() + skipped_ms }
    await using world = await startFunded({ rpcUrl: gate.url, worker: place, clock })
    const { purser } = world
    const session = await opened(purser, { cap: '0.003' })
    await until(purser, session, 'funded')
    expect(await testnet.balanceOf(session.wallet.address)).toBe(3n * WEATHER)
    // Nor does it see any more what its wallet holds, which would be its last thought of the cap.
    gate.set('down')
    skipped_ms = 2 * MAX_BALANCE_AGE_MS
    const answers = []
    for (let n = 0; n < 5; n++) answers.push((await buy(purser, `${session.token}`)).status)
    expect(answers).toEqual([200, 200, 200, 502, 502])
    gate.set('open')
    expect(await shown(purser, session)).toMatchObject({ spent: '0.00', held: '0.00' })
    expect(await testnet.balanceOf(session.wallet.address)).toBe(0n)
    expect((await testnet.settlementsFrom(session.wallet.address)).map(({ value }) => value)).toEqual([WEATHER, WEATHER, WEATHER])
    expect(await world.balance()).toBe(STOCK - 3n * WEATHER)
  })
})

/** Books in which what a session reserves is written to the account of another one, which may spend without end. */
async function forgetful(ledger: Ledger): Promise<Ledger> {
  const ids = randomIds
  const make = fixtures(ids, () => Date.now())
  const { id: sink } = await ledger.openSession(make.session({ cap: 1_000_000_000_000n, wallet: 'ses_sink' }))
  const moved = <T extends { readonly sessionId: string }>(of: T): T => ({ ...of, sessionId: sink })
  const own: Pick<Ledger, 'reserve' | 'resume'> = {
    reserve: (request) => ledger.reserve({ ...request, purchase: moved(request.purchase), attempt: moved(request.attempt) }),
    resume: (purchase) => ledger.resume(moved(purchase)),
  }
  return new Proxy(ledger, {
    get(target, name) {
      const member: unknown = Object.hasOwn(own, name) ? Reflect.get(own, name) : Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
