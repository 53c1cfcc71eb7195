/**
 * Channels outlive who pays through them: the real program, killed with SIGKILL in the middle and started again, and a
 * replica that goes on with the channel of one that is dead. Nothing is charged twice, and both books stay equal.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import type { Waypoint } from '../../src/waypoints.ts'
import { type LedgerKind, ledgerOf } from '../crash/ledgers.ts'
import { type Place, type Plan, PurserProcess } from '../crash/process.ts'
import { channelsOf } from '../testnet/channel-history.ts'
import { type ChannelWorld, startChannelWorld } from '../testnet/channel-world.ts'
import type { Catalogue } from '../testnet/channels.ts'
import { buy, CHANNELS, channelConfig, close, expectEqualBooks, type Office, type Shopper } from './channel-rig.ts'

const PRICE = 1_000n
const TICK = { prices: { '/tick': '0.001' }, window_s: 10 }
/** The dead one is declared so after 15 s. */
const TAKEOVER_MS = 60_000
const LONG_MS = 240_000

let world: ChannelWorld
beforeAll(async () => {
  world = await startChannelWorld()
})
afterAll(() => world?.[Symbol.asyncDispose]())

/** As many homes as processes; they share what a ledger needs. */
async function homes(started: AsyncDisposableStack, kind: LedgerKind, count = 1): Promise<Place[]> {
  const { ledger, env = {} } = await ledgerOf(kind, started)
  const config = { dataDir: './data', ...channelConfig(world, { channels: CHANNELS, log: { level: 'warn' } }), ...ledger }
  const home = async (): Promise<Place> => {
    const folder = await mkdtemp(join(tmpdir(), 'purser-killed-'))
    started.defer(() => rm(folder, { recursive: true, force: true }))
    const configFile = join(folder, 'purser.yaml')
    await writeFile(configFile, JSON.stringify(config))
    return { configFile, dataDir: join(folder, 'data'), env }
  }
  return Promise.all(Array.from({ length: count }, home))
}

async function start(started: AsyncDisposableStack, place: Place): Promise<PurserProcess> {
  const process = await PurserProcess.start(place)
  if (!process) throw new Error('it was not to be killed yet')
  started.defer(async () => {
    process.kill()
    await process.ended
  })
  return process
}

const officeOf = (process: PurserProcess): Office => ({
  admin: async <T>(path: string, { method = 'GET', body }: RequestInit = {}) =>
    (await process.admin(path, { method, ...(typeof body === 'string' && { body: JSON.parse(body) }) })) as T,
})

const openedSchema = z.looseObject({ id: z.string(), token: z.string() })

async function openSession(process: PurserProcess): Promise<{ readonly id: string; readonly credentials: string }> {
  await world.chain.fund(payerOf(process), 10_000_000n)
  const body = { agent: 'tester', purpose: 'channels', cap: '5.00', ttl: '1h' }
  const { id, token } = openedSchema.parse(await process.admin('/v1/sessions', { method: 'POST', body }))
  return { id, credentials: `${id}:${token}` }
}

const payerOf = ({ walletAddress }: PurserProcess) => walletAddress as `0x${string}`
const shopper = (process: PurserProcess, { credentials }: { readonly credentials: string }): Shopper => ({
  proxyUrl: process.proxyUrl,
  credentials,
})

/**
 * Buys, and again until it has the goods: another purchase each time, as an agent makes it that knows nothing of this. The
 * chain has a block now and then, as others have: by them it is known that a deposit's window has closed.
 */
async function buyAnyhow(at: Shopper, seller: Catalogue): Promise<void> {
  const bought = async () => {
    await world.chain.mine({ blocks: 1 })
    expect(await buy(at, seller)).toMatchObject({ kind: 'goods' })
  }
  await vi.waitFor(bought, { timeout: TAKEOVER_MS, interval: 200 })
}

interface Killed {
  readonly plan: Plan & { readonly waypoint: Waypoint }
  /** Requests before it is armed, and after it was started again. */
  readonly before: number
  readonly after: number
}

