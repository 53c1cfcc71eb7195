/** Presenting a payment: the same request again with what was signed, and the answer handed on to the agent. */
import { PurserError } from '../errors.ts'
import type { PurchaseIdentity, Reservation } from '../ledger/ledger.ts'
import { MIN_WINDOW_LEFT_S } from '../limits.ts'
import type { PaymentOutcome, Send, SendResult } from '../session/exchange.ts'
import { passing } from '../waypoints.ts'
import { whileWaitedFor } from './abandoned.ts'
import type { SignedAuthorization } from './authorize.ts'
import type { Case } from './case.ts'
import { conclude } from './conclude.ts'
import { deliver } from './deliver.ts'
import { servedBy } from './guards.ts'
import type { Hold } from './hold.ts'
import { placeOf } from './place.ts'

export interface Presentation {
  readonly purchase: PurchaseIdentity
  readonly reservation: Reservation
  readonly send: Send
  readonly hold: Hold
  /** Fresh from the wallet; absent where an earlier attempt's authorization is presented again. */
  readonly signed?: SignedAuthorization
}

/**
 * Sends, concludes, and hands the answer on. The purchase stays ours until the agent has its answer.
 * @returns undefined where nothing was charged and the purchase is to be decided anew.
 */
export function present(matter: Case, presentation: Presentation): Promise<PaymentOutcome | undefined> {
  const { routes, clock } = matter.deps
  return orLeaveUnknown(matter, presentation, async () => {
    const began_ms = clock.monotonic()
    const result = await sendOut(matter, presentation)
    if (routes && presentation.signed && !matter.through && isTaken(matter, result)) routes.charged(matter, clock.monotonic() - began_ms)
    return handOn(matter, presentation, result)
  })
}

/** Sends the payment and waits for the head of an answer, also where the agent goes. */
export function sendOut(matter: Case, presentation: Presentation): Promise<SendResult> {
  const { reservation } = presentation
  return matter.deps.phases.time('retry', () => whileWaitedFor(matter, reservation, () => sendOnce(matter, presentation)))
}

/** Concludes, and hands the answer on. */
export async function handOn(matter: Case, presentation: Presentation, result: SendResult): Promise<PaymentOutcome | undefined> {
  const { reservation, signed, hold } = presentation
  noteFor(matter, presentation, result)
  const first = signed !== undefined
  const outcome = await matter.deps.phases.time('conclude', () => conclude(matter, { reservation, result, first }))
  if (outcome.kind === 'answer') return deliver(matter, { ...presentation, ...outcome })
  hold.release()
  return outcome.kind === 'again' ? undefined : outcome
}

/** What is out stays held, whatever of ours breaks. */
export async function orLeaveUnknown<T>(matter: Case, { reservation, hold }: Presentation, step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (fault) {
    await leaveUnknown(matter, reservation)
    hold.release()
    throw afterSigning(fault, reservation)
  }
}

/** Served, and the server says that it took the payment. */
export function isTaken({ rail, terms }: Case, result: SendResult): boolean {
  if (result.kind === 'failed' || result.answer.status < 200 || result.answer.status >= 300) return false
  return rail.settlement(result.answer, { network: terms?.network ?? '', protocolVersion: terms?.protocolVersion ?? 0 })?.kind === 'claimed'
}

/** The first presentation tells of the recipient; the agent's repeats of it tell of the agent. */
function noteFor({ deps, request }: Case, { signed }: Presentation, result: SendResult): void {
  const outcome = signed && servedBy(result)
  if (outcome) deps.guards.circuit.concluded(placeOf(request.url).origin, outcome)
}

/** A refusal that was thrown after signing must not read as if nothing could have moved. */
function afterSigning(fault: unknown, { paymentId }: Reservation): unknown {
  return fault instanceof PurserError ? new PurserError({ moneyState: 'unknown', paymentId, ...fault.refusal }, fault) : fault
}

/** Something of ours broke in the middle: the payment gets its record all the same, and stays held. */
async function leaveUnknown({ deps }: Case, reservation: Reservation): Promise<void> {
  try {
    const { state } = await reservation.payment()
    if (state === 'signed' || state === 'sent') await reservation.leaveUnknown('The attempt ended in a fault of this proxy.')
  } catch (fault) {
    deps.events.faulted('unknown after a fault', fault)
  }
}

/** Only the first presentation can be called off for time: what has been out before may be taken in any case. */
function sendOnce(matter: Case, { reservation, send, signed }: Presentation): Promise<SendResult> {
  passing('before sending')
  if (!signed) {
    if (!reservation.authorization) throw new Error(`purchase ${reservation.purchaseId} is a repeat without an authorization`)
    return send({ set: reservation.authorization.headers })
  }
  const beforeSend = () => {
    const left_ms = signed.closesAt_monotonic - matter.deps.clock.monotonic()
    if (left_ms < MIN_WINDOW_LEFT_S * 1000) return false
    passing('window checked')
    reservation.sent()
    passing('sending noted')
    return true
  }
  return send({ set: signed.headers, beforeSend })
}
