/**
 * Paying with the first attempt: where a route is known to charge, the payment goes with the request, and a round trip is
 * saved. Everything is decided at this moment by what decides every payment; whatever would refuse, ask or warn lets the
 * request go unpaid instead, as if this were not here. What was sent is held until it is taken or can be taken no more.
 */
import { discard } from '../http.ts'
import type { PurchaseIdentity, Reservation } from '../ledger/ledger.ts'
import { PREEMPTIVE_WINDOW_S } from '../preemptive-limits.ts'
import { chooseOffer, type Quote } from '../rails/quote.ts'
import type { PaidRequest, PaymentOutcome, Preempt, Reask, Send, SendResult } from '../session/exchange.ts'
import { remainingOf } from '../session/session.ts'
import { authorize, type SignedAuthorization } from './authorize.ts'
import { barTo, budgetBar, lineageOf } from './bars.ts'
import { type Case, openCase } from './case.ts'
import type { PaymentDeps } from './deps.ts'
import { type Hold, hold } from './hold.ts'
import { type Allowed, allowedOutright } from './judge.ts'
import { coverOf } from './pay.ts'
import { handOn, isTaken, orLeaveUnknown, present, sendOut } from './present.ts'
import { purchaseOf } from './purchase.ts'
import { refuseFault } from './refuse.ts'
import { repeat } from './repeat.ts'
import { type Reservable, reserve } from './reserve.ts'
import type { Routes } from './routes.ts'

export interface PreemptOptions {
  readonly routes: Routes
  /** Networks (CAIP-2) whose chain can be asked: elsewhere nobody could tell that an authorization was never used. */
  readonly provable: ReadonlySet<string>
}

const FACT = 'It was paid with the first attempt, on terms that this route asked for before.'
const ASKED_AGAIN = 'The upstream answered the payment with another challenge.'

export function createPreempt(deps: PaymentDeps, options: PreemptOptions): Preempt {
  return {
    expects: (request) => options.routes.expects(request),
    async pay(request, send, reask) {
      const began_ms = deps.clock.monotonic()
      const outcome = await payFirst(deps, options, { request, send, reask }).catch((fault: unknown) => refuseFault(deps, request, fault))
      if (outcome) deps.guards.loops.concluded(request, outcome, began_ms)
      return outcome
    },
  }
}

interface First {
  readonly request: PaidRequest
  readonly send: Send
  readonly reask: Reask
}

async function payFirst(deps: PaymentDeps, options: PreemptOptions, first: First): Promise<PaymentOutcome | undefined> {
  const wish = await orNothing(deps, () => wishFor(deps, options, first.request))
  if (!wish) return undefined
  const { matter, purchase } = wish
  const repeated = await repeat(matter, { purchase, send: first.send })
  if (repeated.kind !== 'none') return repeated.kind === 'done' ? repeated.outcome : undefined
  const ready = await orNothing(deps, () => makeReady(wish))
  return ready && orLeaveUnknown(ready.matter, { ...ready, ...first }, () => sendFirst(options.routes, { ...ready, ...first }))
}

/** Before anything leaves a fault of ours is no reason to refuse what may be free. */
async function orNothing<T>({ events }: PaymentDeps, step: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await step()
  } catch (fault) {
    events.faulted('paying with the first attempt', fault)
    return undefined
  }
}

interface Wish {
  readonly matter: Case
  readonly purchase: PurchaseIdentity
  readonly quote: Quote
}

/** What would be bought on the terms that the route asked for last; undefined where anything speaks against it. */
async function wishFor(deps: PaymentDeps, { routes, provable }: PreemptOptions, request: PaidRequest): Promise<Wish | undefined> {
  const body = await request.body()
  const terms = routes.termsFor(request, body)
  // What was signed beforehand would be held for as long as it lives, and cannot be signed anew under its nonce.
  if (!terms || deps.wallet.presigned) return undefined
  const matter: Case = { deps, request, body, ...terms }
  if ((await barTo(matter, body)) || deps.guards.loops.bar(request)) return undefined
  const purchase = purchaseOf(request, body)
  const quote = chooseOffer(terms.challenge, request.session)
  if ('code' in purchase || 'code' in quote) return undefined
  const { scheme, method, flow, network } = quote.offer
  const exact = scheme === 'exact' && method === undefined && flow === 'authorization' && provable.has(network)
  return exact && !deps.clockBar(network) && (await fitsTwice(matter, quote)) ? { matter, purchase, quote } : undefined
}

/** In the budgets there is room for this payment and for one that would have to take its place. */
async function fitsTwice({ deps: { ledger, clock }, request }: Case, { amount }: Quote): Promise<boolean> {
  const session = (await ledger.session(request.session.id)) ?? request.session
  const line = await lineageOf(ledger, session)
  return line.every((one) => !budgetBar({ ...one, payments: one.payments + 1 }, amount, clock.now()) && remainingOf(one) >= 2n * amount)
}

