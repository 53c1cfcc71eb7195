/** Lists of payments: what operators look through, and what recovery and reconciliation have to look into. */
import type { DatabaseSync } from 'node:sqlite'
import { refused } from '../../errors.ts'
import { MAX_PAGE, PROOF_LEASE_MS } from '../../limits.ts'
import { IS_VOUCHER } from '../charges.ts'
import type { Page, PageRequest, Payment, PaymentFilter, PaymentState } from '../ledger.ts'
import { readPayment, STATES } from '../payment-row.ts'
import { int, type Row, text } from '../rows.ts'
import type { Transaction } from '../tables.ts'
import { type Condition, equal, firstRare, type Indexed, inContext, readPage, traced } from './pages.ts'
import type { Payments } from './payments.ts'
import type { Pending } from './pending.ts'

/** To the letter the conditions of the partial indexes: SQLite takes an index only then. */
export const UNRESOLVED = `state IN ('reserved', 'signed', 'sent', 'unknown')`
const RARE = `state IN ('denied', 'void', 'expired')`
const OWED = `state = 'settled' AND delivered = 0 AND dispute IS NULL`
/** What came back whole is owed no more. */
const REPAID = 'refunded >= CAST(amount AS INTEGER)'

export interface PaymentListsOptions {
  readonly db: DatabaseSync
  readonly runId: string
  readonly pending: Pick<Pending, 'write'>
  readonly payments: Pick<Payments, 'claimProof'>
}

/** What is pending is not in them: it is written before they are asked for. */
export class PaymentLists {
  readonly #db: DatabaseSync
  readonly #sql: ReturnType<typeof prepare>
  readonly #runId: string
  readonly #pending: Pick<Pending, 'write'>
  readonly #payments: Pick<Payments, 'claimProof'>

  constructor({ db, runId, pending, payments }: PaymentListsOptions) {
    this.#db = db
    this.#sql = prepare(db)
    this.#runId = runId
    this.#pending = pending
    this.#payments = payments
  }

