/** The payments' table: one row for each attempt, from reservation or refusal to its end. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { refused } from '../errors.ts'
import type { Authorization, Settlement } from '../rails/rail.ts'
import type { Delivery } from '../session/exchange.ts'
import type { Transaction } from './batch.ts'
import type { Attempt, Page, PageRequest, Payment, PaymentFilter, PaymentState, ReserveRequest, VoidProof } from './ledger.ts'
import { type Condition, equal, readPage } from './pages.ts'
import { type Charges, deniedColumns, type PaymentRecord, readPayment, readRecord, reservedColumns, STATES } from './payment-row.ts'
import { int, type Row, text, toJson } from './rows.ts'

export class Payments {
  readonly #db: DatabaseSync
  readonly #sql: ReturnType<typeof prepare>
  readonly #runId: string

  constructor(db: DatabaseSync, runId: string) {
    this.#db = db
    this.#sql = prepare(db)
    this.#runId = runId
  }

  reserve(tx: Transaction, request: ReserveRequest, charges: Charges): void {
    this.#insert(reservedColumns(request, { runId: this.#runId, charges, now: tx.now }))
  }

  deny(_tx: Transaction, attempt: Attempt, denial: { readonly id: string; readonly code: string }): void {
    this.#insert(deniedColumns(attempt, { ...denial, runId: this.#runId }))
  }

  /** One more identical refusal. */
  countAgain(_tx: Transaction, id: string): void {
    this.#sql.countAgain.run(id)
  }

  /** reserved → signed by compare-and-set on state and run; undefined where that does not hold any more. */
  sign(tx: Transaction, id: string, { headers, signature, validBefore_s }: Authorization): PaymentRecord | undefined {
    const row = this.#sql.sign.get(toJson(headers), signature, validBefore_s, tx.now, id, this.#runId)
    return row && readRecord(row)
  }

  markSent(tx: Transaction, id: string): void {
    this.#sql.send.run(tx.now, id)
  }

  settle(tx: Transaction, id: string, { transaction, reason }: Settlement): PaymentRecord {
    return changed(id, this.#sql.settle.get(transaction ?? null, reason, tx.now, id))
  }

  /** Better evidence for what is settled already. */
  amendSettlement(_tx: Transaction, id: string, { transaction, reason }: Settlement): PaymentRecord {
    return changed(id, this.#sql.amend.get(transaction ?? null, reason, id))
  }

  /** Ends its purchase too. */
  void(
    tx: Transaction,
    id: string,
    { reason, code }: Pick<VoidProof, 'reason'> & { readonly code: VoidProof['code'] | null },
  ): PaymentRecord {
    return changed(id, this.#sql.void.get(reason, code, tx.now, id))
  }

  leaveUnknown(tx: Transaction, id: string, reason: string): PaymentRecord {
    return changed(id, this.#sql.unknown.get(reason, tx.now, id))
  }

  /** `delivered` ends an unkeyed purchase; a keyed one stays to be joined, and nobody works on it any more. */
  deliver(tx: Transaction, id: string, { delivery, delivered }: { delivery: Delivery; delivered: boolean }): PaymentRecord {
    return changed(id, (delivered ? this.#sql.deliver : this.#sql.answer).get(toJson(delivery), tx.now, id))
  }

  find(id: string): PaymentRecord | undefined {
    const row = this.#sql.byId.get(id)
    return row && readRecord(row)
  }

  /** @throws Error where there is none: whoever asks holds a reservation. */
  get(id: string): PaymentRecord {
    const record = this.find(id)
    if (!record) throw new Error(`payment ${id} has no row`)
    return record
  }

  page(filter: PaymentFilter, page: PageRequest): Page<Payment> {
    return readPage({ db: this.#db, table: tableFor(filter), where: conditionsOf(filter), page, read: readPayment })
  }

  /** Payments of this task that are settled or may be. */
  countInTask(sessionId: string, task: string): number {
    const row: Row | undefined = this.#sql.inTask.get(sessionId, task)
    return row ? int(row, 'payments') : 0
  }

  /** Reserved, signed and sent payments of runs that have ended, oldest first. */
  ofEndedRuns(): PaymentRecord[] {
    return this.#sql.ofEndedRuns.all(this.#runId).map(readRecord)
  }

  /** Reserved payments of a session that were never signed and that nobody works on. */
  abandoned(sessionId: string): string[] {
    return this.#sql.abandoned.all(sessionId).map((row: Row) => text(row, 'id'))
  }

  /** By place: binding so many by name costs as much as the insert. */
  #insert(columns: Record<string, SQLInputValue>): void {
    this.#sql.insert.run(...COLUMNS.map((name) => columns[name] ?? null))
  }
}

function conditionsOf(filter: PaymentFilter): Condition[] {
  const { session, agent, tool, task, recipient, state, tier, since, until } = filter
  return [
    ...equal('session_id', session),
    ...equal('agent', agent),
    ...equal('tool', tool),
    ...equal('task', task),
    ...equal('tier', tier),
    ...(recipient === undefined ? [] : [{ sql: 'pay_to = ? COLLATE NOCASE OR host = ? COLLATE NOCASE', values: [recipient, recipient] }]),
    ...(state === undefined ? [] : [{ sql: stateCondition(state), values: [] }]),
    ...(since === undefined ? [] : [{ sql: 'decided_at >= ?', values: [since] }]),
    ...(until === undefined ? [] : [{ sql: 'decided_at < ?', values: [until] }]),
  ]
}

/** The few unresolved payments have an index that the planner does not take by itself. */
function tableFor({ state }: PaymentFilter): 'payments' | 'payments INDEXED BY payments_unresolved' {
  return state !== undefined && isUnresolved(state) ? 'payments INDEXED BY payments_unresolved' : 'payments'
}

function stateCondition(state: PaymentState): string {
  const known = STATES.find((one) => one === state)
  if (known === undefined) throw refused('request_invalid', `There is no state of that name; there are ${STATES.join(', ')}.`)
  return isUnresolved(known) ? `${UNRESOLVED} AND state = '${known}'` : `state = '${known}'`
}

function isUnresolved(state: PaymentState): boolean {
  return UNRESOLVED.includes(`'${state}'`)
}

/** To the letter the condition of the index over unresolved payments: SQLite takes the index only then. */
const UNRESOLVED = `state IN ('reserved', 'signed', 'sent', 'unknown')`

function changed(id: string, row: Row | undefined): PaymentRecord {
  if (!row) throw new Error(`payment ${id} has no row`)
  return readRecord(row)
}

const COLUMNS = (
  'id run_id purchase_id fingerprint key_digest purchase_open holder holder_run lease_until state code nonce charges ' +
  'reserved_at session_id agent request_id method url origin host challenge_digest tool task user justification tier rule ' +
  'reason policy_version would_be categories trust challenged_at decided_at rail protocol_version scheme network ' +
  'asset_symbol asset_address asset_decimals amount_atomic amount currency pay_to payer flow'
).split(' ')

function prepare(db: DatabaseSync) {
  return {
    insert: db.prepare(`INSERT INTO payments (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`),
    countAgain: db.prepare('UPDATE payments SET count = count + 1 WHERE id = ?'),
    sign: db.prepare(`
      UPDATE payments SET state = 'signed', headers = ?, signature = ?, valid_before = ?, signed_at = ?
      WHERE id = ? AND state = 'reserved' AND run_id = ? RETURNING *`),
    send: db.prepare(`
      UPDATE payments SET state = CASE state WHEN 'signed' THEN 'sent' ELSE state END, sent_at = coalesce(sent_at, ?)
      WHERE id = ? AND signed_at IS NOT NULL`),
    settle: db.prepare(`
      UPDATE payments SET state = 'settled', tx = ?, settlement = ?, code = NULL, concluded_at = ?, concluded = 1 WHERE id = ?
      RETURNING *`),
    amend: db.prepare('UPDATE payments SET tx = ?, settlement = ? WHERE id = ? RETURNING *'),
    void: db.prepare(`
      UPDATE payments SET state = 'void', settlement = ?, code = ?, concluded_at = ?, concluded = 1, headers = NULL,
        purchase_open = 0, holder = 'none' WHERE id = ? RETURNING *`),
    unknown: db.prepare(`UPDATE payments SET state = 'unknown', settlement = ?, concluded_at = ?, concluded = 1 WHERE id = ? RETURNING *`),
    answer: db.prepare('UPDATE payments SET delivery = ?, delivered_at = ? WHERE id = ? RETURNING *'),
    deliver: db.prepare(`
      UPDATE payments SET delivery = ?, delivered = 1, delivered_at = ?, purchase_open = (key_digest IS NOT NULL), holder = 'none'
      WHERE id = ? RETURNING *`),
    byId: db.prepare('SELECT * FROM payments WHERE id = ?'),
    inTask: db.prepare(`
      SELECT count(*) AS payments FROM payments
      WHERE session_id = ? AND task = ? AND state IN ('signed', 'sent', 'unknown', 'settled', 'expired')`),
    ofEndedRuns: db.prepare(`
      SELECT * FROM payments INDEXED BY payments_unresolved
      WHERE ${UNRESOLVED} AND state <> 'unknown' AND run_id <> ? ORDER BY seq`),
    abandoned: db.prepare(`
      SELECT id FROM payments INDEXED BY payments_unresolved
      WHERE ${UNRESOLVED} AND state = 'reserved' AND session_id = ? AND holder = 'none'`),
  }
}