/** @returns how many got their goods, one channel's history and the session in the end, both books being equal. */
async function killedIn({ plan, before, after }: Killed) {
  await using started = new AsyncDisposableStack()
  const [home] = await homes(started, 'sqlite')
  if (!home) throw new Error('there is one')
  const seller = await world.open(TICK)
  const doomed = await start(started, home)
  const session = await openSession(doomed)
  for (let i = 0; i < before; i += 1) expect(await buy(shopper(doomed, session), seller)).toMatchObject({ kind: 'goods' })
  await doomed.arm(plan)
  await buy(shopper(doomed, session), seller)
  expect(await doomed.ended).toBe('SIGKILL')
  const successor = await start(started, home)
  for (let i = 0; i < after; i += 1) await buyAnyhow(shopper(successor, session), seller)
  const end = await close(officeOf(successor), session)
  const channels = await channelsOf(world.chain, payerOf(successor))
  expectEqualBooks(end, channels)
  expect(await successor.admin('/v1/receipts/verify')).toMatchObject({ ok: true })
  return { channels, seller, end }
}

describe('killed with SIGKILL', () => {
  it(
    'G9: in the middle of a thousand micropayments: still two transactions, and the ledger equals the chain to the unit',
    async () => {
      const { channels, seller, end } = await killedIn({ plan: { waypoint: 'answer arrived', pass: 1 }, before: 500, after: 499 })
      expect(seller.served()).toBe(1_000)
      expect(channels).toMatchObject([{ deposited: 2_000_000n, claimed: 1_000_000n, returned: 1_000_000n, withdrawals: 0 }])
      expect(channels.map(({ transactions }) => transactions.length)).toEqual([2])
      expect(end).toMatchObject({ spent: '1.00', held: '0.00' })
    },
    LONG_MS,
  )

  it.concurrent.each(['before signing', 'recorded', 'request on the wire', 'answer arrived', 'settlement read', 'posted'] as const)(
    'G3: at %s of a voucher: the successor goes on with the channel, and what is charged is what was served',
    async (waypoint) => {
      const { channels, seller } = await killedIn({ plan: { waypoint, pass: 1 }, before: 3, after: 3 })
      expect(channels).toHaveLength(1)
      expect(channels[0]?.claimed).toBe(BigInt(seller.served()) * PRICE)
    },
    LONG_MS,
  )

  it.concurrent.each(['recorded', 'answer arrived', 'settlement read', 'posted'] as const)(
    'G4: at %s of a deposit: what was deposited is found on the chain, or was never taken',
    async (waypoint) => {
      const { channels, seller } = await killedIn({ plan: { waypoint, pass: 1 }, before: 0, after: 3 })
      expect(channels.reduce((sum, { claimed }) => sum + claimed, 0n)).toBe(BigInt(seller.served()) * PRICE)
    },
    LONG_MS,
  )
})

describe('two replicas on one ledger', () => {
  it(
    'R5: the channel of the dead one is gone on with by the other, whose vouchers begin where its own ended',
    async () => {
      await using started = new AsyncDisposableStack()
      const [first, second] = await homes(started, 'postgres', 2)
      if (!first || !second) throw new Error('there are two')
      const seller = await world.open(TICK)
      const [doomed, beside] = [await start(started, first), await start(started, second)]
      const session = await openSession(doomed)
      const both = [doomed, beside].map((one) => shopper(one, session))
      for (let i = 0; i < 10; i += 1) for (const one of both) await buyAnyhow(one, seller)
      await doomed.arm({ waypoint: 'answer arrived', pass: 1 })
      expect(await buy(shopper(doomed, session), seller)).toMatchObject({ kind: 'broken' })
      expect(await doomed.ended).toBe('SIGKILL')
      for (let i = 0; i < 10; i += 1) await buyAnyhow(shopper(beside, session), seller)
      const end = await close(officeOf(beside), session)
      const channels = await channelsOf(world.chain, payerOf(beside))
      expect(channels).toMatchObject([{ deposited: 2_000_000n, claimed: BigInt(seller.served()) * PRICE }])
      expect(seller.served()).toBe(31)
      expectEqualBooks(end, channels)
    },
    LONG_MS,
  )
})
