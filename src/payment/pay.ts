/**
 * Payment: the way of a paid request as one sentence. Everything else in this program serves it.
 *
 * A 402 is read, a purchase that is already under way is joined, an offer is chosen and priced, the policy decides,
 * people are asked where it says so, the ledger reserves, a veto window runs, the wallet signs, the journal keeps it, the
 * request goes again, and what came of it is concluded. Nothing is signed without a reservation; nothing leaves before
 * both are durable; nothing is freed without proof.
 */
import type { Approval } from '../approval/approval.ts'
import type { Reservation } from '../ledger/ledger.ts'
import { MAX_DECISIONS } from '../limits.ts'
import { chooseOffer, type Quote } from '../rails/quote.ts'
import type { OnPaymentRequired, PaidRequest, PaymentOutcome, Reask, UnpaidAnswer } from '../session/exchange.ts'
import { passing } from '../waypoints.ts'
import { authorize } from './authorize.ts'
import type { Covered } from './balance.ts'
import { barTo } from './bars.ts'
import { type Case, openCase } from './case.ts'
import { plan } from './channels/plan.ts'
import { inTurn } from './channels/through.ts'
import { type Consent, consentTo, giveBack, orGiveBack } from './consent.ts'
import type { PaymentDeps } from './deps.ts'
import { hold } from './hold.ts'
import type { Running } from './in-flight.ts'
import { type Allowed, type Judged, judge } from './judge.ts'
import { placeOf } from './place.ts'
import { present } from './present.ts'
import { payable } from './presigned.ts'
import { alertOwner } from './prohibited.ts'
import { purchaseOf } from './purchase.ts'
import { refuse, refuseFault } from './refuse.ts'
import { busy, type Repeatable, repeat } from './repeat.ts'
import { reserve } from './reserve.ts'
import { signIn } from './sign-in.ts'
import { isSponsored } from './sponsoring.ts'
import { vetoWindow } from './window.ts'

/** The payment flow, ready to be given to the proxy. */
export function createPay(deps: PaymentDeps): OnPaymentRequired {
  return async (request, unpaid, send, reask) => {
    const began_ms = deps.clock.monotonic()
    const outcome = await pay(deps, { request, unpaid, send, reask }).catch((fault: unknown) => refuseFault(deps, request, fault))
    deps.guards.loops.concluded(request, outcome, began_ms)
    return outcome
  }
}

const OVERTAKEN = {
  code: 'frequency_exceeded',
  detail: 'Other payments of this agent took the last places in the tier meanwhile.',
} as const
const GONE = { code: 'request_invalid', detail: 'The agent left before anything was set aside.' } as const

interface Ask extends Pick<Repeatable, 'send'> {
  readonly request: PaidRequest
  readonly unpaid: UnpaidAnswer
  readonly reask: Reask
}

/** Steps 4 to 11: what is claimed by a payment protocol is joined to an earlier attempt, bought, or refused. */
async function pay(deps: PaymentDeps, { request, unpaid, send, reask }: Ask): Promise<PaymentOutcome> {
  const opened = openCase(deps, request, unpaid)
  if (opened.kind === 'not_a_challenge') return { kind: 'pass' }
  if (opened.kind === 'invalid') return refuse(opened.case, { code: 'challenge_invalid', detail: opened.reason })
  deps.routes?.challenged(opened.case)
  passing('challenge understood')
  const body = await request.body().catch(() => undefined)
  if (!body) return refuse(opened.case, GONE)
  const matter = { ...opened.case, body }
  passing('body complete')
  const bar = await barTo(matter, body)
  if (bar) return refuse(matter, bar)
  passing('bars passed')
  const purchase = purchaseOf(request, body)
  if ('code' in purchase) return refuse(matter, purchase)
  const repeated = await repeat(matter, { purchase, send })
  if (repeated.kind === 'done') return repeated.outcome
  const loop = deps.guards.loops.bar(request)
  if (loop) return refuse(matter, loop)
  const underWay = repeated.kind === 'in_progress'
  const access = underWay ? 'not_tried' : await signIn(matter, send)
  if (typeof access !== 'string') return access
  const current = access === 'not_let_in' ? await renewed(matter, reask) : matter
  const quote = deps.phases.time('quote', () => chooseOffer(payable(current), request.session))
  if ('code' in quote) return refuse(current, quote)
  passing('quoted')
  const order = { purchase, send, reask, since_ms: deps.clock.monotonic() }
  return inTurn(current, quote, () => buy(order, { matter: current, quote, underWay, overtaken: false }))
}

/** The challenge as it is after a login that opened nothing; the one before it where none comes. */
async function renewed(matter: Case, reask: Reask): Promise<Case> {
  const again = await reask()
  const opened = again && openCase(matter.deps, matter.request, again)
  return opened?.kind === 'challenge' ? { ...matter, ...opened.case } : matter
}

interface Order extends Repeatable {
  readonly reask: Reask
  /** By the monotonic clock. */
  readonly since_ms: number
}

/** How things stand before a decision. */
interface Standing {
  readonly matter: Case
  readonly quote: Quote
  /** Another requester has, or had, the same purchase in hand. */
  readonly underWay: boolean
  /** Once before, somebody else used what people agreed to. */
  readonly overtaken: boolean
}