  page(filter: PaymentFilter, page: PageRequest): Page<Payment> {
    const { recipient, since, until } = filter
    const by = since === undefined && until === undefined ? undefined : 'decided_at'
    const either = recipient === undefined ? [] : paidTo(recipient)
    const index = by === undefined ? indexFor(filter) : this.#indexInTime(filter)
    return readPage({ db: this.#db, table: 'payments', index, where: conditionsOf(filter), either, by, page, read: readPayment })
  }

  /** Leads to few payments, or to all of them in the order of time. Undefined where each recipient's index leads to few. */
  #indexInTime(filter: PaymentFilter): Indexed['index'] | undefined {
    const { session, ...rest } = filter
    const few = indexFor(rest)
    if (few) return few
    const own: Indexed[][] = session === undefined ? [] : [[{ index: 'payments_session', sql: 'session_id = ?', values: [session] }]]
    const rare = [...own, ...waysTo(filter)].find((ways) => ways.every((way) => firstRare(this.#db, 'payments', [way])))
    return rare === undefined ? 'payments_decided' : rare.length === 1 ? rare[0]?.index : undefined
  }

  /** As `heldBy`, of what is paid by permits alone. */
  permitsHeldBy({ network, token, payer }: { readonly network: string; readonly token: string; readonly payer: string }): bigint {
    const rows: Row[] = this.#sql.permitsHeldBy.all(payer, network, token)
    return rows.reduce((sum, row) => sum + BigInt(text(row, 'amount_atomic')), 0n)
  }

  /** Payments of this task that are settled or may be. */
  countInTask(sessionId: string, task: string): number {
    const row: Row | undefined = this.#sql.inTask.get(sessionId, task)
    return row ? int(row, 'payments') : 0
  }

  /** Ids of what nobody works on any more and recovery has to look at, oldest first. */
  unattended(now: number): string[] {
    return [...this.#sql.unattended.all(this.#runId, now), ...this.#sql.owed.all(this.#runId, now)].map((row: Row) => text(row, 'id'))
  }

  /** The settled payments to this recipient in this token, newest first; bounded. */
  settledTo({ network, token, payTo }: { readonly network: string; readonly token: string; readonly payTo: string }): Payment[] {
    return this.#sql.settledTo.all(payTo, network, token, MAX_PAGE).map(readPayment)
  }

  /** Atomic units that payments of this wallet may still take of this token; a voucher takes what was deposited. */
  heldBy({ network, token, payer }: { readonly network: string; readonly token: string; readonly payer: string }): bigint {
    const rows: Row[] = this.#sql.heldBy.all(payer, network, token)
    return rows.reduce((sum, row) => sum + BigInt(text(row, 'amount_atomic')), 0n)
  }

  /** Claims what is due, oldest first, for this run and `PROOF_LEASE_MS`. */
  claim(tx: Transaction, { networks, limit }: { readonly networks: readonly string[]; readonly limit: number }): Payment[] {
    this.#pending.write()
    const due = [
      ...this.#sql.dueUnknown.all(tx.now, tx.now, this.#runId, limit),
      ...networks.flatMap((network) => this.#sql.dueOn.all(network, tx.now, tx.now, this.#runId, limit)),
    ]
    const ids = due.sort((a, b) => int(a, 'check_at') - int(b, 'check_at') || int(a, 'seq') - int(b, 'seq')).slice(0, limit)
    return ids.map((row) => this.#payments.claimProof(tx, text(row, 'id'), tx.now + PROOF_LEASE_MS).payment)
  }
}

function conditionsOf(filter: PaymentFilter): Condition[] {
  const { session, agent, tool, task, state, tier, disputed, since, until } = filter
  return [
    ...equal('session_id', session),
    ...equal('agent', agent),
    ...equal('tool', tool),
    ...equal('task', task),
    ...equal('tier', tier),
    ...inContext(filter),
    ...(state === undefined ? [] : [{ sql: stateCondition(state), values: [] }]),
    ...(disputed === true ? [{ sql: 'dispute IS NOT NULL', values: [] }] : []),
    ...(disputed === false ? [{ sql: 'dispute IS NULL', values: [] }] : []),
    ...(since === undefined ? [] : [{ sql: 'decided_at >= ?', values: [since] }]),
    ...(until === undefined ? [] : [{ sql: 'decided_at < ?', values: [until] }]),
  ]
}

function paidTo(recipient: string): readonly Indexed[] {
  return [
    { index: 'payments_recipient', sql: 'pay_to = ? COLLATE NOCASE', values: [recipient] },
    { index: 'payments_host', sql: 'host = ? COLLATE NOCASE', values: [recipient] },
  ]
}

type Named = { readonly [Name in 'agent' | 'tool' | 'tier' | 'recipient' | 'trace']?: string | undefined }

/** What of the filter has an index of its own, fewest payments first as a rule; more than one where each of them counts. */
export function waysTo({ trace, tool, recipient, agent, tier }: Named): readonly (readonly Indexed[])[] {
  return [
    ...(trace === undefined ? [] : [[{ index: 'payments_trace' as const, ...traced(trace) }]]),
    ...(tool === undefined ? [] : [[{ index: 'payments_tool' as const, sql: 'tool = ?', values: [tool] }]]),
    ...(recipient === undefined ? [] : [paidTo(recipient)]),
    ...(agent === undefined ? [] : [[{ index: 'payments_agent' as const, sql: 'agent = ?', values: [agent] }]]),
    ...(tier === undefined ? [] : [[{ index: 'payments_tier' as const, sql: 'tier = ?', values: [tier] }]]),
  ]
}

/** The planner knows no numbers: it is told which conditions few payments meet. */
function indexFor({ state, disputed, session, task }: PaymentFilter): Indexed['index'] | undefined {
  if (state !== undefined && isUnresolved(state)) return 'payments_unresolved'
  if (disputed === true) return 'payments_disputed'
  if (session === undefined) return undefined
  return task === undefined ? 'payments_session' : 'payments_session_task'
}

function stateCondition(state: PaymentState): string {
  const known = STATES.find((one) => one === state)
  if (known === undefined) throw refused('request_invalid', `There is no state of that name; there are ${STATES.join(', ')}.`)
  const listed = [UNRESOLVED, RARE].find((states) => states.includes(`'${known}'`))
  return listed === undefined ? `state = '${known}'` : `${listed} AND state = '${known}'`
}

function isUnresolved(state: PaymentState): boolean {
  return UNRESOLVED.includes(`'${state}'`)
}

/** Who holds the purchase is gone, or nobody does. */
const UNATTENDED = `(holder = 'none' OR holder_run IS NOT ? OR lease_until <= ?)`
const CLAIMABLE = 'check_at <= ? AND (resolver_until IS NULL OR resolver_until <= ? OR resolver_run <> ?)'

function prepare(db: DatabaseSync) {
  return {
    permitsHeldBy: db.prepare(`
      SELECT amount_atomic FROM payments INDEXED BY payments_unresolved
      WHERE ${UNRESOLVED} AND scheme LIKE '%/permit2' AND payer = ? COLLATE NOCASE AND network = ? AND asset_address = ? COLLATE NOCASE`),
    inTask: db.prepare(`
      SELECT count(*) AS payments FROM payments
      WHERE session_id = ? AND task = ? AND state IN ('signed', 'sent', 'unknown', 'settled', 'expired')`),
    unattended: db.prepare(`
      SELECT id FROM payments INDEXED BY payments_unresolved
      WHERE ${UNRESOLVED} AND state <> 'unknown' AND ${UNATTENDED} ORDER BY seq`),
    owed: db.prepare(`SELECT id FROM payments INDEXED BY payments_owed WHERE ${OWED} AND NOT ${REPAID} AND ${UNATTENDED} ORDER BY seq`),
    settledTo: db.prepare(`
      SELECT * FROM payments WHERE pay_to = ? COLLATE NOCASE AND state = 'settled' AND network = ?
        AND lower(asset_address) = lower(?) ORDER BY seq DESC LIMIT ?`),
    heldBy: db.prepare(`
      SELECT amount_atomic FROM payments INDEXED BY payments_unresolved
      WHERE ${UNRESOLVED} AND NOT ${IS_VOUCHER} AND payer = ? COLLATE NOCASE AND network = ? AND asset_address = ? COLLATE NOCASE`),
    dueUnknown: db.prepare(`
      SELECT id, seq, check_at FROM payments INDEXED BY payments_unresolved
      WHERE ${UNRESOLVED} AND state = 'unknown' AND ${CLAIMABLE} ORDER BY check_at, seq LIMIT ?`),
    dueOn: db.prepare(`
      SELECT id, seq, check_at FROM payments INDEXED BY payments_unproven
      WHERE network = ? AND check_at IS NOT NULL AND ${CLAIMABLE} AND state IN ('settled', 'expired') ORDER BY check_at LIMIT ?`),
  }
}
