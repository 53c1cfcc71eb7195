/** The payments' table: one row for each attempt, from reservation or refusal to its end. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Authorization, Settlement } from '../../rails/rail.ts'
import type { Delivery } from '../../session/exchange.ts'
import type { Dispute } from '../findings.ts'
import type { Attempt, ReserveRequest } from '../ledger.ts'
import { type Charges, deniedColumns, type Facts, type PaymentRecord, readFacts, readRecord, reservedColumns } from '../payment-row.ts'
import { flag, type Row, text, toJson } from '../rows.ts'
import type { Confirmation, PaymentTable, Transaction, UnknownGrounds, VoidGrounds } from '../tables.ts'
import { UNRESOLVED } from './payment-lists.ts'

export class Payments implements PaymentTable {
  readonly #sql: ReturnType<typeof prepare>
  readonly #runId: string

  constructor(db: DatabaseSync, runId: string) {
    this.#sql = prepare(db)
    this.#runId = runId
  }

  reserve(tx: Transaction, request: ReserveRequest, charges: Charges): void {
    this.#insert(reservedColumns(request, { runId: this.#runId, charges, now: tx.now }))
  }

  deny(_tx: Transaction, attempt: Attempt, denial: { readonly id: string; readonly code: string }): void {
    this.#insert(deniedColumns(attempt, { ...denial, runId: this.#runId }))
  }

  countAgain(_tx: Transaction, id: string): void {
    this.#sql.countAgain.run(id)
  }

  sign(tx: Transaction, id: string, { headers, signature, validBefore_s }: Authorization): PaymentRecord | undefined {
    const row = this.#sql.sign.get(toJson(headers), signature, validBefore_s, tx.now, id, this.#runId)
    return row && readRecord(row)
  }

  markSent(tx: Transaction, id: string): Facts | undefined {
    const row: Row | undefined = this.#sql.send.get(tx.now, id)
    if (row) return readFacts(row)
    this.#sql.sendAgain.run(tx.now, id)
    return undefined
  }

  settleFresh(tx: Transaction, id: string, { transaction, reason }: Settlement): PaymentRecord | undefined {
    const row = this.#sql.settleFresh.get(transaction ?? null, reason, tx.now, tx.now, id)
    return row && readRecord(row)
  }

  settle(tx: Transaction, id: string, { transaction, reason }: Settlement): PaymentRecord {
    return changed(id, this.#sql.settle.get(transaction ?? null, reason, tx.now, tx.now, id))
  }

  amendSettlement(_tx: Transaction, id: string, { transaction, reason }: Settlement): PaymentRecord {
    return changed(id, this.#sql.amend.get(transaction ?? null, reason, id))
  }

  void(tx: Transaction, id: string, { reason, code, evidence, block }: VoidGrounds): PaymentRecord {
    return changed(id, this.#sql.void.get(reason, code, evidence, digits(block), tx.now, id))
  }

  leaveUnknown(tx: Transaction, id: string, { reason, denied }: UnknownGrounds): PaymentRecord {
    return changed(id, this.#sql.unknown.get(reason, denied ? 1 : 0, tx.now, tx.now, id))
  }

  confirm(tx: Transaction, id: string, { evidence, transaction, block, reason }: Confirmation): PaymentRecord {
    return changed(id, this.#sql.confirm.get(transaction, reason, evidence, digits(block), tx.now, id))
  }

  expire(tx: Transaction, id: string, reason: string): PaymentRecord {
    return changed(id, this.#sql.expire.get(reason, tx.now, tx.now, id))
  }

  dispute(_tx: Transaction, id: string, dispute: Dispute | null): PaymentRecord {
    return changed(id, this.#sql.dispute.get(dispute, id))
  }

  refund(_tx: Transaction, id: string, amount: bigint): PaymentRecord {
    return changed(id, this.#sql.refund.get(amount, id))
  }

  putOff(_tx: Transaction, id: string, until: number): void {
    this.#sql.putOff.run(until, id)
  }

  reopen(tx: Transaction, id: string): PaymentRecord {
    return changed(id, this.#sql.reopen.get(tx.now, id))
  }

  deliverOnce(tx: Transaction, id: string, { delivery, delivered }: { delivery: Delivery; delivered: boolean }): PaymentRecord | undefined {
    const row = (delivered ? this.#sql.deliver : this.#sql.answer).get(toJson(delivery), tx.now, id)
    return row && readRecord(row)
  }

  find(id: string): PaymentRecord | undefined {
    const row = this.#sql.byId.get(id)
    return row && readRecord(row)
  }

  get(id: string): PaymentRecord {
    const record = this.find(id)
    if (!record) throw new Error(`payment ${id} has no row`)
    return record
  }

  unsigned(sessionId: string): string[] {
    return this.#sql.unsigned.all(sessionId).map((row: Row) => text(row, 'id'))
  }

  owed(id: string): boolean {
    const row: Row | undefined = this.#sql.owed.get(id)
    return row !== undefined && flag(row, 'owed')
  }

  /** By place: binding so many by name costs as much as the insert. */
  #insert(columns: Record<string, SQLInputValue>): void {
    this.#sql.insert.run(...COLUMNS.map((name) => columns[name] ?? null))
  }
}

