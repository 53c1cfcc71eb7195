/** Lists: pages of sessions, payments, receipts and recipients, newest first, as operators look through them. */
import { parseEntry } from '../../audit/parse.ts'
import type { Receipt, ReceiptFilter } from '../../audit/receipt.ts'
import { refused } from '../../errors.ts'
import { MAX_PAGE } from '../../limits.ts'
import type { Session } from '../../session/session.ts'
import type { RecipientRecord } from '../findings.ts'
import type { Page, PageRequest, Payment, PaymentFilter, PaymentState } from '../ledger.ts'
import { cursorAfter, limitOf, placeAfter, readCursor } from '../paging.ts'
import { readPayment, STATES } from '../payment-row.ts'
import { addRow, emptyRecord } from '../recipient-row.ts'
import { money, text } from '../rows.ts'
import { readSession, readTerms } from '../session-row.ts'
import type { Reading } from './reading.ts'
import type { Filter, Row, TableName } from './store.ts'

export class Lists {
  readonly #store: Reading

  constructor(store: Reading) {
    this.#store = store
  }

  /** @throws PurserError `request_invalid` for a cursor that is none of ours, or a limit that is no whole number from 1. */
  sessions(page: PageRequest, parent?: string): Promise<Page<Session>> {
    const where = parent === undefined ? [] : equal('parent', parent)
    return this.#page({ table: 'sessions', where }, page, (row) => readSession(row, readTerms(row)))
  }

  payments(filter: PaymentFilter, page: PageRequest): Promise<Page<Payment>> {
    return this.#page({ table: 'payments', where: paymentFilters(filter) }, page, readPayment)
  }

  receipts(filter: ReceiptFilter, page: PageRequest): Promise<Page<Receipt>> {
    return this.#page({ table: 'receipts', where: receiptFilters(filter) }, page, readReceipt)
  }

  /** The settled payments to this recipient in this token, newest first; bounded. */
  async settledTo({
    network,
    token,
    payTo,
  }: {
    readonly network: string
    readonly token: string
    readonly payTo: string
  }): Promise<Payment[]> {
    const where: Filter[] = [
      ...equal('state', 'settled'),
      ...equal('network', network),
      { columns: ['pay_to'], is: 'like', values: [payTo] },
      { columns: ['asset_address'], is: 'like', values: [token] },
    ]
    const rows = await this.#store.select({ table: 'payments', where, order: { by: ['seq'], falling: true }, limit: MAX_PAGE })
    return rows.map(readPayment)
  }

  /** By host, address and network. */
  async recipients(page: PageRequest): Promise<Page<RecipientRecord>> {
    const limit = limitOf(page)
    const after = page.cursor === undefined ? '' : readCursor('recipient', page.cursor)
    const found: { readonly name: string; record: RecipientRecord }[] = []
    for (const row of await this.#store.troubled(after, (limit + 1) * CURRENCIES)) {
      const name = text(row, 'name')
      const last = found.at(-1)
      if (last?.name === name) last.record = addRow(last.record, row)
      else found.push({ name, record: addRow(emptyRecord(row), row) })
    }
    const shown = found.slice(0, limit)
    const last = shown.at(-1)
    return { items: shown.map(({ record }) => record), next: found.length > limit && last ? cursorAfter('recipient', last.name) : null }
  }

  async #page<T>(
    { table, where }: { readonly table: TableName; readonly where: readonly Filter[] },
    page: PageRequest,
    read: (row: Row) => T,
  ): Promise<Page<T>> {
    const limit = limitOf(page)
    const behind: Filter[] = page.cursor === undefined ? [] : [{ columns: ['seq'], is: '<', values: [placeAfter(page.cursor)] }]
    const order = { by: ['seq'], falling: true } as const
    const rows = await this.#store.select({ table, where: [...where, ...behind], order, limit: limit + 1 })
    const shown = rows.slice(0, limit)
    const last = shown.at(-1)
    return { items: shown.map(read), next: rows.length > limit && last ? cursorAfter('seq', money(last, 'seq').toString()) : null }
  }
}

/** A recipient has a row for each currency; few have more than one. */
const CURRENCIES = 4

export function equal(column: string, value: string | undefined): Filter[] {
  return value === undefined ? [] : [{ columns: [column], is: '=', values: [value] }]
}

export function readReceipt(row: Row): Receipt {
  return parseEntry(text(row, 'body'), text(row, 'hash'))
}

function paymentFilters({ session, agent, tool, task, recipient, state, tier, disputed, since, until }: PaymentFilter): Filter[] {
  return [
    ...equal('session_id', session),
    ...equal('agent', agent),
    ...equal('tool', tool),
    ...equal('task', task),
    ...equal('tier', tier),
    ...(state === undefined ? [] : equal('state', stateOf(state))),
    ...(recipient === undefined ? [] : [{ columns: ['pay_to', 'host'], is: 'like', values: [recipient] } as const]),
    ...(disputed === undefined ? [] : [{ columns: ['dispute'], is: disputed ? 'present' : 'absent', values: [] } as const]),
    ...between('decided_at', since, until),
  ]
}

function receiptFilters({ session, payment, agent, kind, since, until }: ReceiptFilter): Filter[] {
  return [
    ...equal('session_id', session),
    ...equal('payment_id', payment),
    ...equal('agent', agent),
    ...equal('kind', kind),
    ...between('at', since, until),
  ]
}

function between(column: string, since: number | undefined, until: number | undefined): Filter[] {
  return [
    ...(since === undefined ? [] : [{ columns: [column], is: '>=', values: [since] } as const]),
    ...(until === undefined ? [] : [{ columns: [column], is: '<', values: [until] } as const]),
  ]
}

function stateOf(state: PaymentState): PaymentState {
  const known = STATES.find((one) => one === state)
  if (known === undefined) throw refused('request_invalid', `There is no state of that name; there are ${STATES.join(', ')}.`)
  return known
}
