/** Concluding: what an answer, or none, means for the money. HTTP can prove that money moved, never that it did not. */
import type { Refusal } from '../errors.ts'
import { type Answer, discard, type RawHeaders } from '../http.ts'
import type { Payment, PaymentState, Reservation, Terms } from '../ledger/ledger.ts'
import type { Settlement } from '../rails/rail.ts'
import type { PaidAnswer, PaymentOutcome, SendResult } from '../session/exchange.ts'
import { passing } from '../waypoints.ts'
import { notAllowed } from './allowance.ts'
import type { Case } from './case.ts'
import { corrects, heardOf, isThroughChannel } from './channels/heard.ts'
import { chargedBy } from './charged.ts'
import { witnessed } from './evidence.ts'
import { paidHeaders, refuseConcluded, type Told } from './refuse.ts'

/** What an agent is told of a payment that counts as spent although nobody can tell. */
export const EXPIRED = 'The payment’s window has closed and nobody can tell whether it was taken; it counts as spent.'

const OPEN: ReadonlySet<PaymentState> = new Set(['signed', 'sent', 'unknown'])

export interface Attempted {
  readonly reservation: Reservation
  readonly result: SendResult
  /** This attempt was the first to carry the authorization; only then does "nothing was sent" prove anything. */
  readonly first: boolean
}

export type Concluded =
  | Extract<PaymentOutcome, { kind: 'refuse' }>
  | Omit<PaidAnswer, 'delivered' | 'lost'>
  /** Nothing was charged, and what is to be paid is known better now: the purchase is decided anew. */
  | { readonly kind: 'again' }

/** Posts, voids or leaves unknown, and says what the agent gets. */
export async function conclude(matter: Case, { reservation, result, first }: Attempted): Promise<Concluded> {
  if (result.kind === 'answer') return concludeAnswer(matter, reservation, result.answer)
  const before = await reservation.payment()
  return refuseConcluded(matter, reservation, await afterFailure(matter, { before, reservation, failure: result, first }))
}

/** Where the ledger cannot be read any more, an answer that is no 402 is handed on all the same: it is paid for. */
async function concludeAnswer(matter: Case, reservation: Reservation, answer: Answer): Promise<Concluded> {
  // What was just signed is known; what an earlier attempt signed is not, and a 402 means another thing after a settlement.
  const before = matter.terms && answer.status !== 402 ? undefined : await readPayment(matter, reservation)
  const terms = matter.terms ?? before?.terms ?? undefined
  const said = await saidOf(matter, { reservation, terms, answer })
  passing('settlement read')
  if (terms?.method === 'permit2' && matter.rail.lacksAllowance?.(answer)) {
    discard(answer)
    await settle(matter, reservation, unproven('The server says that Permit2 is not allowed to take the token.'))
    return refuseConcluded(matter, reservation, notAllowed(terms))
  }
  if (await corrects(matter, { reservation, terms, answer })) {
    discard(answer)
    return { kind: 'again' }
  }
  const charged = said && terms && chargedBy(terms, said)
  if (charged?.over)
    matter.deps.events.warned(`Payment ${reservation.paymentId}: ${charged.settlement.reason} It counts as the most that could be taken.`)
  const heard = charged?.settlement ?? said ?? unproven(`The upstream answered ${answer.status} without a word on the settlement.`)
  await settle(matter, reservation, witnessed(matter, { said: heard, terms, paymentId: reservation.paymentId }))
  if (answer.status === 402) {
    discard(answer)
    const after = await reservation.payment()
    return refuseConcluded(matter, reservation, rejected(before ?? after, after))
  }
  const told = said?.kind === 'claimed' ? settledAs(matter, charged?.terms) : undefined
  return { kind: 'answer', answer, headers: await headersFor(matter, reservation, told) }
}

interface Said {
  readonly reservation: Reservation
  readonly terms: Terms | undefined
  readonly answer: Answer
}

/** What the server says of the money, in the words of the protocol that it was paid by. */
async function saidOf(matter: Case, { reservation, terms, answer }: Said): Promise<Settlement | undefined> {
  if (isThroughChannel(terms)) return heardOf(matter, { reservation, terms, answer })
  const rail = matter.deps.rails.find(({ name }) => name === terms?.rail) ?? matter.rail
  return rail.settlement(answer, { network: terms?.network ?? '', protocolVersion: terms?.protocolVersion ?? 0 })
}

