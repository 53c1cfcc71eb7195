/**
 * Delivering: an answer on its way to the agent, and what is kept of it. A purchase is over when the agent has a whole
 * 2xx; until then its repeat gets what was paid for (rules R1 and R2).
 */
import { type Answer, discard, type RawHeaders } from '../http.ts'
import type { PurchaseIdentity, Reservation } from '../ledger/ledger.ts'
import { REOPEN_TRIES } from '../limits.ts'
import type { Delivery, PaidAnswer } from '../session/exchange.ts'
import { passing } from '../waypoints.ts'
import type { Case } from './case.ts'
import type { Hold } from './hold.ts'
import type { Recording } from './recording.ts'

export interface Deliverable {
  readonly purchase: PurchaseIdentity
  readonly reservation: Reservation
  readonly hold: Hold
  readonly answer: Answer
  readonly headers: RawHeaders
}

/** Hands an upstream's answer on. Only a 2xx is recorded: anything else may be better the next time. */
export function deliver(matter: Case, goods: Deliverable): PaidAnswer {
  const { answer, headers } = goods
  if (!succeeded(answer.status))
    return { kind: 'answer', answer, headers, delivered: (delivery) => handOver(matter, { ...goods, delivery }) }
  const recording = matter.deps.answers.record(answer)
  const delivered = (delivery: Delivery) => handOver(matter, { ...goods, delivery, recording })
  return watched(matter, { ...goods, answer: recording.answer, delivered })
}

/** Hands a kept answer on; it stays kept. */
export function deliverStored(matter: Case, goods: Deliverable): PaidAnswer {
  return watched(matter, { ...goods, delivered: (delivery) => handOver(matter, { ...goods, delivery }) })
}

interface Watched extends Deliverable {
  readonly delivered: (delivery: Delivery) => Promise<void>
}

/** A reset of the agent's connection is heard of after the delivery was noted, and takes that note back. */
function watched(matter: Case, { delivered, ...goods }: Watched): PaidAnswer {
  let noted = Promise.resolve()
  return {
    ...{ kind: 'answer', answer: goods.answer, headers: goods.headers },
    delivered: (delivery) => {
      noted = delivered(delivery)
      return noted
    },
    lost: () => {
      const reopened = noted.then(() => reopen(matter, goods))
      matter.deps.answers.whileReopening(goods.purchase, reopened)
    },
  }
}

interface HandOver extends Deliverable {
  readonly delivery: Delivery
  /** Absent where the answer is kept already, or would not be. */
  readonly recording?: Recording
}

/** What may be asked for again is kept before its delivery is written down, and both before the purchase is let go. */
async function handOver(matter: Case, goods: HandOver): Promise<void> {
  const { events } = matter.deps
  const { reservation, delivery, hold } = goods
  passing('answer handed over')
  if (!isWhole(delivery)) {
    // Its requester has got all that it will get, and may ask again before this is written down.
    hold.leave()
    events.undelivered(reservation.paymentId)
  }
  try {
    await keep(matter, goods).catch((fault: unknown) => events.faulted('keeping an answer', fault))
    await reservation.delivered(delivery)
    passing('delivered')
  } catch (fault) {
    events.faulted('delivered', fault)
  } finally {
    hold.release()
    passing('purchase let go')
  }
}

/** Where the agent has all of an unkeyed answer, a copy stays at hand for a moment only. */
async function keep({ deps: { answers } }: Case, { recording, purchase, reservation, delivery }: HandOver): Promise<void> {
  if (!recording) return
  // The agent's part is over; what it did not take is read to the end.
  discard(recording.answer)
  try {
    const copy = await recording.whole
    if (!copy) return
    passing('before keeping the answer')
    if (isWhole(delivery) && purchase.keyDigest === null) answers.remember(reservation.paymentId, copy)
    else await answers.keep(reservation.paymentId, copy, purchase)
    passing('answer kept')
  } finally {
    recording.release()
  }
}

/** Without the copy the same authorization is presented again; without the reopening another one would be made. */
async function reopen({ deps }: Case, { purchase, reservation: { paymentId } }: Deliverable): Promise<void> {
  const { answers, events } = deps
  passing('before reopening')
  const copy = answers.remembered(paymentId)
  if (copy) await answers.keep(paymentId, copy, purchase).catch((fault: unknown) => events.faulted('keeping an answer', fault))
  for (let attempt = 1; attempt <= REOPEN_TRIES; attempt++) if (await reopened(deps, paymentId)) return
}

async function reopened({ ledger, events }: Case['deps'], paymentId: string): Promise<boolean> {
  try {
    await ledger.reopen(paymentId)
    events.undelivered(paymentId)
    passing('reopened')
    return true
  } catch (fault) {
    events.faulted('reopening', fault)
    return false
  }
}

function isWhole({ complete, status }: Delivery): boolean {
  return complete && succeeded(status)
}

function succeeded(status: number): boolean {
  return status >= 200 && status < 300
}
