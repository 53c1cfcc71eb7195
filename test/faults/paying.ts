/**
 * A process that pays from a ledger until its disk fails, and tells on standard output what it was told is durable. Run
 * as `node paying.ts FILE PAYMENTS`; each line is one JSON value of the type `Told`.
 */
import { writeSync } from 'node:fs'
import { randomIds, systemClock } from '../../src/clock.ts'
import { PurserError } from '../../src/errors.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite.ts'
import { authorizationFor, CLAIMED, COMPLETE, fixtures, usd } from '../ledger/fixtures.ts'

export type Told =
  | { readonly kind: 'session' | 'signed' | 'settled'; readonly id: string }
  /** The first thing that was refused because of the disk. */
  | { readonly kind: 'fault'; readonly detail: string; readonly readiness: readonly string[] }
  /** What came of going on all the same: refused or not, and whether a session can still be read. */
  | { readonly kind: 'after'; readonly refused: number; readonly done: number; readonly readable: boolean }
  | { readonly kind: 'closed_to_us'; readonly code: string; readonly detail: string }
  | { readonly kind: 'end' }

const AT_ONCE = 4
const make = fixtures(randomIds, () => Date.now())

function tell(told: Told): void {
  writeSync(1, `${JSON.stringify(told)}\n`)
}

function detailOf(fault: unknown): string {
  if (fault instanceof PurserError && fault.refusal.code === 'ledger_unavailable') return fault.refusal.detail
  throw fault
}

async function pay(ledger: Ledger, sessionId: string): Promise<void> {
  const request = make.request(sessionId, usd(0.1))
  const result = await ledger.reserve(request)
  if (result.kind !== 'reserved') return
  await result.reservation.record(authorizationFor(request))
  tell({ kind: 'signed', id: request.paymentId })
  result.reservation.sent()
  await result.reservation.post(CLAIMED)
  tell({ kind: 'settled', id: request.paymentId })
  await result.reservation.delivered(COMPLETE)
  result.reservation.release()
}

async function goOn(ledger: Ledger, sessionId: string): Promise<void> {
  const attempts = [
    () => ledger.reserve(make.request(sessionId, usd(0.1))),
    () => ledger.openSession(make.session()),
    () => ledger.refuse(make.attempt(sessionId), { code: 'vetoed', detail: 'no' }),
    () => ledger.halt({ scope: 'all', value: '', reason: 'drill', at: 0 }),
  ]
  const outcomes = await Promise.allSettled(attempts.map((attempt) => attempt()))
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected' && detailOf(outcome.reason) !== '').length
  const readable = (await ledger.session(sessionId))?.id === sessionId
  tell({ kind: 'after', refused, done: outcomes.length - refused, readable })
}

async function main(file: string, payments: number): Promise<void> {
  const ledger = await openSqliteLedger({ file, clock: systemClock, ids: randomIds, runId: randomIds('run') })
  let sessionId = ''
  try {
    const session = await ledger.openSession(make.session({ cap: usd(2) }))
    sessionId = session.id
    tell({ kind: 'session', id: sessionId })
    for (let paid = 0; paid < payments; paid += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, () => pay(ledger, sessionId)))
    }
  } catch (fault) {
    tell({ kind: 'fault', detail: detailOf(fault), readiness: await ledger.readiness() })
    if (sessionId !== '') await goOn(ledger, sessionId)
  }
  await ledger[Symbol.asyncDispose]()
}

const [, , file = '', payments = '0'] = process.argv
try {
  await main(file, Number.parseInt(payments, 10))
} catch (fault) {
  const code = fault instanceof PurserError ? fault.refusal.code : 'other'
  tell({ kind: 'closed_to_us', code, detail: fault instanceof Error ? fault.message : String(fault) })
}
tell({ kind: 'end' })
