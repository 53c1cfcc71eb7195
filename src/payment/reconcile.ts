/** Reconciling: one full pass over all that is open or under dispute, and over what our wallets did that the ledger does not know. */
import type { Chain, ChainHistory, Recorded } from '../chain/chain.ts'
import type { Ledger, Page, PageRequest, Payment, PaymentFilter } from '../ledger/ledger.ts'
import { DEFAULT_PAGE, MAX_HISTORY_STEPS, MAX_LOG_BLOCKS, MAX_PAGE, MAX_REPORT_ENTRIES } from '../limits.ts'
import type { Events } from '../telemetry/events.ts'
import type { Recovery } from './recover.ts'
import type { WatchedWallet } from './refunds.ts'
import { type Disputed, namedIn, type ReconcileReport, type RoundReport, type Searched, stillOpen, type Unrecorded } from './report.ts'
import type { SessionWallets } from './session-wallets.ts'

export interface ReconcileDeps {
  readonly recovery: Pick<Recovery, 'round' | 'look' | 'unmatched'>
  readonly ledger: Pick<Ledger, 'payments' | 'checkpoints'> & Partial<Pick<Ledger, 'fundings'>>
  readonly chain: Pick<Chain, 'networks'> & ChainHistory
  readonly events: Pick<Events, 'warned'>
  readonly wallets: readonly WatchedWallet[]
  /** Those of sessions, where each has its own. */
  readonly sessionWallets?: Pick<SessionWallets, 'all'>
}

export interface ReconcileOptions {
  /** By network: where the search for unrecorded payments begins. Else with the ledger, but not further back than the bounds allow. */
  readonly fromBlock?: Readonly<Record<string, bigint>>
}

export type Reconcile = (options?: ReconcileOptions) => Promise<ReconcileReport>

/** Payments older than the ledger's first checkpoint by this much are none of its own. */
const BEFORE_FIRST_MS = 3_600_000

export function createReconcile(deps: ReconcileDeps): Reconcile {
  return async (options = {}) => {
    const round = await deps.recovery.round()
    const waiting = await lookAtWaiting(deps)
    const disputed = await collect((page) => deps.ledger.payments({ disputed: true }, page))
    const found = await searchHistory(deps, options)
    const unmatched = deps.recovery.unmatched()
    const merged = merge(round, waiting)
    const lists = [merged.resolved, merged.open, disputed.items, found.unrecorded]
    return {
      ...merged,
      unmatched,
      disputed: disputed.items.map(disputedOf),
      unavailable: [...merged.unavailable, ...found.unavailable],
      unrecorded: found.unrecorded.slice(0, MAX_REPORT_ENTRIES),
      searched: found.searched,
      truncated: found.more || disputed.more || waiting.more || lists.some((list) => list.length > MAX_REPORT_ENTRIES),
    }
  }
}

type Waiting = Pick<RoundReport, 'resolved' | 'open' | 'failures'> & { readonly more: boolean }

/** Also those that are not due yet, so that an operator sees all that is open. What an attempt still works on is left to it. */
async function lookAtWaiting({ ledger, recovery, chain }: ReconcileDeps): Promise<Waiting> {
  const states = ['unknown', 'expired', 'signed', 'sent'] as const
  const pages = await Promise.all(states.map((state) => collect((page) => ledger.payments({ state } satisfies PaymentFilter, page))))
  const resolved: RoundReport['resolved'][number][] = []
  const open: RoundReport['open'][number][] = []
  let failures = 0
  for (const payment of pages.flatMap(({ items }) => items)) {
    const { state, terms } = payment
    if (state === 'signed' || state === 'sent') open.push(stillOpen(payment, 'An attempt is under way.'))
    else if (state === 'unknown' || chain.networks.includes(terms?.network ?? '')) {
      const proven = await recovery.look(payment)
      if (!proven) failures++
      else if (proven.kind === 'resolved') resolved.push(proven.resolved)
      else open.push(stillOpen(payment, proven.reason))
    }
  }
  return { resolved, open, failures, more: pages.some(({ more }) => more) }
}

/** What the round left open was looked at once more, and what it says now is newer. */
function merge(round: RoundReport, waiting: Waiting): RoundReport {
  const again = new Set([...waiting.resolved, ...waiting.open].map(({ paymentId }) => paymentId))
  const open = [...round.open.filter(({ paymentId }) => !again.has(paymentId)), ...waiting.open]
  const resolved = [...round.resolved, ...waiting.resolved]
  return {
    ...round,
    resolved: resolved.slice(0, MAX_REPORT_ENTRIES),
    open: open.slice(0, MAX_REPORT_ENTRIES),
    failures: round.failures + waiting.failures,
  }
}

function disputedOf(payment: Payment): Disputed {
  if (!payment.dispute) throw new Error(`payment ${payment.id} is listed as disputed and is not`)
  const { dispute, refunded, transaction } = payment
  return { ...namedIn(payment), dispute, refunded, transaction }
}

interface Found {
  readonly unrecorded: Unrecorded[]
  readonly searched: Searched[]
  readonly unavailable: RoundReport['unavailable'][number][]
  /** There are more wallets than were searched. */
  readonly more: boolean
}

