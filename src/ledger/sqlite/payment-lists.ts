/** Lists of payments: what operators look through, and what recovery and reconciliation have to look into. */
import type { DatabaseSync } from 'node:sqlite'
import { refused } from '../../errors.ts'
import { MAX_PAGE, PROOF_LEASE_MS } from '../../limits.ts'
import type { Page, PageRequest, Payment, PaymentFilter, PaymentState } from '../ledger.ts'
import { readPayment, STATES } from '../payment-row.ts'
import { int, type Row, text } from '../rows.ts'
import type { Transaction } from '../tables.ts'
import { type Condition, equal, type PageTable, readPage } from './pages.ts'

/** To the letter the conditions of the partial indexes: SQLite takes an index only then. */
export const UNRESOLVED = `state IN ('reserved', 'signed', 'sent', 'unknown')`
const RARE = `state IN ('denied', 'void', 'expired')`
const OWED = `state = 'settled' AND delivered = 0 AND dispute IS NULL`
/** What came back whole is owed no more. */
const REPAID = 'refunded >= CAST(amount AS INTEGER)'

export class PaymentLists {
  readonly #db: DatabaseSync
  readonly #sql: ReturnType<typeof prepare>
  readonly #runId: string

  constructor(db: DatabaseSync, runId: string) {
    this.#db = db
    this.#sql = prepare(db)
    this.#runId = runId
  }

  page(filter: PaymentFilter, page: PageRequest): Page<Payment> {
    const { recipient } = filter
    const either = recipient === undefined ? [] : [named('pay_to', recipient), named('host', recipient)]
    return readPage({ db: this.#db, table: tableFor(filter), where: conditionsOf(filter), either, page, read: readPayment })
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

  /** Claims what is due, oldest first, for this run and `PROOF_LEASE_MS`. */
  claim(tx: Transaction, { networks, limit }: { readonly networks: readonly string[]; readonly limit: number }): Payment[] {
    const due = [
      ...this.#sql.dueUnknown.all(tx.now, tx.now, this.#runId, limit),
      ...networks.flatMap((network) => this.#sql.dueOn.all(network, tx.now, tx.now, this.#runId, limit)),
    ]
    const ids = due.sort((a, b) => int(a, 'check_at') - int(b, 'check_at') || int(a, 'seq') - int(b, 'seq')).slice(0, limit)
    return ids.flatMap((row) => this.#sql.claim.all(this.#runId, tx.now + PROOF_LEASE_MS, text(row, 'id'))).map(readPayment)
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
    ...(state === undefined ? [] : [{ sql: stateCondition(state), values: [] }]),
    ...(disputed === true ? [{ sql: 'dispute IS NOT NULL', values: [] }] : []),
    ...(disputed === false ? [{ sql: 'dispute IS NULL', values: [] }] : []),
    ...(since === undefined ? [] : [{ sql: 'decided_at >= ?', values: [since] }]),
    ...(until === undefined ? [] : [{ sql: 'decided_at < ?', values: [until] }]),
  ]
}

function named(column: 'pay_to' | 'host', recipient: string): Condition {
  return { sql: `${column} = ? COLLATE NOCASE`, values: [recipient] }
}

/** The planner knows no numbers: it is told which conditions few payments meet. */
function tableFor({ state, disputed, session, task }: PaymentFilter): PageTable {
  if (state !== undefined && isUnresolved(state)) return 'payments INDEXED BY payments_unresolved'
  if (disputed === true) return 'payments INDEXED BY payments_disputed'
  if (session === undefined) return 'payments'
  return task === undefined ? 'payments INDEXED BY payments_session' : 'payments INDEXED BY payments_session_task'
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
    dueUnknown: db.prepare(`
      SELECT id, seq, check_at FROM payments INDEXED BY payments_unresolved
      WHERE ${UNRESOLVED} AND state = 'unknown' AND ${CLAIMABLE} ORDER BY check_at, seq LIMIT ?`),
    dueOn: db.prepare(`
      SELECT id, seq, check_at FROM payments INDEXED BY payments_unproven
      WHERE network = ? AND check_at IS NOT NULL AND ${CLAIMABLE} AND state IN ('settled', 'expired') ORDER BY check_at LIMIT ?`),
    claim: db.prepare('UPDATE payments SET resolver_run = ?, resolver_until = ? WHERE id = ? RETURNING *'),
  }
}
