/**
 * Charges: what a payment takes from budgets, and what limits count of it. Nearly always both are its amount; of a channel
 * the deposit takes all of it from the budgets, its vouchers take nothing more, and limits count what each request costs.
 */
import { movedBy } from '../channel-terms.ts'
import type { Terms } from './ledger.ts'
import { type Row, text } from './rows.ts'

/** What budgets hold and spend for it, in millionths: of a voucher nothing, because its deposit is spent already. */
export function budgetOf(terms: Pick<Terms, 'method' | 'amount'>): bigint {
  return movedBy(terms)
}

/** What limits count of it, in millionths: the whole amount unless something else was reserved. */
export function countOf({ amount }: Pick<Terms, 'amount'>, { counts }: { readonly counts?: bigint | undefined }): bigint {
  return counts ?? amount
}

/** The escrow of channels and what collects deposits for it. Written out, because src/channel-digest.ts loads what a start can do without; a test compares. */
export const DEPOSIT_TAKERS: readonly string[] = [
  '0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003',
  '0x4020806089470a89826cB9fB1f4059150b550004',
]

/** Whom its signature may pay: a deposit goes to the escrow, for a channel to its recipient. */
export function takersOf({ method, payTo }: Pick<Terms, 'method' | 'payTo'>): readonly string[] {
  return method === 'deposit' ? [payTo, ...DEPOSIT_TAKERS] : [payTo]
}

/** In SQL, of columns of payments: true of vouchers, whose money is their deposit's. */
export const IS_VOUCHER = "scheme LIKE '%/voucher'"

/** As `IS_VOUCHER`, of a row with the column `scheme`. */
export function isVoucherRow(row: Row): boolean {
  return text(row, 'scheme').endsWith('/voucher')
}