/** A fresh payment that the server says it settled, as far as it is known without asking the ledger. */
function settledAs({ decision }: Case, terms: Terms | undefined): Told | undefined {
  return terms && decision && { state: 'settled', tier: decision.tier, terms }
}

async function readPayment({ deps }: Case, reservation: Reservation): Promise<Payment | undefined> {
  try {
    return await reservation.payment()
  } catch (fault) {
    deps.events.faulted('conclude', fault)
    return undefined
  }
}

async function headersFor(matter: Case, reservation: Reservation, told: Told | undefined): Promise<RawHeaders> {
  try {
    return await paidHeaders(matter, reservation, told)
  } catch (fault) {
    const { paymentId } = reservation
    matter.deps.events.faulted('headers of a paid answer', fault)
    Object.assign(matter.request.line, { paymentId, money: 'unknown' })
    return ['Purser-Payment', paymentId, 'Purser-Money', 'unknown']
  }
}

interface Failed {
  readonly before: Payment
  readonly reservation: Reservation
  readonly failure: Extract<SendResult, { kind: 'failed' }>
  readonly first: boolean
}

async function afterFailure(matter: Case, { before, reservation, failure, first }: Failed): Promise<Refusal> {
  const { code, detail, sent } = failure
  if (!sent && !first) return { code, detail: `${detail} The payment made earlier was not presented again.` }
  if (!sent && before.state === 'signed') {
    passing('before voiding')
    await reservation.void({ kind: 'never_sent', reason: detail, code })
    passing('voided')
    return { code, detail: `${detail} Nothing was paid.` }
  }
  await settle(matter, reservation, unproven('The connection ended before an answer came.'))
  return unanswered(before, { after: await reservation.payment(), failure })
}

/** While the connection hung, the chain may have been asked and have told. */
function unanswered(before: Payment, { after, failure: { code, detail } }: { after: Payment; failure: Failed['failure'] }): Refusal {
  if (after.state === 'void') return { code, detail: `${detail} The payment can never be taken any more; nothing was paid.` }
  if (after.state === 'expired') return { code: 'paid_not_delivered', detail: `${detail} ${EXPIRED}` }
  if (before.state === 'settled') return { code: 'paid_not_delivered', detail: `The payment was settled earlier. ${detail}` }
  if (after.state === 'settled') return { code: 'paid_not_delivered', detail: `${detail} The chain shows that the payment was taken.` }
  return { code: 'payment_unknown', detail: `${detail} The payment may have moved money; it stays held.` }
}

/** A ledger that fails now leaves the payment held, which is safe; the agent still gets what was paid for. */
async function settle(matter: Case, reservation: Reservation, settlement: Settlement): Promise<void> {
  try {
    if (settlement.kind === 'claimed') {
      await posted(matter, reservation, settlement)
    } else if (OPEN.has((await reservation.payment()).state)) {
      await reservation.leaveUnknown(settlement.reason)
      passing('left unknown')
    }
  } catch (fault) {
    matter.deps.events.faulted('conclude', fault)
  }
}

/**
 * The agent does not wait for the disk: what it asks next is decided after this, and where the process dies before it is
 * durable, the payment stays held until the chain has told of it.
 */
function posted({ deps }: Case, reservation: Reservation, settlement: Settlement): Promise<void> {
  return new Promise((resolve) => {
    reservation
      .post(settlement, resolve)
      .then(() => passing('posted'))
      .catch((fault: unknown) => deps.events.faulted('conclude', fault))
      .finally(resolve)
  })
}

function unproven(reason: string): Settlement {
  return { kind: 'unproven', transaction: undefined, network: undefined, reason }
}

function rejected(before: Payment, after: Payment): Refusal {
  if (before.delivered) {
    return { code: 'paid_not_delivered', detail: 'This purchase was paid and delivered before; the upstream answers for it only once.' }
  }
  if (before.state === 'settled') {
    return { code: 'paid_not_delivered', detail: 'The payment was settled earlier, and the upstream answered 402 to it now.' }
  }
  const money = after.state === 'settled' ? 'It says that it took the payment.' : 'It may still take the payment; it stays held.'
  return { code: 'payment_rejected', detail: `The upstream answered the payment with another 402. ${money}` }
}