/** Decides until it is bought or refused: races, people and aged challenges lead to a decision anew. */
async function buy(order: Order, start: Standing): Promise<PaymentOutcome> {
  let standing = start
  for (let decision = 1; decision <= MAX_DECISIONS; decision++) {
    const next = await decideOnce(order, standing)
    if (next.kind === 'done') return next.outcome
    const repeated = await repeat(next.matter, order)
    if (repeated.kind === 'done') return repeated.outcome
    standing = { ...next, underWay: repeated.kind === 'in_progress', overtaken: standing.overtaken || next.overtaken === true }
  }
  return refuse(standing.matter, OVERTAKEN)
}

type Next = Exclude<Consent, { kind: 'given' }>

async function decideOnce(order: Order, { underWay, overtaken, ...standing }: Standing): Promise<Next> {
  const planned = await plan(standing.matter, standing.quote)
  if ('code' in planned) return { kind: 'done', outcome: await refuse(standing.matter, planned) }
  const { matter, quote } = planned
  const judged = await judge(matter, quote)
  if (judged.kind === 'refused') return { kind: 'done', outcome: await refuseJudged(judged) }
  passing('judged')
  if (matter.request.signal.aborted) return { kind: 'done', outcome: await refuse(judged.matter, GONE) }
  const consent = await consentTo(judged, { ...order, underWay, overtaken, keyed: order.purchase.keyDigest !== null })
  return consent.kind === 'given' ? setAside(order, consent) : consent
}

async function refuseJudged({ matter, refusal }: Extract<Judged, { kind: 'refused' }>): Promise<PaymentOutcome> {
  const refused = await refuse(matter, refusal)
  await alertOwner(matter, refused.refusal.paymentId ?? '')
  return refused
}

/** What people agreed to is given back where nothing could be reserved on it. */
async function setAside(order: Order, { judged, claim }: Extract<Consent, { kind: 'given' }>): Promise<Next> {
  const { matter, quote } = judged
  const covered = await orGiveBack(matter, claim, () => coverOf(judged))
  if (covered.kind === 'refused') {
    await giveBack(matter, claim)
    return { kind: 'done', outcome: await refuse(matter, covered.refusal) }
  }
  const reservable = { purchase: order.purchase, cover: covered.cover, ...(claim ? { claim } : {}) }
  const { reserved, running } = await orGiveBack(matter, claim, () => reserve(judged, reservable))
  if (reserved.kind === 'reserved')
    return payReserved(order, { judged, running, reservation: reserved.reservation, ...(claim ? { claim } : {}) })
  await giveBack(matter, claim)
  // Another policy came between deciding and reserving, and this process has it by now.
  const outdated = reserved.kind === 'refused' && reserved.refusal.code === 'policy_changed'
  if (outdated && matter.deps.policy().version !== judged.decision.policyVersion) return { kind: 'again', matter, quote }
  if (reserved.kind === 'refused') return { kind: 'done', outcome: await refuse(matter, reserved.refusal) }
  if (reserved.kind === 'key_reused') return { kind: 'done', outcome: await refuse(matter, busy('key_reused')) }
  return { kind: 'again', matter, quote }
}

/** The wallet holds enough, and the recipient is not paused after failures. */
export async function coverOf({ matter, attempt }: Allowed): Promise<Covered> {
  const covered = await matter.deps.funds.cover({ ...attempt.terms, sponsored: isSponsored(matter, attempt.terms) })
  if (covered.kind === 'refused') return covered
  const paused = matter.deps.guards.circuit.enter(placeOf(matter.request.url).origin)
  if (!paused) return covered
  covered.cover.release()
  return { kind: 'refused', refusal: paused }
}

interface Bought {
  readonly judged: Allowed
  readonly reservation: Reservation
  readonly running: Running
  readonly claim?: Approval
}

/** The purchase is held from here on: a requester that leaves while it is signed has left a purchase to be joined. */
async function payReserved(order: Order, { judged, reservation, running, claim }: Bought): Promise<Next> {
  const { decision, matter } = judged
  const held = hold(matter, { reservation, running })
  passing('purchase held')
  const runs = decision.kind === 'notify' && !claim
  const unvetoed = runs ? await vetoWindow(judged, { ...order, reservation, hold: held }) : { kind: 'given' as const, matter }
  if (unvetoed.kind !== 'given') return unvetoed
  matter.deps.events.decided({ tier: decision.tier, decision: decision.kind })
  const signed = await authorize(unvetoed.matter, reservation)
  if (signed.kind === 'signed') {
    const outcome = await present(unvetoed.matter, { ...order, reservation, hold: held, signed: signed.authorization })
    return outcome ? { kind: 'done', outcome } : { kind: 'again', matter, quote: judged.quote }
  }
  // Only what is proven to be unsigned: where that cannot be written down, the approval stays used.
  const unsigned = await reservation.payment().catch(() => undefined)
  if (unsigned?.state === 'void') await giveBack(matter, claim)
  held.release()
  return { kind: 'done', outcome: await refuse(unvetoed.matter, signed.refusal) }
}
