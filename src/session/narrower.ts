/**
 * Children: a session that is made from another one, and can do less in every respect (guarantee G6). What a child does
 * not say it takes from its parent; what is wider than its parent's is refused, each with a sentence that names it.
 */
import { MAX_LABELS } from '../limits.ts'
import { formatAmount } from '../money.ts'
import { coversAsset, type NamedAsset } from './asset-names.ts'
import { formatDuration } from './duration.ts'
import type { Issue } from './issues.ts'
import { narrowedLimits, widerLimits } from './narrower-limits.ts'
import { beyond, narrowedScope, widerScope } from './narrower-scope.ts'
import { remainingOf, type Session } from './session.ts'
import type { SessionRequest } from './spec.ts'

/** The terms of a child. Times in milliseconds since 1970. */
export interface ChildTerms
  extends Pick<
    Session,
    'agent' | 'purpose' | 'currency' | 'cap' | 'expiresAt' | 'limits' | 'scope' | 'networks' | 'assets' | 'wallet' | 'owner' | 'singleUse'
  > {
  readonly parent: string
  readonly labels: Readonly<Record<string, string>>
  readonly refill: Session['refill']
}

export type Narrowed =
  | { readonly kind: 'child'; readonly terms: ChildTerms }
  | { readonly kind: 'refused'; readonly issues: readonly [Issue, ...Issue[]] }

export interface Opening {
  readonly now: number
  /**
   * An agent's children bear its own name: frequencies, trust and halts count by agent. Only operators make budgets that
   * several agents share.
   */
  readonly opener: 'operator' | 'agent'
  readonly assets: readonly NamedAsset[]
}

/**
 * The child of `parent` that this request asks for. The cap has no allotment (rule R9): each payment of the child is
 * reserved on every ancestor too, so that what remains there still binds later.
 */
export function narrowed(parent: Session, asked: SessionRequest, opening: Opening): Narrowed {
  const [first, ...others] = [
    ...widerMoney(parent, asked),
    ...widerTime(parent, asked, opening.now),
    ...widerMeans(parent, asked, opening.assets),
    ...widerLimits(parent.limits, asked.limits ?? {}),
    ...widerScope(parent.scope, asked.scope ?? {}),
    ...otherPeople(parent, asked, opening),
    ...otherMarks(parent, asked),
  ]
  return first ? { kind: 'refused', issues: [first, ...others] } : { kind: 'child', terms: termsOf(parent, asked, opening) }
}

function termsOf(parent: Session, asked: SessionRequest, { now }: Opening): ChildTerms {
  const { agent, purpose, networks, assets } = { ...parent, ...asked }
  return {
    ...{ agent, purpose, networks, assets, cap: asked.cap, parent: parent.id },
    currency: parent.currency,
    expiresAt: now + asked.ttl_ms,
    limits: narrowedLimits(parent.limits, asked.limits ?? {}),
    scope: narrowedScope(parent.scope, asked.scope ?? {}),
    wallet: parent.wallet,
    owner: parent.owner,
    singleUse: asked.singleUse ?? parent.singleUse,
    labels: { ...parent.labels, ...asked.labels },
    refill: asked.refill ?? null,
  }
}

function widerMoney(parent: Session, { cap, currency, refill }: SessionRequest): Issue[] {
  const remaining = remainingOf(parent)
  const left = formatAmount(remaining)
  return [
    ...(currency !== undefined && currency !== parent.currency
      ? [{ path: 'currency', message: `the parent counts in ${parent.currency}` }]
      : []),
    ...(cap > remaining ? [{ path: 'cap', message: `${formatAmount(cap)} is more than the ${left} that remain of the parent` }] : []),
    ...(refill && refill.max > remaining
      ? [{ path: 'refill.max', message: `${formatAmount(refill.max)} is more than the ${left} that remain of the parent` }]
      : []),
  ]
}

function widerTime({ expiresAt }: Session, { ttl_ms }: SessionRequest, now: number): Issue[] {
  if (now + ttl_ms <= expiresAt) return []
  const end = new Date(expiresAt).toISOString()
  if (expiresAt <= now) return [{ path: 'ttl', message: `the parent expired at ${end}` }]
  return [{ path: 'ttl', message: `the parent ends at ${end}; ask for at most ${longestFor(expiresAt - now)}` }]
}

/** In whole seconds where there is one, so that what is advised still fits a moment later. */
export function longestFor(left_ms: number): string {
  return formatDuration(left_ms >= 1_000 ? left_ms - (left_ms % 1_000) : left_ms)
}

function widerMeans(parent: Session, { networks, assets, wallet }: SessionRequest, known: readonly NamedAsset[]): Issue[] {
  const covers = (allowed: string, wanted: string) => coversAsset([allowed], wanted, known)
  const other = wallet !== undefined && wallet !== null && wallet !== parent.wallet
  return [
    ...beyond('networks', { wanted: networks, allowed: parent.networks }),
    ...beyond('assets', { wanted: assets, allowed: parent.assets, covers }),
    ...(other ? [{ path: 'wallet', message: 'a child pays with the wallet of its parent' }] : []),
  ]
}

function otherPeople(parent: Session, { agent, owner }: SessionRequest, { opener }: Opening): Issue[] {
  return [
    ...(owner !== undefined && owner !== parent.owner
      ? [{ path: 'owner', message: `a child belongs to the owner of its parent, ${parent.owner}` }]
      : []),
    ...(opener === 'agent' && agent !== undefined && agent !== parent.agent
      ? [{ path: 'agent', message: `an agent opens sessions for itself only, ${parent.agent}` }]
      : []),
  ]
}

function otherMarks(parent: Session, { singleUse, labels = {} }: SessionRequest): Issue[] {
  const changed = Object.keys(labels).filter((label) => Object.hasOwn(parent.labels, label) && parent.labels[label] !== labels[label])
  const count = new Set([...Object.keys(parent.labels), ...Object.keys(labels)]).size
  return [
    ...(parent.singleUse && singleUse === false ? [{ path: 'singleUse', message: 'the parent is for one payment only' }] : []),
    ...changed.map((label) => ({ path: `labels.${label}`, message: `is ${parent.labels[label]} in the parent, and stays so` })),
    ...(count > MAX_LABELS ? [{ path: 'labels', message: `at most ${MAX_LABELS} labels, those of the parent included` }] : []),
  ]
}
