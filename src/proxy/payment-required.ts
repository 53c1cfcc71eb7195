/** Steps 4 to 11 from the proxy's side: a 402 is read, handed to the payment flow, and what becomes of it is answered. */
import { type Answer, discard, type Head, type RawHeaders } from '../http.ts'
import type { Delivery, OnPaymentRequired, PaidAnswer, PaidRequest, PaymentOutcome, Preempt, UnpaidAnswer } from '../session/exchange.ts'
import { passing } from '../waypoints.ts'
import { readAnswerHeaders, withHeaders } from './headers.ts'
import { createSend, type KeptRequest, sendAgain } from './paid-send.ts'
import { stream } from './pass.ts'
import type { Reply } from './reply.ts'
import type { ToolDialect } from './tool-dialect.ts'
import { type ReadAnswer, readUnpaid } from './unpaid-answer.ts'

/**
 * For servers that show people a page instead of a challenge: the headers with which to ask once more, unpaid, or
 * undefined where the first 402 is good enough.
 */
export type AskAgain = (head: Head, requestHeaders: RawHeaders) => RawHeaders | undefined

export interface PaymentDeps {
  readonly onPaymentRequired: OnPaymentRequired
  readonly askAgain?: AskAgain | undefined
  /** Without it no first attempt is paid. */
  readonly preempt?: Preempt | undefined
  /** Without it payments inside MCP pass like any other answer. */
  readonly toolDialect?: ToolDialect | undefined
}

export interface PaymentVisit {
  readonly answer: Answer
  readonly kept: KeptRequest
  readonly request: PaidRequest
  readonly reply: Reply
}

export type Settled =
  | { readonly kind: 'passed'; readonly whole: boolean }
  | (Extract<PaymentOutcome, { kind: 'refuse' }> & { readonly claimed: true })
  | { readonly kind: 'paid' }

/** Rejects where the upstream or the agent breaks off before the flow begins, or where the flow itself fails. */
export async function requirePayment(deps: PaymentDeps, visit: PaymentVisit): Promise<Settled> {
  const { answer, kept, request, reply } = visit
  if (!answer.arrived?.()) request.signal.addEventListener('abort', () => discard(answer), { once: true })
  const first = await readUnpaid(answer)
  passing('402 read')
  const machineReadable = deps.askAgain?.(answer, request.headers)
  const unpaid = (machineReadable && (await askUnpaid(visit, machineReadable))) ?? first.unpaid
  const reask = () => askUnpaid(visit, machineReadable ?? [])
  const outcome = await deps.onPaymentRequired(request, unpaid, createSend(kept), reask)
  if (outcome.kind === 'pass') return { kind: 'passed', whole: await passOn(visit, first) }
  discard(answer)
  if (outcome.kind === 'refuse') return { ...outcome, claimed: true }
  await deliver(outcome, reply)
  return { kind: 'paid' }
}

/** Undefined where nothing has left: the request goes on unpaid. Rejects where the flow itself fails. */
export async function payFirst(preempt: Preempt, visit: Omit<PaymentVisit, 'answer'>): Promise<Settled | undefined> {
  const { kept, request, reply } = visit
  const outcome = await preempt.pay(request, createSend(kept), () => askUnpaid(visit, []))
  if (outcome === undefined || outcome.kind === 'pass') return undefined
  if (outcome.kind === 'refuse') return { ...outcome, claimed: true }
  await deliver(outcome, reply)
  return { kind: 'paid' }
}

function passOn({ answer, reply }: PaymentVisit, { raw }: ReadAnswer): Promise<boolean> {
  return stream(answer, { reply, headers: readAnswerHeaders(answer.headers), first: raw })
}

/** Another 402, where one comes. Bodies that cannot be sent twice are not. */
async function askUnpaid({ kept, request }: Pick<PaymentVisit, 'kept' | 'request'>, set: RawHeaders): Promise<UnpaidAnswer | undefined> {
  if (!(await kept.body.ended()).replayable) return undefined
  const second = await sendAgain(kept, set, { signal: request.signal })
  if (second.kind === 'failed') return undefined
  try {
    return second.answer.status === 402 ? (await readUnpaid(second.answer)).unpaid : undefined
  } catch {
    return undefined
  } finally {
    discard(second.answer)
  }
}

/** The flow learns exactly once how the agent got its answer, also when the agent went or the upstream broke off. */
export async function deliver({ answer, headers, delivered, lost }: PaidAnswer, reply: Reply): Promise<void> {
  let whole = false
  passing('before the answer')
  try {
    whole = await stream(answer, { reply, headers: withHeaders(readAnswerHeaders(answer.headers), headers) })
    await reply.closed
  } finally {
    discard(answer)
    const delivery = deliveryOf(answer, { reply, whole })
    const noted = delivered(delivery)
    if (lost && delivery.complete) reply.onReset(lost)
    await noted
  }
}

function deliveryOf({ status }: Answer, { reply, whole }: { reply: Reply; whole: boolean }): Delivery {
  return { status, bytes: reply.bytes, complete: whole && reply.complete }
}
