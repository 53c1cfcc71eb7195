/**
 * Repeating: a request that asks again for what was bought, or may have been. It gets the kept answer, else the same
 * authorization is presented again as long as it can live; it never leads to a second payment while the first one can
 * still be taken (rules R1 and R2).
 */
import { systemPause } from '../clock.ts'
import type { Refusal } from '../errors.ts'
import { headerValue } from '../http.ts'
import type { Payment, PurchaseIdentity, Reservation, ResumeResult } from '../ledger/ledger.ts'
import { ELSEWHERE_POLL_MS, ELSEWHERE_WAIT_MS, PROOF_INTERVAL_MS } from '../limits.ts'
import type { PaymentOutcome, Send } from '../session/exchange.ts'
import { passing } from '../waypoints.ts'
import { recipientBar } from './bars.ts'
import type { Case } from './case.ts'
import { EXPIRED } from './conclude.ts'
import { deliverStored } from './deliver.ts'
import { type Hold, hold } from './hold.ts'
import type { Requester } from './in-flight.ts'
import { present } from './present.ts'
import { nameOf } from './purchase.ts'
import { paidHeaders, refuse, refuseConcluded } from './refuse.ts'

export interface Repeatable {
  readonly purchase: PurchaseIdentity
  readonly send: Send
}

export type Repeated =
  | { readonly kind: 'done'; readonly outcome: PaymentOutcome }
  /** There is no earlier attempt, or none that can ever be paid for. */
  | { readonly kind: 'none' }
  /** Another requester is at it, or was: it may wait for people. */
  | { readonly kind: 'in_progress' }

/** Joins an earlier attempt of the same purchase. */
export async function repeat(matter: Case, { purchase, send }: Repeatable): Promise<Repeated> {
  passing('before joining')
  const earlier = await joinEarlier(matter, purchase)
  passing('joined')
  if (earlier.kind === 'none' || earlier.kind === 'in_progress') return { kind: earlier.kind }
  if (earlier.kind === 'key_reused') return { kind: 'done', outcome: await refuse(matter, busy(earlier.kind)) }
  const ours = { ...earlier, purchase, send }
  try {
    const outcome = (await storedAnswer(matter, ours)) ?? (await presentAgain(matter, ours))
    return outcome ? { kind: 'done', outcome } : { kind: 'none' }
  } catch (fault) {
    ours.hold.release()
    throw fault
  }
}

interface Ours extends Repeatable {
  readonly reservation: Reservation
  readonly hold: Hold
}

async function storedAnswer(matter: Case, { purchase, reservation, hold }: Ours): Promise<PaymentOutcome | undefined> {
  const answer = await matter.deps.answers.stored(reservation.paymentId, matter.request.method)
  if (!answer) return undefined
  passing('stored answer found')
  return deliverStored(matter, { purchase, reservation, hold, answer, headers: await paidHeaders(matter, reservation) })
}

/** A halt holds here: presenting a payment can move money. */
async function presentAgain(matter: Case, ours: Ours): Promise<PaymentOutcome | undefined> {
  const { reservation, hold } = ours
  const bar = await recipientBar(matter.deps, reservation)
  if (bar) {
    hold.release()
    return refuse(matter, bar)
  }
  const payment = await asOfNow(matter, await reservation.payment())
  if (payment.state === 'void') {
    hold.release()
    return undefined
  }
  const refusal = (isClosed(matter, payment) ? afterItsEnd(payment) : undefined) ?? displacing(matter, reservation)
  if (refusal) {
    hold.release()
    return refuseConcluded(matter, reservation, refusal)
  }
  passing('presenting again')
  return present(matter, ours)
}

/** A keyed request may vary: what it says for itself by now in the header of the payment is not taken from it. */
function displacing({ request }: Case, { authorization }: Reservation): Refusal | undefined {
  const [name = ''] = authorization?.headers ?? []
  if (headerValue(request.headers, name.toLowerCase()) === undefined) return undefined
  return {
    code: 'idempotency_key_reused',
    detail: `The payment under this Idempotency-Key travels in ${name}, which the request did not have and has now; it was not presented.`,
    nextAction: `Repeat the request as it was at first, without ${name}, or use a fresh Idempotency-Key.`,
  }
}

