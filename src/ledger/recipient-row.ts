/** Recipients: how rows of sums, one for each currency, become one record. Pure. */
import type { RecipientRecord } from './findings.ts'
import { int, money, type Row, text } from './rows.ts'

const ONE = 1_000_000n

/** A recipient of which nothing is counted yet. */
export function emptyRecord(row: Row): RecipientRecord {
  const place = { host: text(row, 'host'), payTo: text(row, 'pay_to'), network: text(row, 'network') }
  return { ...place, undelivered: 0, disputed: 0, disputedAmount: {}, refundedAmount: {} }
}

/** With what one currency has. Sums come as wholes and rests, because millionths may not fit into 64 bits. */
export function addRow(record: RecipientRecord, row: Row): RecipientRecord {
  const currency = text(row, 'currency')
  const [disputed, refunded] = [sumIn(row, 'disputed'), sumIn(row, 'refunded')]
  return {
    ...record,
    undelivered: record.undelivered + int(row, 'undelivered'),
    disputed: record.disputed + int(row, 'disputes'),
    disputedAmount: disputed === 0n ? record.disputedAmount : { ...record.disputedAmount, [currency]: disputed },
    refundedAmount: refunded === 0n ? record.refundedAmount : { ...record.refundedAmount, [currency]: refunded },
  }
}

function sumIn(row: Row, name: string): bigint {
  return money(row, `${name}_whole`) * ONE + money(row, `${name}_rest`)
}