interface Ready {
  readonly matter: Case
  readonly purchase: PurchaseIdentity
  readonly reservation: Reservation
  readonly hold: Hold
  readonly signed: SignedAuthorization
}

async function makeReady({ matter, purchase, quote }: Wish): Promise<Ready | undefined> {
  const judged = await allowedOutright(matter, { quote, fact: FACT })
  if (!judged || matter.request.signal.aborted) return undefined
  return signFor(judged, { purchase, longest_s: PREEMPTIVE_WINDOW_S })
}

interface Signable extends Omit<Reservable, 'cover'> {
  readonly longest_s?: number
}

/** Reserved, signed and journalled; where one of these fails nothing more is held. */
async function signFor(judged: Allowed, { longest_s, ...reservable }: Signable): Promise<Ready | undefined> {
  const { matter, decision } = judged
  const covered = await coverOf(judged)
  if (covered.kind === 'refused') return undefined
  const { reserved, running } = await reserve(judged, { ...reservable, cover: covered.cover })
  if (reserved.kind !== 'reserved') return undefined
  const { reservation } = reserved
  const held = hold(matter, { reservation, running })
  matter.deps.events.decided({ tier: decision.tier, decision: decision.kind })
  const signed = await authorize(matter, reservation, longest_s)
  if (signed.kind === 'signed') return { ...reservable, matter, reservation, hold: held, signed: signed.authorization }
  held.release()
  return undefined
}

async function sendFirst(routes: Routes, ready: Ready & First): Promise<PaymentOutcome | undefined> {
  const { matter, request } = ready
  const result = await sendOut(matter, ready)
  if (result.kind === 'failed' && !result.sent) return takeBack(ready, result)
  const outcome = meaningOf(matter, result)
  if (outcome !== 'hit') routes.pause(request)
  matter.deps.events.preempted(outcome)
  request.line.preemptive = outcome
  return (isChallenge(matter, result) ? await payAnew(ready) : undefined) ?? handOn(matter, ready, result)
}

/** Another 402 that says nothing of a settlement. */
function isChallenge({ rail, terms }: Case, result: SendResult): boolean {
  if (result.kind === 'failed' || result.answer.status !== 402) return false
  discard(result.answer)
  return rail.settlement(result.answer, { network: terms?.network ?? '', protocolVersion: terms?.protocolVersion ?? 0 }) === undefined
}

/**
 * What the route asks for now is signed anew with the nonce of what is out, so that the token settles one of the two
 * (guarantee G3). Undefined where it cannot be, or may not be without people: then the purchase waits for the end of the first.
 */
async function payAnew(first: Ready & First): Promise<PaymentOutcome | undefined> {
  const { deps } = first.matter
  await first.reservation.leaveUnknown(ASKED_AGAIN)
  const judged = await orNothing(deps, () => judgeAnew(first))
  const { purchase, reservation, send } = first
  const next = judged && (await orNothing(deps, () => signFor(judged, { purchase, replaces: reservation })))
  if (!next) return undefined
  first.hold.release()
  const outcome = await present(next.matter, { ...next, send })
  return outcome?.kind !== 'answer' && (await isVoid(next.reservation)) ? undefined : outcome
}

/** Where the ledger cannot tell, it is not. */
function isVoid(reservation: Reservation): Promise<boolean> {
  return reservation.payment().then(
    ({ state }) => state === 'void',
    () => false,
  )
}

async function judgeAnew({ matter, request, reservation, reask }: Ready & First): Promise<Allowed | undefined> {
  const { deps, body, terms } = matter
  const unpaid = await reask()
  const opened = unpaid && openCase(deps, request, unpaid)
  if (!body || opened?.kind !== 'challenge' || request.signal.aborted) return undefined
  // A challenge that sets its own nonce cannot be paid with that of what is out.
  if (opened.case.rail.nonceOf) return undefined
  const quote = chooseOffer(opened.case.challenge, request.session)
  if ('code' in quote || quote.offer.network !== terms?.network || quote.offer.asset.address !== terms.asset.address) return undefined
  if (quote.offer.method !== terms.method || quote.offer.channel) return undefined
  const fact = `It takes the place of payment ${reservation.paymentId}, which left with the first attempt and has the same nonce.`
  return allowedOutright({ ...opened.case, body }, { quote, fact })
}

/** Nothing left, so the request goes on unpaid, and says for itself what is wrong. */
async function takeBack({ reservation, hold: held }: Ready, failure: Extract<SendResult, { kind: 'failed' }>): Promise<undefined> {
  await reservation.void({ kind: 'never_sent', reason: failure.detail, code: failure.code })
  held.release()
}

/** An answer that does not say that it took the payment may have needed none. */
function meaningOf(matter: Case, result: SendResult): 'hit' | 'miss' | 'waste' {
  if (isTaken(matter, result)) return 'hit'
  return result.kind === 'answer' && result.answer.status === 402 ? 'miss' : 'waste'
}
