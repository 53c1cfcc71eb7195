/** The real program with two workers, over both ledgers: what holds for one process holds for several (R3, R5, R7, G1, G3, G4). */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ask, type Got } from '../crash/agent.ts'
import { type LedgerKind, ledgerOf } from '../crash/ledgers.ts'
import { type Place, type Plan, PurserProcess } from '../crash/process.ts'
import { listen } from '../testnet/doors.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { openConfig } from './purser.ts'

let testnet: Testnet
const shared = new AsyncDisposableStack()
beforeAll(async () => {
  testnet = shared.use(await startTestnet())
})
afterAll(() => shared.disposeAsync())

interface Rig {
  readonly purser: PurserProcess
  readonly folder: string
  /** What was opened last: `id:token`. */
  open(cap: string): Promise<{ readonly id: string; readonly credentials: string }>
  buy(url: string, credentials: string, headers?: readonly string[]): Promise<Got>
  restart(): Promise<void>
  payments(url: string): Promise<Record<string, unknown>[]>
  metric(name: string): Promise<number>
}

async function startRig(kind: LedgerKind, started: AsyncDisposableStack, plan?: Omit<Plan, 'once'>): Promise<Rig> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-workers-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const { ledger, env = {} } = await ledgerOf(kind, started)
  const open = openConfig([testnet.caFile])
  const config = {
    ...open,
    dataDir: './data',
    proxy: { ...(open.proxy as object), workers: 2 },
    networks: [{ id: 'base-sepolia', rpc: testnet.rpcUrl, finalityBlocks: 0 }],
    ...ledger,
  }
  const configFile = join(folder, 'purser.yaml')
  await writeFile(configFile, JSON.stringify(config))
  const place: Place = { configFile, dataDir: join(folder, 'data'), env }
  const start = async (withPlan?: Plan) => {
    const begun = await PurserProcess.start(place, withPlan)
    if (!begun) throw new Error('it was killed')
    started.defer(() => begun.kill())
    return begun
  }
  let purser = await start(plan && { ...plan, once: join(folder, 'died') })
  await testnet.fund(purser.walletAddress as `0x${string}`, 1_000_000_000n)
  return {
    get purser() {
      return purser
    },
    folder,
    async open(cap) {
      const body = { agent: 'tester', purpose: 'test', cap, ttl: '1h' }
      const { id, token } = await purser.admin('/v1/sessions', { method: 'POST', body })
      return { id: String(id), credentials: `${id}:${token}` }
    },
    buy: (url, credentials, headers = []) => ask({ url, headers }, { proxyUrl: purser.proxyUrl, credentials }),
    async restart() {
      purser = await start()
    },
    async payments(url) {
      const { items } = (await purser.admin('/v1/payments?limit=1000')) as { items: Record<string, unknown>[] }
      return items.filter((payment) => payment.url === url)
    },
    async metric(name) {
      const text = await (await fetch(new URL('/metrics', purser.adminUrl))).text()
      const values = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    },
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.trim().split(' ').map(Number)
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const weather = (n: string) => `${testnet.servers.honoV2.url}/weather?n=${n}`

describe.each<LedgerKind>(['sqlite', 'postgres'])('two workers on %s', (kind) => {
  const started = new AsyncDisposableStack()
  let rig: Rig
  beforeAll(async () => {
    rig = await startRig(kind, started, { waypoint: 'request on the wire', pass: 1 })
  })
  afterAll(() => started.disposeAsync())

  it('G3: a worker that dies with a payment on the wire leaves it unknown, and the repeat presents the same authorization', async () => {
    const { credentials } = await rig.open('1')
    const url = weather(`wire-${kind}`)
    const wallet = rig.purser.walletAddress as `0x${string}`
    const before = await testnet.balanceOf(wallet)
    expect(await rig.buy(url, credentials)).toMatchObject({ kind: 'broken' })
    await vi.waitFor(async () => expect(await rig.buy(url, credentials)).toMatchObject({ kind: 'goods' }), {
      timeout: 20_000,
      interval: 200,
    })
    // Until the death is noticed a repeat is told that somebody pays, which leaves a record of its own.
    const made = async () => (await rig.payments(url)).filter(({ state }) => state !== 'denied')
    await vi.waitFor(async () => expect(await made()).toMatchObject([{ state: 'settled' }]), 5_000)
    expect(before - (await testnet.balanceOf(wallet))).toBe(1_000n)
    expect(await rig.metric('purser_worker_restarts_total')).toBe(1)
    await vi.waitFor(async () => expect(await rig.metric('purser_workers')).toBe(2), 20_000)
  })

  it('G1: sixty payments at once over both workers against a cap for twenty: exactly twenty are made', async () => {
    const { id, credentials } = await rig.open('0.02')
    const before = await testnet.balanceOf(rig.purser.walletAddress as `0x${string}`)
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => rig.buy(weather(`cap${n}`), credentials)))
    expect(answers.filter(({ kind: got }) => got === 'goods')).toHaveLength(20)
    const codes = new Set(answers.flatMap((got) => (got.kind === 'refused' ? [got.code] : [])))
    expect([...codes].filter((code) => code !== 'spending_limit_exceeded' && code !== 'session_exhausted')).toEqual([])
    expect(before - (await testnet.balanceOf(rig.purser.walletAddress as `0x${string}`))).toBe(20_000n)
    // The answer does not wait for its conclusion, which the primary reads once a worker has committed it.
    const concluded = { spent: '0.02', held: '0.00', remaining: '0.00' }
    await vi.waitFor(async () => expect(await rig.purser.admin(`/v1/sessions/${id}`)).toMatchObject(concluded), 5_000)
    // Log lines are written in batches, each worker's at its own time.
    const worked = (worker: number) => expect(rig.purser.log).toMatch(new RegExp(`"worker":${worker},.*"outcome":`))
    for (const worker of [1, 2]) await vi.waitFor(() => worked(worker), 5_000)
  })

  it('G3: one key at both workers at once is one payment, and whoever asks later gets what was bought', async () => {
    const { credentials } = await rig.open('1')
    const url = weather('key')
    const key = ['Idempotency-Key', 'order-1']
    const answers = await Promise.all(Array.from({ length: 6 }, () => rig.buy(url, credentials, key)))
    for (const got of answers) if (got.kind === 'refused') expect(got.code).toBe('purchase_in_progress')
    expect(answers.some(({ kind: got }) => got === 'goods')).toBe(true)
    const again = await Promise.all([1, 2, 3, 4].map(() => rig.buy(url, credentials, key)))
    expect(again.map(({ kind: got }) => got)).toEqual(['goods', 'goods', 'goods', 'goods'])
    expect(await rig.payments(url)).toHaveLength(1)
  })

  it('the agent’s own door answers in any worker, and a session that is revoked passes nothing in any', async () => {
    const { id, credentials } = await rig.open('1')
    const free = `${testnet.servers.honoV2.url}/free`
    const both = () => Promise.all([1, 2].map(() => rig.buy(free, credentials)))
    expect((await both()).map(({ kind: got }) => got)).toEqual(['goods', 'goods'])
    for (const path of ['session', 'session/payments', 'session/children']) {
      expect(await rig.buy(`http://purser.internal/v1/${path}`, credentials)).toMatchObject({ kind: 'goods' })
    }
    await rig.purser.admin(`/v1/sessions/${id}/revoke`, { method: 'POST' })
    await vi.waitFor(async () => {
      expect(await both()).toMatchObject([{ code: 'session_revoked' }, { code: 'session_revoked' }])
    }, 1_000)
  })

  it('a worker that is killed is replaced, and what was counted never goes back', async () => {
    const { credentials } = await rig.open('1')
    await rig.buy(weather('counted'), credentials)
    const before = await rig.metric('purser_requests_total')
    const killed = await childrenOf(rig.purser.pid)
    for (const pid of killed) process.kill(pid, 'SIGKILL')
    await vi.waitFor(async () => expect(await rig.metric('purser_worker_restarts_total')).toBe(3))
    const kept = await rig.metric('purser_requests_total')
    expect(kept).toBeGreaterThanOrEqual(before)
    await vi.waitFor(async () => expect(await rig.metric('purser_workers')).toBe(2), 20_000)
    expect((await fetch(new URL('/readyz', rig.purser.adminUrl))).status).toBe(200)
    expect(await rig.buy(weather('after'), credentials)).toMatchObject({ kind: 'goods' })
    await vi.waitFor(async () => expect(await rig.metric('purser_requests_total')).toBe(kept + 1))
    expect((await childrenOf(rig.purser.pid)).filter((pid) => killed.includes(pid))).toEqual([])
  })

  it('a primary that is killed takes its workers with it, and its next start goes on where it was', async () => {
    const { id, credentials } = await rig.open('1')
    expect(await rig.buy(weather('before'), credentials)).toMatchObject({ kind: 'goods' })
    const pids = await childrenOf(rig.purser.pid)
    await vi.waitFor(async () => expect(await rig.purser.admin(`/v1/sessions/${id}`)).toMatchObject({ spent: '0.001' }), 5_000)
    rig.purser.kill()
    await rig.purser.ended
    await vi.waitFor(() => expect(pids.filter(lives)).toEqual([]), 5_000)
    await rig.restart()
    expect(await rig.purser.admin(`/v1/sessions/${id}`)).toMatchObject({ spent: '0.001' })
    expect(await rig.buy(weather('next'), credentials)).toMatchObject({ kind: 'goods' })
  })

  it('a drain lets what runs in any worker end, and then no process is left', async () => {
    const { credentials } = await rig.open('1')
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    const slow = createServer((_, response) => {
      asked.resolve()
      answer.promise.then(() => response.end('late'))
    })
    started.defer(() => void slow.close())
    const running = rig.buy(`http://127.0.0.1:${await listen(slow)}/slow`, credentials)
    await asked.promise
    const pids = await childrenOf(rig.purser.pid)
    const stopped = rig.purser.stop()
    await vi.waitFor(async () => expect(await rig.buy(weather('drained'), credentials)).toMatchObject({ kind: 'broken' }))
    answer.resolve()
    expect(await running).toMatchObject({ kind: 'goods' })
    await stopped
    expect(pids.filter(lives)).toEqual([])
  })
})
