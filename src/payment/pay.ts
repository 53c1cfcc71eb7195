/**
 * Payment: the way of a paid request as one sentence. Everything else in this program serves it.
 *
 * A 402 is read, a purchase that is already under way is joined, an offer is chosen and priced, the policy decides, the
 * ledger reserves, the wallet signs, the journal keeps it, the request goes again, and what came of it is concluded.
 * Nothing is signed without a reservation; nothing leaves before both are durable; nothing is freed without proof.
 */
import { PurserError, type Refusal } from '../errors.ts'
import type { PurchaseIdentity, Reservation, ReserveResult } from '../ledger/ledger.ts'
import { chooseOffer, type Quote } from '../rails/quote.ts'
import type { OnPaymentRequired, PaidRequest, PaymentOutcome, Send, UnpaidAnswer } from '../session/exchange.ts'
import { passing } from '../waypoints.ts'
import { authorize } from './authorize.ts'
import { barTo } from './bars.ts'
import { type Case, openCase } from './case.ts'
import type { PaymentDeps } from './deps.ts'
import { hold } from './hold.ts'
import type { Running } from './in-flight.ts'
import { type Judged, judge } from './judge.ts'
import { present } from './present.ts'
import { identityOf, nameOf, nonceOf, type PurchaseRequest } from './purchase.ts'
import { refuse, refuseFault } from './refuse.ts'
import { busy, type Repeatable, repeat } from './repeat.ts'

/** The payment flow, ready to be given to the proxy. */
export function createPay(deps: PaymentDeps): OnPaymentRequired {
  return async (request, unpaid, send) => {
    try {
      return await pay(deps, { request, unpaid, send })
    } catch (fault) {
      return refuseFault(deps, request, fault)
    }
  }
}

/** A race for the tier's frequency or for a recipient's pin is decided once more, not for ever. */
const DECISIONS = 2

const OVERTAKEN = {
  code: 'frequency_exceeded',
  detail: 'Other payments of this agent took the last places in the tier meanwhile.',
} as const
const GONE = { code: 'request_invalid', detail: 'The agent left before anything was set aside.' } as const

type Allowed = Extract<Judged, { kind: 'allowed' }>

interface Ask {
  readonly request: PaidRequest
  readonly unpaid: UnpaidAnswer
  readonly send: Send
}

/** Steps 4 to 11: what is claimed by a payment protocol is joined to an earlier attempt, bought, or refused. */
async function pay(deps: PaymentDeps, { request, unpaid, send }: Ask): Promise<PaymentOutcome> {
  const opened = openCase(deps, request, unpaid)
  if (opened.kind === 'not_a_challenge') return { kind: 'pass' }
  if (opened.kind === 'invalid') return refuse(opened.case, { code: 'challenge_invalid', detail: opened.reason })
  const matter = opened.case
  passing('challenge understood')
  const body = await request.body().catch(() => undefined)
  if (!body) return refuse(matter, GONE)
  passing('body complete')
  const bar = await barTo(matter, body)
  if (bar) return refuse(matter, bar)
  passing('bars passed')
  const purchase = named({ ...request, sessionId: request.session.id, bodyDigest: body.digest })
  if ('code' in purchase) return refuse(matter, purchase)
  const repeated = await repeat(matter, { purchase, send })
  if (repeated) return repeated
  const quote = deps.phases.time('quote', () => chooseOffer(matter.challenge, request.session))
  if ('code' in quote) return refuse(matter, quote)
  passing('quoted')
  return buy(matter, { purchase, quote, send })
}

interface Purchase extends Repeatable {
  readonly quote: Quote
}

function named(request: PurchaseRequest): PurchaseIdentity | Refusal {
  try {
    return identityOf(request)
  } catch (fault) {
    if (fault instanceof PurserError) return fault.refusal
    throw fault
  }
}

async function buy(matter: Case, { purchase, quote, send }: Purchase): Promise<PaymentOutcome> {
  const { request } = matter
  for (let decision = 1; decision <= DECISIONS; decision++) {
    const judged = await judge(matter, quote)
    if (judged.kind === 'refused') return refuse(judged.matter, judged.refusal)
    passing('judged')
    if (request.signal.aborted) return refuse(judged.matter, GONE)
    const { reserved, running } = await reserve(judged, purchase)
    if (reserved.kind === 'reserved') return payReserved(judged.matter, { purchase, reservation: reserved.reservation, running, send })
    if (reserved.kind === 'refused') return refuse(judged.matter, reserved.refusal)
    if (reserved.kind === 'key_reused') return refuse(judged.matter, busy('key_reused'))
    if (reserved.kind === 'in_progress') return (await repeat(matter, { purchase, send })) ?? refuse(judged.matter, busy('in_progress'))
  }
  return refuse(matter, OVERTAKEN)
}

interface Tried {
  readonly reserved: ReserveResult
  /** Has ended already where nothing was reserved. */
  readonly running: Running
}

/** In flight from before others can see the reservation, so that whoever finds it has something to wait for. */
async function reserve({ matter, attempt, pin, decision }: Allowed, purchase: PurchaseIdentity): Promise<Tried> {
  const { ids, ledger, nonceSecret, inFlight, phases } = matter.deps
  const purchaseId = ids('pur')
  const nonce = nonceOf(nonceSecret, purchaseId)
  const request = { purchase, purchaseId, paymentId: ids('pay'), nonce, attempt, frequency: decision.frequency ?? null, pin }
  const running = inFlight.begin(purchaseId, { name: nameOf(purchase), signal: matter.request.signal })
  let reserved: ReserveResult | undefined
  try {
    passing('before reserving')
    reserved = await phases.time('reserve', () => ledger.reserve(request))
    passing('reserved')
    return { reserved, running }
  } finally {
    if (reserved?.kind !== 'reserved') running.end()
  }
}

interface Bought extends Repeatable {
  readonly reservation: Reservation
  readonly running: Running
}

/** The purchase is held from here on: a requester that leaves while it is signed has left a purchase to be joined. */
async function payReserved(matter: Case, { purchase, reservation, running, send }: Bought): Promise<PaymentOutcome> {
  const held = hold(matter, { reservation, running })
  passing('purchase held')
  matter.deps.events.decided({ tier: matter.decision?.tier ?? '', decision: 'allow' })
  const signed = await authorize(matter, reservation)
  if (signed.kind === 'signed') return present(matter, { purchase, reservation, send, hold: held, signed: signed.authorization })
  held.release()
  return refuse(matter, signed.refusal)
}