/** A network that cannot be asked is named, and the others are searched. */
async function searchHistory(deps: ReconcileDeps, options: ReconcileOptions): Promise<Found> {
  const ofSessions = await deps.sessionWallets?.all()
  const found: Found = { unrecorded: [], searched: [], unavailable: [], more: ofSessions?.more ?? false }
  for (const watched of [...deps.wallets, ...(ofSessions?.wallets ?? [])]) {
    try {
      const { unrecorded, searched, unread } = await searchWallet(deps, watched, options)
      found.unrecorded.push(...unrecorded)
      found.searched.push(searched)
      found.unavailable.push(...unread.map((reason) => ({ network: watched.network, reason })))
    } catch (fault) {
      deps.events.warned(`${watched.network} could not be searched for unrecorded payments.`, fault)
      found.unavailable.push({ network: watched.network, reason: fault instanceof Error ? fault.message : 'It could not be searched.' })
    }
  }
  const [first] = found.unrecorded
  if (first) {
    const many = `${found.unrecorded.length} authorizations of our wallets were used on the chain that this ledger does not know`
    deps.events.warned(`${many}, the first by ${first.transaction} on ${first.network}: is the ledger an older copy?`)
  }
  return found
}

async function searchWallet(
  deps: ReconcileDeps,
  { network, wallet, tokens }: WatchedWallet,
  options: ReconcileOptions,
): Promise<{ unrecorded: Unrecorded[]; searched: Searched; unread: string[] }> {
  const { chain, ledger } = deps
  const { block: to } = await chain.final(network)
  const from = options.fromBlock?.[network] ?? (await startOf(deps, network, to))
  const unrecorded: Unrecorded[] = []
  const unread: string[] = []
  let known: Recorded | undefined
  for (let start = from; start <= to; start += BigInt(MAX_LOG_BLOCKS)) {
    const last = start + BigInt(MAX_LOG_BLOCKS) - 1n
    const { uses, outgoing = [], from_s } = await chain.uses({ network, wallet, tokens, from: start, to: last < to ? last : to })
    if (uses.length === 0 && outgoing.length === 0) continue
    known ??= await recordedSince(ledger, { since: from_s * 1000 - BEFORE_FIRST_MS, wallet })
    const recorded = known
    const permits = outgoing.length > 0 ? await chain.permits?.({ network, wallet, outgoing, final: to, ...recorded }) : undefined
    const strange = [...uses.filter(({ nonce }) => !recorded.isKnown(nonce)), ...(permits?.uses ?? [])]
    unrecorded.push(...strange.map((use) => ({ network, wallet, ...use })))
    unread.push(...(permits?.unread ?? []))
  }
  return { unrecorded, searched: { network, wallet, from, to }, unread }
}

/** What a treasury took back of what was left at this address, and put there. */
async function sweptFrom(
  { fundings }: ReconcileDeps['ledger'],
  wallet: string,
): Promise<Awaited<ReturnType<Ledger['fundings']['fundings']>>> {
  const account = await fundings?.accountAt(wallet)
  return account && fundings ? fundings.fundings(account.sessionId) : []
}

/** With the ledger's own beginning, as far as its first checkpoint tells it, but within the bound of queries. */
async function startOf({ chain, ledger }: ReconcileDeps, network: string, to: bigint): Promise<bigint> {
  const span = BigInt(MAX_HISTORY_STEPS * MAX_LOG_BLOCKS)
  const furthest = to > span ? to - span : 0n
  const [first] = await ledger.checkpoints(0, 1)
  if (!first) return furthest
  const began = await chain.blockBefore(network, Math.floor((Date.parse(first.at) - BEFORE_FIRST_MS) / 1000))
  return began > furthest ? began : furthest
}

/**
 * Nonces of all payments that were decided since then (milliseconds since 1970), and what settled them, in lower case. What is
 * void here can never have been used: where it was, this ledger is an older copy too, in which that payment was not signed yet.
 */
async function recordedSince(
  ledger: ReconcileDeps['ledger'],
  { since, wallet }: { readonly since: number; readonly wallet: string },
): Promise<Recorded> {
  const nonces = new Set<string>()
  const settled = new Map<string, Set<string>>()
  const note = (nonce: string, transaction: string | null) => {
    const known = nonce.toLowerCase()
    nonces.add(known)
    if (transaction !== null) settled.set(transaction.toLowerCase(), (settled.get(transaction.toLowerCase()) ?? new Set()).add(known))
  }
  let cursor: string | null | undefined
  while (cursor !== null) {
    const page: Page<Payment> = await ledger.payments({ since }, { limit: MAX_PAGE, ...(cursor !== undefined && { cursor }) })
    for (const { nonce, state, transaction } of page.items) if (nonce !== null && state !== 'void') note(nonce, transaction)
    cursor = page.next
  }
  for (const { nonce, transaction } of await sweptFrom(ledger, wallet)) note(nonce, transaction)
  return { isKnown: (nonce) => nonces.has(nonce), settledBy: (transaction) => settled.get(transaction.toLowerCase())?.size ?? 0 }
}

/** All items of a listing, up to the bound of a report. */
async function collect<T>(list: (page: PageRequest) => Promise<Page<T>>): Promise<{ items: T[]; more: boolean }> {
  const items: T[] = []
  let cursor: string | null | undefined
  while (cursor !== null && items.length < MAX_REPORT_ENTRIES) {
    const page: Page<T> = await list({ limit: DEFAULT_PAGE, ...(cursor !== undefined && { cursor }) })
    items.push(...page.items)
    cursor = page.next
  }
  return { items, more: cursor !== null }
}
