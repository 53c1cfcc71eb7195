/** Daily reports over payments that a test describes. */
import { DailyBook, type DailyPayment, type DailyReport, dayOf } from '../../src/audit/daily.ts'
import { SIGNER } from './checkpoint-fixture.ts'

export const NOON = Date.parse('2026-06-27T12:00:00Z')
export const TOMORROW = Date.parse('2026-06-28T00:00:00Z')

export interface BookedPayment extends DailyPayment {
  readonly costCentre?: string
}

/** A settled payment of 0.02 USD, with what the test says otherwise. */
export function payment(more: Partial<BookedPayment> = {}): BookedPayment {
  return {
    ...{ agent: 'researcher', host: 'api.example.com', tier: 'autonomous', categories: ['search'], state: 'settled', code: null },
    ...{ policyVersion: 'abc', wouldBe: null, terms: { amount: 20_000n, currency: 'USD' }, refunded: 0n, count: 1 },
    ...{ decidedAt: NOON, context: null },
    ...more,
  }
}

/** The report of 2026-06-27, made right after its end unless told otherwise. */
export function signed(payments: readonly BookedPayment[], now = TOMORROW): DailyReport {
  const book = new DailyBook(dayOf('2026-06-27'))
  for (const { costCentre = '', ...one } of payments) book.addPayment(one, { tier: { audit: 'batch_daily' }, costCentre })
  for (const hash of ['b', 'a']) book.addReceipt({ hash })
  return book.sign({ ledgerId: 'led_1', now, signer: SIGNER })
}
