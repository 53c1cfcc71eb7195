/** Rows of the books as values, the same for whatever keeps them. */
import type { SQLOutputValue } from 'node:sqlite'
import type { Account, Entry, ReceiptEntry } from './books.ts'

type Cells = Readonly<Record<string, SQLOutputValue>>

export function entryOf(row: Cells): Entry {
  return {
    ...{ id: text(row, 'id'), purchaseId: text(row, 'purchase_id'), sessionId: text(row, 'session_id'), url: text(row, 'url') },
    ...{
      state: text(row, 'state'),
      nonce: text(row, row.nonce === null ? 'reused_nonce' : 'nonce'),
      replaces: row.replaces === null ? null : text(row, 'replaces'),
      amount: BigInt(text(row, 'amount')),
      amountAtomic: text(row, 'amount_atomic'),
    },
    payTo: text(row, 'pay_to'),
    headers: row.headers === null ? null : text(row, 'headers'),
    evidence: row.evidence === null ? null : text(row, 'evidence'),
    delivered: row.delivered === 1n,
    disputed: row.dispute !== null,
    reservedAt: Number(row.reserved_at),
    concludedAt: row.concluded_at === null ? null : Number(row.concluded_at),
    checkAt: row.check_at === null ? null : Number(row.check_at),
    refunded: whole(row, 'refunded'),
  }
}

export function accountOf(row: Cells): Account {
  const parent = row.parent === null ? null : text(row, 'parent')
  return { id: text(row, 'id'), parent, cap: whole(row, 'cap'), spent: whole(row, 'spent'), held: whole(row, 'held') }
}

export function receiptOf(row: Cells): ReceiptEntry {
  return {
    ...{ sessionId: text(row, 'session_id'), number: Number(row.number), paymentId: text(row, 'payment_id'), kind: text(row, 'kind') },
    ...{ hash: text(row, 'hash'), body: text(row, 'body') },
  }
}

function text(row: Cells, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw new Error(`column ${column} holds no text`)
  return value
}

export function whole(row: Cells | undefined, column: string): bigint {
  const value = row?.[column]
  if (typeof value !== 'bigint') throw new Error(`column ${column} holds no whole number`)
  return value
}
