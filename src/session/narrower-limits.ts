/**
 * Limits of a child session: for every payment each bound is at most its parent's. What the child does not say it takes
 * from its parent; what could let more pass is refused, even where it is only possible that it would.
 */
import { uniformAddress } from '../address.ts'
import { formatAmount } from '../money.ts'
import { isSolanaAddress } from '../solana-address.ts'
import { formatDuration } from './duration.ts'
import { coversHost, overlapsHost } from './host-pattern.ts'
import type { Issue } from './issues.ts'
import type { SessionLimits } from './session.ts'

type Bounds = Readonly<Record<string, bigint>>
type Windows = NonNullable<SessionLimits['perWindow']>

/** What can be said of two keys of a map of bounds, neither of them `*`. */
interface Naming {
  /** Everything that `inner` names is named by `outer`. */
  covers(outer: string, inner: string): boolean
  overlaps(one: string, other: string): boolean
}

const SAME: Naming = { covers: (outer, inner) => outer === inner, overlaps: (one, other) => one === other }

const isAddress = (key: string) => /^0x[0-9a-f]{40}$/i.test(key) || isSolanaAddress(key)
const isSameAddress = (one: string, other: string) => isAddress(one) && uniformAddress(one) === uniformAddress(other)

/** One payment has a host and an address: a limit for the one may meet every limit for the other. */
const RECIPIENTS: Naming = {
  covers: (outer, inner) => isSameAddress(outer, inner) || (!isAddress(outer) && !isAddress(inner) && coversHost(outer, inner)),
  overlaps: (one, other) => {
    if (isAddress(one) !== isAddress(other)) return true
    return isAddress(one) ? isSameAddress(one, other) : overlapsHost(one, other)
  },
}

const MAPS = [
  ['perRecipient', RECIPIENTS],
  ['perCategory', SAME],
  ['perTool', SAME],
  ['perUser', SAME],
] as const

/** The limits that hold for the child: its own, and its parent's where it says nothing. */
export function narrowedLimits(parent: SessionLimits, asked: SessionLimits): SessionLimits {
  const maps = MAPS.flatMap(([dimension]) => {
    const bounds = inherited(parent[dimension], asked[dimension])
    return bounds ? [[dimension, bounds] as const] : []
  })
  const perWindow = narrowedWindows(parent.perWindow, asked.perWindow)
  const perTask = parent.perTask && asked.perTask ? { ...parent.perTask, ...asked.perTask } : undefined
  return { ...parent, ...asked, ...Object.fromEntries(maps), ...(perWindow ? { perWindow } : {}), ...(perTask ? { perTask } : {}) }
}

/** Every place where the child asks for more than its parent has. */
export function widerLimits(parent: SessionLimits, asked: SessionLimits): Issue[] {
  return [
    ...widerPayment(parent, asked),
    ...widerCount('limits.payments', parent.payments, asked.payments),
    ...widerCount('limits.perTask.payments', parent.perTask?.payments, asked.perTask?.payments),
    ...widerCount('limits.perTask.requests', parent.perTask?.requests, asked.perTask?.requests),
    ...MAPS.flatMap(([dimension, naming]) =>
      widerBounds({ path: `limits.${dimension}`, parent: parent[dimension], asked: asked[dimension], naming }),
    ),
    ...widerWindows(parent.perWindow, asked.perWindow),
  ]
}

function widerPayment({ perPayment: most }: SessionLimits, { perPayment: wanted }: SessionLimits): Issue[] {
  if (most === undefined || wanted === undefined || wanted <= most) return []
  return [{ path: 'limits.perPayment', message: moreThan(wanted, most) }]
}

function widerCount(path: string, most: number | undefined, wanted: number | undefined): Issue[] {
  if (most === undefined || wanted === undefined || wanted <= most) return []
  return [{ path, message: `${wanted} is more than the ${most} of the parent` }]
}

interface Compared {
  readonly path: string
  readonly parent: Bounds | undefined
  readonly asked: Bounds | undefined
  readonly naming: Naming
}

function widerBounds({ path, parent, asked, naming }: Compared): Issue[] {
  if (!parent || !asked) return []
  return Object.entries(asked).flatMap(([key, wanted]) => {
    const bar = key === '*' ? unnamedBar(parent, wanted) : namedBar(parent, { key, wanted, naming })
    return bar === undefined ? [] : [{ path: `${path}.${key}`, message: bar }]
  })
}

function unnamedBar(parent: Bounds, wanted: bigint): string | undefined {
  const most = parent['*']
  if (most === undefined) return 'the parent refuses what it does not name'
  return wanted > most ? moreThan(wanted, most) : undefined
}

function namedBar(parent: Bounds, { key, wanted, naming }: { key: string; wanted: bigint; naming: Naming }): string | undefined {
  const met = Object.entries(parent).filter(([name]) => name !== '*' && naming.overlaps(name, key))
  const [tighter] = met.filter(([, most]) => wanted > most)
  if (tighter) return `${moreThan(wanted, tighter[1])} for ${tighter[0]}`
  return met.some(([name]) => naming.covers(name, key)) ? undefined : unnamedBar(parent, wanted)
}

/** With a `*` of its own, the child keeps the names of its parent; without one it refuses what it does not name. */
function inherited(parent: Bounds | undefined, asked: Bounds | undefined): Bounds | undefined {
  const unnamed = asked?.['*']
  if (!parent || !asked || unnamed === undefined) return asked ?? parent
  const kept = Object.entries(parent).filter(([key]) => !Object.hasOwn(asked, key))
  return { ...Object.fromEntries(kept.map(([key, most]) => [key, smaller(most, unnamed)])), ...asked }
}

function smaller(one: bigint, other: bigint): bigint {
  return one <= other ? one : other
}

function widerWindows(parent: Windows = [], asked: Windows = []): Issue[] {
  return asked.flatMap(({ max, per_ms }, at) => {
    const idle = parent.find((window) => per_ms <= window.per_ms && max > window.max)
    if (!idle) return []
    const message = `${moreThan(max, idle.max)} in ${formatDuration(idle.per_ms)}`
    return [{ path: `limits.perWindow[${at}]`, message }]
  })
}

/** Windows of other spans hold beside each other. */
function narrowedWindows(parent: Windows | undefined, asked: Windows | undefined): Windows | undefined {
  if (!parent || !asked) return asked ?? parent
  const spans = new Set(asked.map(({ per_ms }) => per_ms))
  return [...asked, ...parent.filter(({ per_ms }) => !spans.has(per_ms))]
}

function moreThan(wanted: bigint, most: bigint): string {
  return `${formatAmount(wanted)} is more than the ${formatAmount(most)} of the parent`
}