function changed(id: string, row: Row | undefined): PaymentRecord {
  if (!row) throw new Error(`payment ${id} has no row`)
  return readRecord(row)
}

function digits(block: bigint | null): string | null {
  return block === null ? null : block.toString()
}

/** Whatever changes what is known of a payment takes the claim of whoever looks into it away. */
const UNCLAIMED = 'resolver_run = NULL, resolver_until = NULL'

const SETTLE = `
  UPDATE payments SET state = 'settled', evidence = 'claimed', tx = ?, settlement = ?, code = NULL, concluded_at = ?,
    concluded = 1, check_at = ?, ${UNCLAIMED}`
const UNDELIVERED = `delivered = 0 AND signed_at IS NOT NULL AND state <> 'void'`

const COLUMNS = (
  'id run_id purchase_id fingerprint key_digest purchase_open holder holder_run lease_until state code nonce charges ' +
  'reserved_at session_id agent request_id method url origin host challenge_digest tool task user justification tier rule ' +
  'reason policy_version would_be context categories trust challenged_at decided_at rail protocol_version scheme network ' +
  'asset_symbol asset_address asset_decimals amount_atomic amount currency pay_to payer flow price_key'
).split(' ')

function prepare(db: DatabaseSync) {
  return {
    insert: db.prepare(`INSERT INTO payments (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`),
    countAgain: db.prepare('UPDATE payments SET count = count + 1 WHERE id = ?'),
    sign: db.prepare(`
      UPDATE payments SET state = 'signed', headers = ?, signature = ?, valid_before = ?, signed_at = ?
      WHERE id = ? AND state = 'reserved' AND run_id = ? RETURNING *`),
    send: db.prepare(`
      UPDATE payments SET state = 'sent', sent_at = coalesce(sent_at, ?) WHERE id = ? AND state = 'signed'
      RETURNING id, tier, network, scheme, amount, currency`),
    sendAgain: db.prepare('UPDATE payments SET sent_at = ? WHERE id = ? AND signed_at IS NOT NULL AND sent_at IS NULL'),
    settleFresh: db.prepare(`${SETTLE} WHERE id = ? AND state IN ('signed', 'sent') RETURNING *`),
    settle: db.prepare(`${SETTLE} WHERE id = ? RETURNING *`),
    amend: db.prepare('UPDATE payments SET tx = ?, settlement = ? WHERE id = ? RETURNING *'),
    void: db.prepare(`
      UPDATE payments SET state = 'void', settlement = ?, code = ?, evidence = ?, block = ?, concluded_at = ?, concluded = 1,
        headers = NULL, purchase_open = 0, holder = 'none', check_at = NULL, ${UNCLAIMED} WHERE id = ? RETURNING *`),
    unknown: db.prepare(`
      UPDATE payments SET state = 'unknown', settlement = ?, denied = ?, concluded_at = ?, concluded = 1, check_at = ?,
        ${UNCLAIMED} WHERE id = ? RETURNING *`),
    confirm: db.prepare(`
      UPDATE payments SET tx = coalesce(?, tx), settlement = ?, evidence = ?, block = ?, code = NULL,
        concluded_at = CASE state WHEN 'settled' THEN concluded_at ELSE ? END, state = 'settled', concluded = 1,
        check_at = NULL, ${UNCLAIMED} WHERE id = ? RETURNING *`),
    expire: db.prepare(`
      UPDATE payments SET state = 'expired', settlement = ?, concluded_at = ?, concluded = 1, check_at = ?, ${UNCLAIMED}
      WHERE id = ? RETURNING *`),
    dispute: db.prepare('UPDATE payments SET dispute = ? WHERE id = ? RETURNING *'),
    refund: db.prepare('UPDATE payments SET refunded = refunded + ? WHERE id = ? RETURNING *'),
    putOff: db.prepare(`UPDATE payments SET check_at = ?, ${UNCLAIMED} WHERE id = ? AND check_at IS NOT NULL`),
    reopen: db.prepare(`
      UPDATE payments SET delivered = 0, delivered_at = NULL, delivery = json_set(delivery, '$.complete', json('false')),
        reopened_at = ?, holder = 'none', purchase_open = iif(key_digest IS NULL, 1, purchase_open) WHERE id = ? RETURNING *`),
    answer: db.prepare(`UPDATE payments SET delivery = ?, delivered_at = ? WHERE id = ? AND ${UNDELIVERED} RETURNING *`),
    deliver: db.prepare(`
      UPDATE payments SET delivery = ?, delivered = 1, delivered_at = ?, purchase_open = (key_digest IS NOT NULL), holder = 'none'
      WHERE id = ? AND ${UNDELIVERED} RETURNING *`),
    byId: db.prepare('SELECT * FROM payments WHERE id = ?'),
    unsigned: db.prepare(`
      SELECT id FROM payments INDEXED BY payments_unresolved WHERE ${UNRESOLVED} AND state = 'reserved' AND session_id = ?`),
    owed: db.prepare(`
      SELECT state = 'settled' AND delivered = 0 AND dispute IS NULL AND refunded < CAST(amount AS INTEGER) AS owed
      FROM payments WHERE id = ?`),
  }
}
