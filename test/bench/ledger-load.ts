/** The load on a ledger: payments by many at once, each step of which is durable before the next. */

import { randomIds } from '../../src/clock.ts'
import type { Ledger, NewSession, Reservation, ReserveRequest } from '../../src/ledger/ledger.ts'
import { authorizationFor, CLAIMED, COMPLETE, fixtures } from '../ledger/fixtures.ts'

const make = fixtures(randomIds, Date.now)

/** $1,000,000,000: never the bound here. */
const CAP = 1_000_000_000_000_000n
const PRICE = 1_000n

export function sessionLike(changes: Partial<NewSession> = {}): NewSession {
  return make.session({ cap: CAP, ...changes })
}

/** Who pays: a session, and its agent. */
export interface Payer {
  readonly sessionId: string
  readonly agent: string
}

export function requestFor({ sessionId, agent }: Payer): ReserveRequest {
  return make.request(sessionId, PRICE, { attempt: { agent } })
}

/** Each of an agent of its own. */
export async function openSessions(ledger: Ledger, count: number): Promise<readonly Payer[]> {
  const open = async (_: unknown, n: number) => {
    const { id, agent } = await ledger.openSession(sessionLike({ agent: `agent-${n}` }))
    return { sessionId: id, agent }
  }
  return Promise.all(Array.from({ length: count }, open))
}

export interface Rates {
  /** Reservations, durable or on their way to be. */
  readonly reserve: number
  /** Conclusions of payments that were signed. */
  readonly conclude: number
  /** Payments from the reservation to the conclusion, all of it durable. */
  readonly whole: number
}

export interface Pace {
  /** How many at a time. */
  readonly lanes: number
  /** Payments in each measure. */
  readonly payments: number
}

/** Payments per second, step by step and as a whole. `pick` says whose each one is. */
export async function measure(ledger: Ledger, pick: (n: number) => Payer, pace: Pace): Promise<Rates> {
  const whole = await rate(pace, (n) => pay(ledger, pick(n)))
  const reserved: { readonly request: ReserveRequest; readonly reservation: Reservation }[] = []
  const reserve = await rate(pace, async (n) => {
    const request = requestFor(pick(n))
    reserved.push({ request, reservation: await reserveOne(ledger, request) })
  })
  await rate(pace, async (n) => {
    const one = reserved[n]
    if (one) await one.reservation.record(authorizationFor(one.request))
  })
  const conclude = await rate(pace, async (n) => {
    await reserved[n]?.reservation.post(CLAIMED)
  })
  await Promise.all(reserved.map(({ reservation }) => reservation.delivered(COMPLETE)))
  return { reserve, conclude, whole }
}

/** As the payment flow does it: what is noted is noted, what has to be durable is waited for. */
export async function pay(ledger: Ledger, payer: Payer): Promise<void> {
  await carryOut(ledger, requestFor(payer))
}

/** A tier that counts, and never stops these payments. */
const BOUND = { tier: 'autonomous', max: 1_000_000_000, per_ms: 60_000 }

/** As `pay`, with all that the flow asks of the ledger before, and what it has the ledger check besides. */
export async function buy(ledger: Ledger, payer: Payer): Promise<void> {
  const request = { ...requestFor(payer), frequency: BOUND }
  const found = await ledger.resume(request.purchase)
  if (found.kind !== 'none') throw new Error(`expected a fresh purchase, got ${found.kind}`)
  const { sessionId, agent, origin, terms } = request.attempt
  await ledger.history({ agent, sessionId, origin, network: terms.network, payTo: terms.payTo, tiers: [BOUND] })
  await carryOut(ledger, request)
}

async function carryOut(ledger: Ledger, request: ReserveRequest): Promise<void> {
  const reservation = await reserveOne(ledger, request)
  await reservation.record(authorizationFor(request))
  reservation.sent()
  await reservation.post(CLAIMED)
  void reservation.delivered(COMPLETE)
  reservation.release()
}

/** Resolves when nothing is left to be written: notes ride with what is waited for. */
export async function rest(ledger: Ledger): Promise<void> {
  await openSessions(ledger, 1)
  await ledger.payments({}, { limit: 1 })
}

async function reserveOne(ledger: Ledger, request: ReserveRequest): Promise<Reservation> {
  const result = await ledger.reserve(request)
  if (result.kind !== 'reserved') throw new Error(`expected a reservation, got ${result.kind}`)
  return result.reservation
}

/** Runs `work` for each number below `payments`, so many at a time. */
export async function rate({ lanes, payments }: Pace, work: (n: number) => Promise<unknown>): Promise<number> {
  let next = 0
  const lane = async () => {
    while (next < payments) await work(next++)
  }
  const started = performance.now()
  await Promise.all(Array.from({ length: lanes }, lane))
  return (payments / (performance.now() - started)) * 1_000
}
