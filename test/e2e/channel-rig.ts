/** A Purser that pays by channel, official sellers by channel, and the book of the chain beside the book of the ledger. */
import { expect, vi } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { formatAmount } from '../../src/money.ts'
import { ask, type Got } from '../crash/agent.ts'
import { type ChannelHistory, channelsOf, sumOf } from '../testnet/channel-history.ts'
import { type ChannelWorld, startChannelWorld } from '../testnet/channel-world.ts'
import type { Catalogue } from '../testnet/channels.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

export const CHANNELS = { deposit: '2', maxDeposit: '50', maxWithdrawDelay: '1h' } as const

/** $1,000. */
const FUNDS = 1_000_000_000n

/** Networks that can be asked, TLS for what an agent without certificates asks, and channels. */
export function channelConfig({ chain, caFile }: ChannelWorld, more: Record<string, unknown> = {}): Record<string, unknown> {
  const open = openConfig([caFile])
  return {
    ...open,
    circuitBreaker: null,
    loopGuard: null,
    networks: [{ id: 'base-sepolia', rpc: chain.rpcUrl, finalityBlocks: 0 }],
    proxy: { ...(open.proxy as object), upgradeToHttps: ['localhost'] },
    channels: CHANNELS,
    ...more,
  }
}

export interface ChannelRig extends AsyncDisposable {
  readonly world: ChannelWorld
  readonly purser: RunningPurser
  readonly payer: `0x${string}`
  /** Purser's clock and the chain's go on by so much. */
  skip(seconds: number): Promise<void>
  history(): Promise<ChannelHistory[]>
}

/** What a configuration has besides; it may name sellers. */
type More = Record<string, unknown> | ((world: ChannelWorld) => Promise<Record<string, unknown>>)

export async function startChannelRig(also: More = {}): Promise<ChannelRig> {
  await using started = new AsyncDisposableStack()
  const world = started.use(await startChannelWorld())
  const more = typeof also === 'function' ? await also(world) : also
  let skipped_ms = 0
  const clock = { now: () => systemClock.now() + skipped_ms, monotonic: () => systemClock.monotonic() + skipped_ms }
  const purser = started.use(await startPurser(channelConfig(world, more), { clock }))
  const payer = purser.app.walletAddress as `0x${string}`
  await world.chain.fund(payer, FUNDS)
  const all = started.move()
  return {
    ...{ world, purser, payer },
    skip: async (seconds) => {
      skipped_ms += seconds * 1_000
      await world.chain.mine({ blocks: 1, seconds })
    },
    history: () => channelsOf(world.chain, payer),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

export interface Shopper {
  readonly proxyUrl: string
  /** `session:token`. */
  readonly credentials: string
}

/** A Purser's admin door, whether it runs in this process or in one of its own. */
export type Office = Pick<RunningPurser, 'admin'>

export function shopperOf(purser: RunningPurser, { id, token }: OpenSession): Shopper {
  return { proxyUrl: purser.app.proxyUrl, credentials: `${id}:${token}` }
}

let requests = 0

/** A request that nobody made before; an agent that knows nothing of payments. */
export function buy(shopper: Shopper, { host }: Catalogue, path = '/tick', headers: readonly string[] = []): Promise<Got> {
  requests += 1
  return ask({ url: `http://${host}${path}?n=${requests}`, headers }, shopper)
}

export interface Shown {
  readonly spent: string
  readonly held: string
  readonly remaining: string
  readonly state: string
  readonly payments: number
  /** Absent where it has none. */
  readonly channels?: readonly { readonly id: string; readonly state: string }[]
}

export const shown = (purser: Office, { id }: Pick<OpenSession, 'id'>) => purser.admin<Shown>(`/v1/sessions/${id}`)

/** What the recovery loop does by itself, now. */
export const reconcile = (purser: Office) => purser.admin('/v1/reconcile', { method: 'POST', body: '{}' })

/** Closes the session, and waits until nothing of it is left to come back. */
export async function close(purser: Office, session: Pick<OpenSession, 'id'>): Promise<Shown> {
  await purser.admin(`/v1/sessions/${session.id}/close`, { method: 'POST', body: '{}' })
  return untilClosed(purser, session)
}

export async function untilClosed(purser: Office, session: Pick<OpenSession, 'id'>): Promise<Shown> {
  await vi.waitFor(async () => {
    await reconcile(purser)
    const { channels = [] } = await shown(purser, session)
    expect(channels.filter(({ state }) => state !== 'closed')).toEqual([])
  })
  // A view has the session from before its channels.
  return shown(purser, session)
}

/** Atomic units of a token with six decimals, as amounts are shown. */
export const usd = (atomic: bigint) => formatAmount(atomic)

/** Both books say the same: what the session spent is what left the wallet and did not come back, to the unit. */
export function expectEqualBooks(session: Shown, channels: readonly ChannelHistory[]): void {
  const { deposited, returned, claimed } = sumOf(channels)
  expect([session.spent, session.held]).toEqual([usd(deposited - returned), '0.00'])
  expect(claimed <= deposited - returned).toBe(true)
}
