/** Lists: pages of sessions, payments, receipts and recipients, newest first, as operators look through them. */
import { parseEntry } from '../../audit/parse.ts'
import type { Receipt, ReceiptFilter } from '../../audit/receipt.ts'
import { refused } from '../../errors.ts'
import { MAX_PAGE } from '../../limits.ts'
import type { Session } from '../../session/session.ts'
import { isVoucherRow } from '../charges.ts'
import type { RecipientRecord } from '../findings.ts'
import type { Page, PageRequest, Payment, PaymentFilter, PaymentState } from '../ledger.ts'
import { cursorAfter, cursorAfterMoment, limitOf, momentAfter, placeAfter, readCursor } from '../paging.ts'
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
    return readPage(this.#store, { table: 'sessions', where, page, read: (row) => readSession(row, readTerms(row)) })
  }

  payments(filter: PaymentFilter, page: PageRequest): Promise<Page<Payment>> {
    const by = isInTime(filter) ? 'decided_at' : undefined
    return readPage(this.#store, { table: 'payments', where: paymentFilters(filter), by, page, read: readPayment })
  }

  receipts(filter: ReceiptFilter, page: PageRequest): Promise<Page<Receipt>> {
    const by = isInTime(filter) ? 'at' : undefined
    return readPage(this.#store, { table: 'receipts', where: receiptFilters(filter), by, page, read: readReceipt })
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

  /** Atomic units that payments of this wallet may still take of this token; a voucher takes what was deposited. */
  async heldBy({ network, token, payer }: { readonly network: string; readonly token: string; readonly payer: string }): Promise<bigint> {
    const where: Filter[] = [
      { columns: ['state'], is: '=', values: ['reserved', 'signed', 'sent', 'unknown'] },
      ...equal('network', network),
      { columns: ['payer'], is: 'like', values: [payer] },
      { columns: ['asset_address'], is: 'like', values: [token] },
    ]
    const rows = await this.#store.select({ table: 'payments', where })
    return rows.filter((row) => !isVoucherRow(row)).reduce((sum, row) => sum + BigInt(text(row, 'amount_atomic')), 0n)
  }

  /** As `heldBy`, of what is paid by permits alone. */
  async permitsHeldBy({
    network,
    token,
    payer,
  }: {
    readonly network: string
    readonly token: string
    readonly payer: string
  }): Promise<bigint> {
    const where: Filter[] = [
      { columns: ['state'], is: '=', values: ['reserved', 'signed', 'sent', 'unknown'] },
      ...equal('network', network),
      { columns: ['payer'], is: 'like', values: [payer] },
      { columns: ['asset_address'], is: 'like', values: [token] },
    ]
    const rows = await this.#store.select({ table: 'payments', where })
    const permits = rows.filter((row) => text(row, 'scheme').endsWith('/permit2'))
    return permits.reduce((sum, row) => sum + BigInt(text(row, 'amount_atomic')), 0n)
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
}

interface PageQuery<T> {
  readonly table: TableName
  readonly where: readonly Filter[]
  /** The column by which the newest come first; without one in the order of writing. */
  readonly by?: 'at' | 'decided_at' | undefined
  readonly page: PageRequest
  readonly read: (row: Row) => T
}

/** Newest first. @throws PurserError `request_invalid` for a cursor or a limit that is none. */
export async function readPage<T>(store: Reading, { table, where, by, page, read }: PageQuery<T>): Promise<Page<T>> {
  const limit = limitOf(page)
  const order = { by: by === undefined ? (['seq'] as const) : ([by, 'seq'] as const), falling: true } as const
  const rows = await store.select({ table, where: [...where, ...behind(page.cursor, by)], order, limit: limit + 1 })
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown.map(read), next: rows.length > limit && last ? cursorOf(last, by) : null }
}

type By = PageQuery<unknown>['by']

function behind(cursor: string | undefined, by: By): Filter[] {
  if (cursor === undefined) return []
  if (by === undefined) return [{ columns: ['seq'], is: '<', values: [placeAfter(cursor)] }]
  return [{ columns: [by, 'seq'], is: 'before', values: momentAfter(cursor) }]
}

function cursorOf(row: Row, by: By): string {
  const place = money(row, 'seq')
  return by === undefined ? cursorAfter('seq', place.toString()) : cursorAfterMoment(money(row, by), place)
}

/** A span of time is read in the order of time, which has an index. */
function isInTime({ since, until }: { readonly since?: number; readonly until?: number }): boolean {
  return since !== undefined || until !== undefined
}

/** A recipient has a row for each currency; few have more than one. */
const CURRENCIES = 4

export function equal(column: string, value: string | undefined): Filter[] {
  return value === undefined ? [] : [{ columns: [column], is: '=', values: [value] }]
}

export function readReceipt(row: Row): Receipt {
  return parseEntry(text(row, 'body'), text(row, 'hash'))
}

function paymentFilters({
  session,
  agent,
  tool,
  task,
  recipient,
  state,
  tier,
  disputed,
  since,
  until,
  ...context
}: PaymentFilter): Filter[] {
  return [
    ...equal('session_id', session),
    ...equal('agent', agent),
    ...equal('tool', tool),
    ...equal('task', task),
    ...equal('tier', tier),
    ...inContext(context),
    ...(state === undefined ? [] : equal('state', stateOf(state))),
    ...(recipient === undefined ? [] : [paidTo(recipient)]),
    ...(disputed === undefined ? [] : [{ columns: ['dispute'], is: disputed ? 'present' : 'absent', values: [] } as const]),
    ...between('decided_at', since, until),
  ]
}

/** Payments with this in their context. */
function inContext({ onBehalfOf, trace }: Pick<PaymentFilter, 'onBehalfOf' | 'trace'>): Filter[] {
  const holds = (members: object): Filter => ({ columns: ['context'], is: 'holds', values: [JSON.stringify(members)] })
  return [...(trace === undefined ? [] : [holds({ trace })]), ...(onBehalfOf === undefined ? [] : [holds({ onBehalfOf: [onBehalfOf] })])]
}

/** By host or by address, whatever its case. */
function paidTo(recipient: string): Filter {
  return { columns: ['pay_to', 'host'], is: 'like', values: [recipient] }
}

function receiptFilters({ session, payment, agent, kind, tool, tier, recipient, since, until, ...context }: ReceiptFilter): Filter[] {
  const named = [...equal('tool', tool), ...equal('tier', tier), ...inContext(context)]
  const paid = [...named, ...(recipient === undefined ? [] : [paidTo(recipient)])]
  return [
    ...paid.map((filter) => ({ ...filter, ofPayment: true as const })),
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
