/** Reserving: the one decision about money. It reads balances, limits and pins and writes the hold in one transaction. */
import { uniformAddress } from '../address.ts'
import type { Refusal } from '../errors.ts'
import { passing } from '../waypoints.ts'
import { type Breach, barBreach, endBreach, haltBreach, limitBreach, policyBreach } from './admission.ts'
import { bucketsOf } from './buckets.ts'
import type { Budget } from './budget.ts'
import { budgetOf, countOf } from './charges.ts'
import { type Chronicle, factsOf } from './chronicle.ts'
import type { ReserveRequest } from './ledger.ts'
import type { Refusals } from './refusals.ts'
import { chargesOf, countedWith, partiesIn, stepsOf, usesOf } from './series.ts'
import type { Bucket, Entry, Lineage, Tables, Transaction } from './tables.ts'
import { isOpen } from './transitions.ts'

export interface ReservingOptions {
  readonly tables: Tables
  readonly budget: Budget
  readonly chronicle: Chronicle
  readonly refusals: Refusals
}

/** What was decided, before anybody is told. */
export type Reserved =
  | { readonly kind: 'reserved' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'decide_again'; readonly why: string }
  | { readonly kind: 'in_progress'; readonly purchaseId: string }
  | { readonly kind: 'key_reused' }

const CHALLENGE_USED: Breach = {
  code: 'conflict',
  detail: 'Another payment was made, or tried, for this very challenge; one challenge is for one payment.',
  nextAction: 'Repeat the same request: a fresh challenge can be paid. Where the upstream gives the same one again, use another provider.',
}

export class Reserving {
  readonly #options: ReservingOptions

  constructor(options: ReservingOptions) {
    this.#options = options
  }

  /**
   * Reserves, or says why not. Only `reserved` and `refused` have written something.
   * @throws PurserError `not_found` where there is no such session.
   * @throws Error for an amount that is not positive or not in the session's currency.
   */
  reserve(tx: Transaction, request: ReserveRequest): Reserved {
    const lineage = this.#options.budget.lineage(tx, request.purchase.sessionId)
    checkTerms(request, lineage)
    return (
      this.#joined(tx, request) ??
      this.#barred(tx, request, lineage) ??
      this.#spent(tx, request) ??
      this.#stale(tx, request) ??
      this.#bounded(tx, request, lineage)
    )
  }