/** Once its window has closed an authorization buys nothing any more, and the chain can tell what became of it. */
async function asOfNow(matter: Case, payment: Payment): Promise<Payment> {
  if (!isClosed(matter, payment) || payment.state === 'settled') return payment
  passing('before asking the chain')
  const known = await matter.deps.settleNow(payment)
  passing('chain asked')
  return known
}

function isClosed({ deps }: Case, { validBefore_s }: Payment): boolean {
  return validBefore_s !== null && deps.clock.now() >= validBefore_s * 1000
}

/** What was settled is presented once more: its server may know it. */
function afterItsEnd({ state, validBefore_s }: Payment): Refusal | undefined {
  if (state === 'settled') return undefined
  if (state === 'expired') return { code: 'paid_not_delivered', detail: EXPIRED }
  const end = new Date((validBefore_s ?? 0) * 1000).toISOString()
  return {
    code: 'payment_unknown',
    detail: `The payment’s window closed at ${end}. Whether it was taken is known with a final block after that; until then it stays held.`,
    retryAfter_s: PROOF_INTERVAL_MS / 1000,
  }
}

type Joined = Exclude<ResumeResult, { kind: 'repeat' }> | { readonly kind: 'ours'; readonly reservation: Reservation; readonly hold: Hold }

/**
 * Whoever runs the same purchase in this process is waited for, however long it takes; in another process, for a moment:
 * its answer may be out already and only its end not written down. Each time the ledger is asked again.
 */
async function joinEarlier(matter: Case, purchase: PurchaseIdentity): Promise<Joined> {
  const { inFlight, answers, clock } = matter.deps
  const requester = { name: nameOf(purchase), signal: matter.request.signal }
  const until = clock.monotonic() + ELSEWHERE_WAIT_MS
  for (;;) {
    await inFlight.joined(requester)
    await answers.reopened(purchase)
    // Whoever has left finds nothing any more: what they found, others would not know of.
    if (requester.signal.aborted) return { kind: 'none' }
    const found = await lookUp(matter, { purchase, requester })
    // Somebody left while the ledger was asked, which it may not have heard.
    if (found.kind === 'none' && (await inFlight.joined(requester))) continue
    if (found.kind !== 'in_progress') return found
    if (await inFlight.settled(found.purchaseId, requester.signal)) continue
    if (requester.signal.aborted || inFlight.isAside(found.purchaseId) || clock.monotonic() >= until) return found
    await rest(matter)
  }
}

interface LookUp {
  readonly purchase: PurchaseIdentity
  readonly requester: Requester
}

/** What is found is held before anybody else here can ask: its requester may be gone by now, and nobody else would know. */
async function lookUp(matter: Case, { purchase, requester }: LookUp): Promise<Joined> {
  const { ledger, inFlight } = matter.deps
  const looked = inFlight.looking(requester)
  try {
    const found = await ledger.resume(purchase)
    if (found.kind !== 'repeat') return found
    const { reservation } = found
    const running = inFlight.begin(reservation.purchaseId, requester)
    return { kind: 'ours', reservation, hold: hold(matter, { reservation, running }) }
  } finally {
    looked()
  }
}

/** Until it is worth asking again. */
async function rest({ deps: { pause = systemPause }, request }: Case): Promise<void> {
  await pause(ELSEWHERE_POLL_MS, request.signal).catch(() => undefined)
}

/** Another requester, here or in another process, is at it; or the key stands for something else. */
export function busy(kind: 'in_progress' | 'key_reused'): Refusal {
  if (kind === 'in_progress') {
    return { code: 'purchase_in_progress', detail: 'An identical request is paying for this right now.', retryAfter_s: 1 }
  }
  return { code: 'idempotency_key_reused', detail: 'The Idempotency-Key was used with another method, URL or body.' }
}
