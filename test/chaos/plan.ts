/**
 * Plans: what a history will be about, drawn from its seed before it begins. Each part has a stream of chance of its own,
 * so a part that is left out changes nothing for the others, and a failing plan can be cut down to what it takes.
 */
import { Random } from './random.ts'

export type Adapter = 'sqlite' | 'postgres'

export interface PlannedSession {
  readonly name: string
  readonly parent: string | null
  /** Millionths. */
  readonly cap: bigint
  /** No more than this in any time of this length. */
  readonly window: { readonly max: bigint; readonly per_ms: number } | null
}

/** An agent wants something once, and asks again until it has it or has had enough. */
export interface Errand {
  readonly stream: number
  readonly session: string
  readonly merchant: number
  /** Errands of one session, merchant and group ask for the same URL. */
  readonly group: string
  readonly keyed: boolean
  readonly at_ms: number
  readonly tries: number
}

export type Mishap = { readonly stream: number; readonly at_ms: number } & (
  | { readonly kind: 'crash'; readonly replica: number; readonly down_ms: number }
  | { readonly kind: 'cut'; readonly replica: number; readonly lasts_ms: number }
  | { readonly kind: 'clock'; readonly replica: number; readonly jump_ms: number }
  | { readonly kind: 'rpc'; readonly lasts_ms: number }
  | { readonly kind: 'standstill'; readonly lasts_ms: number }
  | { readonly kind: 'reorganisation' }
)

export type Order = { readonly stream: number; readonly at_ms: number } & (
  | { readonly kind: 'topup'; readonly session: string; readonly amount: bigint }
  | { readonly kind: 'close' | 'revoke'; readonly session: string }
  | { readonly kind: 'halt'; readonly session: string | null; readonly lasts_ms: number }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'refund' }
)

export interface Plan {
  readonly seed: number
  readonly adapter: Adapter
  readonly replicas: number
  /** The chain can be asked. */
  readonly known: boolean
  /** First attempts are paid where a route is known to charge. */
  readonly preemptive: boolean
  readonly finality: number
  readonly sessions: readonly PlannedSession[]
  /** Shares of the manners of each merchant come from its own stream. */
  readonly merchants: number
  readonly errands: readonly Errand[]
  readonly mishaps: readonly Mishap[]
  readonly orders: readonly Order[]
  /** Share of the calls to a shared database that get lost. */
  readonly losses: number
  /** How long a message travels, in milliseconds: short ways make requests meet. */
  readonly way_ms: readonly [low: number, high: number]
  /** How often each replica looks into what is open. */
  readonly round_ms: number
}

const DOLLAR = 1_000_000n

/** Streams of chance of what not every history has. */
const STREAMS = { windows: 50, halts: 51, refunds: 52, preemptive: 53 } as const

export function planOf(seed: number, wanted: { readonly adapter?: Adapter } = {}): Plan {
  const random = new Random(seed)
  const drawn = random.pick<Adapter>(['sqlite', 'postgres'])
  const adapter = wanted.adapter ?? drawn
  const replicas = adapter === 'sqlite' ? 1 : 1 + random.below(4)
  const span_ms = random.spread(200, 60_000)
  const basis = { seed, adapter, replicas, known: random.chance(0.8), finality: random.pick([0, 1, 3, 12]), merchants: 1 + random.below(3) }
  // Everybody comes at once, and there is not enough for all.
  const rush = random.chance(0.25)
  const sessions = windowed(new Random(seed, STREAMS.windows), sessionsOf(random, rush))
  const stream = counter()
  const part = { random, span_ms, stream, replicas, sessions, rush }
  return {
    ...basis,
    preemptive: basis.known && new Random(seed, STREAMS.preemptive).chance(0.4),
    sessions,
    errands: errandsOf(part, basis.merchants),
    mishaps: mishapsOf(part),
    orders: [...ordersOf(part), ...haltsOf(part, seed), ...refundsOf(part, basis)],
    losses: adapter === 'postgres' && random.chance(0.4) ? random.spread(0.005, 0.1) : 0,
    way_ms: rush || random.chance(0.3) ? [0.05, 1] : [0.2, 80],
    round_ms: random.spread(20_000, 300_000),
  }
}

interface Part {
  readonly random: Random
  readonly span_ms: number
  readonly stream: () => number
  readonly replicas: number
  readonly sessions: readonly PlannedSession[]
  readonly rush: boolean
}

function counter(): () => number {
  let last = 100
  return () => ++last
}