  /** A key names one purchase, whoever was faster; without one, what another process works on is not bought here too. */
  #joined(tx: Transaction, request: ReserveRequest): Reserved | undefined {
    const { purchase, replaces } = request
    if (replaces !== undefined) return this.#replaceable(request, replaces)
    if (purchase.keyDigest === null) {
      const purchaseId = this.#options.tables.purchases.elsewhere(tx, purchase)
      return purchaseId === undefined ? undefined : { kind: 'in_progress', purchaseId }
    }
    const [open] = this.#options.tables.purchases.open(tx, purchase)
    if (!open) return undefined
    return open.fingerprint === purchase.fingerprint ? { kind: 'in_progress', purchaseId: open.id } : { kind: 'key_reused' }
  }

  /**
   * Only what is out, and would pay by the same nonce, in the same token, from the same wallet (guarantee G3). A token and
   * Permit2 each have nonces of their own, so that the same one would not stop the other.
   */
  #replaceable({ nonce, attempt: { terms }, purchase }: ReserveRequest, id: string): Reserved | undefined {
    const before = this.#options.tables.payments.get(id).payment
    const same =
      before.sessionId === purchase.sessionId &&
      before.nonce === nonce &&
      before.terms?.network === terms.network &&
      before.terms.asset.address === terms.asset.address &&
      before.terms.method === undefined &&
      terms.method === undefined &&
      before.terms.payer === terms.payer
    // What is signed for Solana is bound to no nonce that the chain knows: both could settle.
    if (!same || terms.network.startsWith('solana:'))
      throw new Error(`payment ${id} cannot be replaced by one of another nonce, token or wallet`)
    if (isOpen(before) && before.replacedBy === null) return undefined
    return { kind: 'decide_again', why: `Payment ${id} is ${before.state} by now.` }
  }

  #barred(tx: Transaction, request: ReserveRequest, lineage: Lineage): Reserved | undefined {
    const { halts, policy } = this.#options.tables
    // What takes nothing more from the budgets may come after they are used up.
    const bar = budgetOf(request.attempt.terms) === 0n ? endBreach : barBreach
    const breach =
      haltBreach(halts.all(), lineage, request.attempt) ?? policyBreach(policy.inForce(), request.attempt) ?? bar(lineage, tx.now)
    return breach && this.#refuse(tx, request, breach)
  }

  /** A challenge that sets the nonce, and a transfer signed beforehand, are for one payment, whoever makes it: the chain would take no second one. */
  #spent(tx: Transaction, request: ReserveRequest): Reserved | undefined {
    const { challengeNonce, presigned, nonce } = request
    if (!(challengeNonce || presigned) || !this.#options.tables.payments.hasNonce(nonce)) return undefined
    if (presigned) return { kind: 'decide_again', why: 'Another payment has what was signed beforehand by now.' }
    return this.#refuse(tx, request, CHALLENGE_USED)
  }

  /** What the decision rested on and changed since. */
  #stale(tx: Transaction, { attempt, frequency, pin, notAfter }: ReserveRequest): Reserved | undefined {
    if (notAfter !== undefined && tx.now >= notAfter) {
      return { kind: 'decide_again', why: `The approval behind it ended at ${new Date(notAfter).toISOString()}.` }
    }
    const { memory } = this.#options.tables
    if (frequency && memory.frequency(partiesIn(attempt), frequency, tx.now).count >= frequency.max) {
      return {
        kind: 'decide_again',
        why: `Tier ${frequency.tier} has its ${frequency.max} payments in ${frequency.per_ms / 1_000} s by now.`,
      }
    }
    const pinned = pin ? memory.pinned(attempt.origin, attempt.terms.network) : undefined
    if (pinned !== undefined && uniformAddress(pinned) !== uniformAddress(attempt.terms.payTo)) {
      return { kind: 'decide_again', why: `Another recipient is pinned for ${attempt.origin} on ${attempt.terms.network} by now.` }
    }
    return undefined
  }

  #bounded(tx: Transaction, request: ReserveRequest, lineage: Lineage): Reserved {
    const { spending, rolling } = this.#options.tables
    const counts = countOf(request.attempt.terms, request)
    const breach = limitBreach(lineage, request.attempt, { usage: { spending, rolling }, now: tx.now, counts })
    if (breach) return this.#refuse(tx, request, breach)
    this.#hold(tx, request, lineage)
    return { kind: 'reserved' }
  }

  #refuse(tx: Transaction, { attempt, paymentId }: ReserveRequest, breach: Breach): Reserved {
    return { kind: 'refused', refusal: this.#options.refusals.write(tx, { attempt, refusal: breach, paymentId }) }
  }

  #hold(tx: Transaction, request: ReserveRequest, lineage: Lineage): void {
    const { budget, chronicle, tables } = this.#options
    const { payments, spending, memory } = tables
    const { attempt, counts } = request
    const buckets = chargedBuckets(request, lineage)
    passing('holding')
    budget.hold(tx, lineage, budgetOf(attempt.terms))
    for (const bucket of buckets) spending.add(tx, bucket, countOf(attempt.terms, request))
    if (request.replaces !== undefined) payments.replace(tx, request.replaces, request.paymentId)
    payments.reserve(tx, request, { buckets, entries: this.#roll(tx, request, lineage), ...(counts !== undefined && { counts }) })
    if (request.pin) memory.pin(tx, attempt)
    chronicle.entered(tx, factsOf({ ...attempt, id: request.paymentId }), 'reserved')
    passing('hold written')
  }

  /** Each payment counts for its agent in its tier; moreover as the tier's frequency counts. */
  #roll(tx: Transaction, request: ReserveRequest, lineage: Lineage): Entry[] {
    const { attempt, frequency } = request
    const { rolling } = this.#options.tables
    const uses = new Set([usesOf(attempt.agent, attempt.tier), ...(frequency ? [countedWith(partiesIn(attempt), frequency)] : [])])
    const windowed = lineage.filter(({ limits }) => limits.perWindow?.length)
    const stepped = lineage.filter(({ limits }) => limits.perTask?.payments !== undefined)
    return [
      ...[...uses, ...stepped.map((session) => stepsOf(session, attempt))].map((series) => rolling.add(tx, { series, amount: 1n })),
      ...windowed.map((session) => rolling.add(tx, { series: chargesOf(session), amount: countOf(attempt.terms, request) })),
    ]
  }
}

function chargedBuckets({ attempt }: ReserveRequest, lineage: Lineage): Bucket[] {
  return lineage.flatMap(({ id, limits }) => bucketsOf(limits, attempt).map(({ bucket }) => ({ sessionId: id, bucket })))
}

function checkTerms({ paymentId, purchase, attempt, counts }: ReserveRequest, [session]: Lineage): void {
  const { amount, amountAtomic, currency, method } = attempt.terms
  if (amount <= 0n || amountAtomic <= 0n) throw new Error(`payment ${paymentId} has no positive amount`)
  if (counts !== undefined && (method !== 'deposit' || counts <= 0n || counts > amount))
    throw new Error(`payment ${paymentId} of ${amount} cannot be counted as ${counts}`)
  if (currency !== session.currency) throw new Error(`payment ${paymentId} is priced in ${currency}, its session in ${session.currency}`)
  if (attempt.sessionId !== purchase.sessionId) throw new Error(`payment ${paymentId} and its purchase name different sessions`)
}
