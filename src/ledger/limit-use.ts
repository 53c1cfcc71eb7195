/** How much of a session's own limits is used up, as it is shown to its agent. Nothing is decided by it. Pure. */
import { MAX_SHOWN_LIMIT_USES } from '../people-limits.ts'
import { formatDuration } from '../session/duration.ts'
import type { Session, SessionLimits } from '../session/session.ts'
import { chargesOf, SINCE_EVER, stepsOf } from './series.ts'
import type { Window } from './tables.ts'

export interface LimitUse {
  readonly limit: keyof SessionLimits
  /** The recipient, category, tool or user; the length of the window; the task, null for requests that name none. */
  readonly of: string | null
  /** Millionths; for `payments` and `perTask` how many. */
  readonly max: bigint
  /** Spent or held. Null for `perPayment`, of which nothing is used up. */
  readonly used: bigint | null
}

export interface LimitUseQuery {
  readonly session: Session
  /** Whose step budget is asked for. */
  readonly task: string | null
  /** Milliseconds since 1970. */
  readonly now: number
}

/** What has to be looked up for it. */
export interface CountedBy {
  /** Those that the limits name. Besides, the others that the session used most are wanted, `MAX_SHOWN_LIMIT_USES` of them. */
  readonly buckets: readonly string[]
  readonly windows: readonly Window[]
}

/** What was looked up: most used first, and sums in the order of the windows. */
export interface Counted {
  readonly buckets: ReadonlyMap<string, bigint>
  readonly sums: readonly bigint[]
}

type Bounds = Readonly<Record<string, bigint>>
type Named = Extract<keyof SessionLimits, 'perRecipient' | 'perCategory' | 'perTool' | 'perUser'>

/** The beginnings of bucket names, as `bucketsOf` makes them: of what a limit names, and of what falls under its `*`. */
const BUCKETS: Readonly<Record<Named, { readonly named: string; readonly other: string }>> = {
  // Under `*` an address counts beside the host and is not shown: it is nothing that an agent could pay elsewhere with.
  perRecipient: { named: 'recipient:named:', other: 'recipient:host:' },
  perCategory: { named: 'category:', other: 'category:' },
  perTool: { named: 'tool:', other: 'tool:' },
  perUser: { named: 'user:', other: 'user:' },
}
const NAMED: readonly Named[] = ['perRecipient', 'perCategory', 'perTool', 'perUser']

export function countedBy({ session, task, now }: LimitUseQuery): CountedBy {
  const { limits } = session
  const charges = (limits.perWindow ?? []).map(({ per_ms }) => ({ series: chargesOf(session), after: now - per_ms }))
  return {
    buckets: NAMED.flatMap((limit) => namesIn(limits[limit]).map((name) => BUCKETS[limit].named + name)),
    windows: [...charges, { series: stepsOf(session, { task }), after: SINCE_EVER }],
  }
}

/** A row for each limit, and one for each thing under a `*` that was paid for already. */
export function limitUses({ session, task }: LimitUseQuery, { buckets, sums }: Counted): LimitUse[] {
  const { limits } = session
  const windows = (limits.perWindow ?? []).map(({ max, per_ms }, at) => ({
    ...{ limit: 'perWindow' as const, of: formatDuration(per_ms), max, used: sums[at] ?? 0n },
  }))
  return [...plainUses(session), ...taskUses(limits, { task, made: sums.at(-1) ?? 0n }), ...windows, ...bucketUses(limits, buckets)]
}

function plainUses({ limits, payments, singleUse }: Session): LimitUse[] {
  const { perPayment } = limits
  const count = singleUse ? Math.min(limits.payments ?? 1, 1) : limits.payments
  return [
    ...(perPayment === undefined ? [] : [{ limit: 'perPayment' as const, of: null, max: perPayment, used: null }]),
    ...(count === undefined ? [] : [{ limit: 'payments' as const, of: null, max: BigInt(count), used: BigInt(payments) }]),
  ]
}

function taskUses({ perTask }: SessionLimits, { task, made }: { readonly task: string | null; readonly made: bigint }): LimitUse[] {
  return perTask?.payments === undefined ? [] : [{ limit: 'perTask', of: task, max: BigInt(perTask.payments), used: made }]
}

function bucketUses(limits: SessionLimits, buckets: ReadonlyMap<string, bigint>): LimitUse[] {
  return NAMED.flatMap((limit) => {
    const bounds = limits[limit]
    if (!bounds) return []
    const named = namesIn(bounds).map((name) => ({
      ...{ limit, of: name, max: bounds[name] ?? 0n, used: buckets.get(BUCKETS[limit].named + name) ?? 0n },
    }))
    return [...named, ...otherUses({ limit, bounds, buckets })]
  })
}

/** What `*` bounds: each by itself. */
function otherUses(of: { readonly limit: Named; readonly bounds: Bounds; readonly buckets: ReadonlyMap<string, bigint> }): LimitUse[] {
  const { limit, bounds, buckets } = of
  const max = bounds['*']
  if (max === undefined) return []
  const { named, other } = BUCKETS[limit]
  const own = new Set(namesIn(bounds).map((name) => named + name))
  return [...buckets]
    .filter(([bucket, used]) => bucket.startsWith(other) && !own.has(bucket) && used > 0n)
    .slice(0, MAX_SHOWN_LIMIT_USES)
    .map(([bucket, used]) => ({ limit, of: bucket.slice(other.length), max, used }))
}

function namesIn(bounds: Bounds | undefined): string[] {
  return Object.keys(bounds ?? {}).filter((name) => name !== '*')
}
