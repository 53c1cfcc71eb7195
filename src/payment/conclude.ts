/** Concluding: what an answer, or none, means for the money. HTTP can prove that money moved, never that it did not. */
import type { Refusal } from '../errors.ts'
import type { Payment, Reservation } from '../ledger/ledger.ts'
import type { Settlement } from '../rails/rail.ts'
import type { PaymentOutcome, SendResult } from '../session/exchange.ts'
import type { Case } from './case.ts'
import { paidHeaders, refuseConcluded } from './refuse.ts'

export interface Attempted {
  readonly reservation: Reservation
  readonly result: SendResult
  /** This attempt was the first to carry the authorization; only then does "nothing was sent" prove anything. */
  readonly first: boolean
}

/** Posts, voids or leaves unknown, and says what the agent gets. */
export async function conclude(matter: Case, { reservation, result, first }: Attempted): Promise<PaymentOutcome> {
  const before = await reservation.payment()
  if (result.kind === 'failed') {
    return refuseConcluded(matter, reservation, await afterFailure(matter, { before, reservation, failure: result, first }))
  }
  const { answer } = result
  const terms = { network: before.terms?.network ?? '', protocolVersion: before.terms?.protocolVersion ?? 0 }
  const said = matter.rail.settlement(answer, terms)
  await settle(matter, reservation, said ?? unproven(`The upstream answered ${answer.status} without a word on the settlement.`))
  if (answer.status === 402) {
    answer.body.destroy()
    return refuseConcluded(matter, reservation, rejected(before, await reservation.payment()))
  }
  return { kind: 'answer', answer, headers: await paidHeaders(matter, reservation), delivered: () => {} }
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
    await reservation.void({ kind: 'never_sent', reason: detail, code })
    entered(matter, await reservation.payment())
    return { code, detail: `${detail} Nothing was paid.` }
  }
  await settle(matter, reservation, unproven('The connection ended before an answer came.'))
  if (before.state === 'settled') return { code: 'paid_not_delivered', detail: `The payment was settled earlier. ${detail}` }
  return { code: 'payment_unknown', detail: `${detail} The payment may have moved money; it stays held.` }
}

/** A ledger that fails now leaves the payment held, which is safe; the agent still gets what was paid for. */
async function settle(matter: Case, reservation: Reservation, settlement: Settlement): Promise<void> {
  try {
    const { state } = await reservation.payment()
    if (settlement.kind === 'claimed') await reservation.post(settlement)
    else if (state !== 'settled') await reservation.leaveUnknown(settlement.reason)
    const after = await reservation.payment()
    if (after.state !== state) entered(matter, after)
  } catch (fault) {
    matter.deps.events.faulted('conclude', fault)
  }
}

function entered({ deps }: Case, { terms, state, tier, id }: Payment): void {
  if (!terms) return
  const { network, scheme, amount, currency } = terms
  deps.events.paymentEntered({ paymentId: id, state, tier, network, scheme, amount, currency })
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