/** Caps of a few payments, so that their edge is met all the time. */
function sessionsOf(random: Random, rush: boolean): Omit<PlannedSession, 'window'>[] {
  const cap = BigInt(rush ? 6 + random.below(8) : 4 + random.below(24)) * DOLLAR
  const root = { name: 'root', parent: null, cap }
  if (random.chance(0.6)) return [root]
  const children = Array.from({ length: 1 + random.below(2) }, (_, at) => ({
    ...{ name: `child ${at}`, parent: 'root' },
    cap: (cap * BigInt(40 + random.below(60))) / 100n,
  }))
  return [root, ...children]
}

/** Windows of a few payments too, as long as a history or a moment of it. */
function windowed(random: Random, sessions: readonly Omit<PlannedSession, 'window'>[]): PlannedSession[] {
  return sessions.map((session) => {
    const window = random.chance(0.15)
      ? { max: BigInt(3 + random.below(12)) * DOLLAR, per_ms: Math.ceil(random.spread(100, 300_000)) }
      : null
    return { ...session, window }
  })
}

function errandsOf({ random, span_ms, stream, sessions, rush }: Part, merchants: number): Errand[] {
  const count = 2 + random.below(5)
  const groups = 1 + random.below(count)
  return Array.from({ length: count }, () => {
    const keyed = random.chance(0.3)
    return {
      ...{ stream: stream(), session: sessions[random.below(sessions.length)]?.name ?? 'root', merchant: random.below(merchants) },
      ...{ group: `${keyed ? 'k' : 'u'}${random.below(groups)}`, keyed },
      at_ms: rush || random.chance(0.5) ? random.between(0, 2) : random.between(0, span_ms),
      tries: 1 + random.below(3),
    }
  })
}

function mishapsOf({ random, span_ms, stream, replicas }: Part): Mishap[] {
  if (random.chance(0.25)) return []
  return Array.from({ length: 1 + random.below(4) }, () => {
    const at = { stream: stream(), at_ms: random.spread(1, span_ms * 1.5) }
    const replica = random.below(replicas)
    const roll = random.next()
    if (roll < 0.55) return { ...at, kind: 'crash', replica, down_ms: random.spread(1, 30_000) }
    if (roll < 0.65) return { ...at, kind: 'cut', replica, lasts_ms: random.spread(100, 40_000) }
    if (roll < 0.75) return { ...at, kind: 'clock', replica, jump_ms: (random.chance(0.5) ? 1 : -1) * random.spread(100, 86_400_000) }
    if (roll < 0.83) return { ...at, kind: 'rpc', lasts_ms: random.spread(1_000, 120_000) }
    if (roll < 0.91) return { ...at, kind: 'standstill', lasts_ms: random.spread(5_000, 200_000) }
    return { ...at, kind: 'reorganisation' }
  })
}

function ordersOf({ random, span_ms, stream, sessions }: Part): Order[] {
  if (random.chance(0.6)) return []
  return Array.from({ length: 1 + random.below(2) }, () => {
    const at = { stream: stream(), at_ms: random.between(0, span_ms * 1.5) }
    const session = sessions[random.below(sessions.length)]?.name ?? 'root'
    const roll = random.next()
    if (roll < 0.5) return { ...at, kind: 'topup', session, amount: BigInt(1 + random.below(10)) * DOLLAR }
    if (roll < 0.65) return { ...at, kind: 'close', session }
    if (roll < 0.8) return { ...at, kind: 'revoke', session }
    return { ...at, kind: 'cancel' }
  })
}

/** Somebody stops all payments or those of a session, and lets them go on after a while. */
function haltsOf({ span_ms, stream, sessions }: Part, seed: number): Order[] {
  const random = new Random(seed, STREAMS.halts)
  if (!random.chance(0.12)) return []
  const session = random.chance(0.5) ? null : (sessions[random.below(sessions.length)]?.name ?? null)
  return [{ stream: stream(), at_ms: random.between(0, span_ms), kind: 'halt', session, lasts_ms: random.spread(10, 60_000) }]
}

/** A recipient sends something back, which only the chain tells. */
function refundsOf({ span_ms, stream }: Part, { seed, known }: Pick<Plan, 'seed' | 'known'>): Order[] {
  const random = new Random(seed, STREAMS.refunds)
  return known && random.chance(0.08) ? [{ stream: stream(), at_ms: span_ms * random.between(0.5, 2) + 10_000, kind: 'refund' }] : []
}
