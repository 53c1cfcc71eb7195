/** The journal of funded sessions, in the file. */
import type { DatabaseSync } from 'node:sqlite'
import { plannedColumns, progressColumns, readAccount, readFunding } from '../funding-row.ts'
import type { FundedAccount, Funding, FundingProgress, FundingState, FundingStore, PlannedFunding } from '../fundings.ts'
import type { Row } from '../rows.ts'
import type { Batch } from './batch.ts'

export interface SqliteFundingsOptions {
  readonly db: DatabaseSync
  readonly batch: Pick<Batch, 'read' | 'write'>
}

export class SqliteFundings implements FundingStore {
  readonly #batch: SqliteFundingsOptions['batch']
  readonly #sql: ReturnType<typeof prepare>

  constructor({ db, batch }: SqliteFundingsOptions) {
    this.#batch = batch
    this.#sql = prepare(db)
  }

  open({ sessionId, address }: Pick<FundedAccount, 'sessionId' | 'address'>, now: number): Promise<void> {
    return this.#durably(() => void this.#sql.open.run(sessionId, address.toLowerCase(), now))
  }

  wish(sessionId: string, now: number): Promise<void> {
    return this.#durably(() => void this.#sql.wish.run(now, sessionId))
  }

  claim({ now, until, limit }: Parameters<FundingStore['claim']>[0]): Promise<readonly FundedAccount[]> {
    return this.#durably(() => this.#sql.due.all(now, now, limit).flatMap((row) => this.#lease(readAccount(row), until)))
  }

  release({ sessionId, wishes }: FundedAccount, { dueAt, endedAt }: Parameters<FundingStore['release']>[1]): Promise<void> {
    return this.#durably(() => void this.#sql.release.run(endedAt, wishes, dueAt, sessionId))
  }

  async account(sessionId: string): Promise<FundedAccount | undefined> {
    const row: Row | undefined = this.#batch.read(() => this.#sql.account.get(sessionId))
    return row && readAccount(row)
  }

  async accountAt(address: string): Promise<FundedAccount | undefined> {
    const row: Row | undefined = this.#batch.read(() => this.#sql.at.get(address.toLowerCase()))
    return row && readAccount(row)
  }

  async fundings(sessionId: string): Promise<readonly Funding[]> {
    return this.#batch.read(() => this.#sql.of.all(sessionId).map(readFunding))
  }

  plan(funding: PlannedFunding): Promise<boolean> {
    return this.#durably(() => Number(this.#sql.plan.run(plannedColumns(funding)).changes) === 1)
  }

  advance({ sessionId, number }: Pick<Funding, 'sessionId' | 'number'>, from: FundingState, progress: FundingProgress): Promise<boolean> {
    const columns = { ...progressColumns(progress), session_id: sessionId, number, before: from }
    return this.#durably(() => Number(this.#sql.advance.run(columns).changes) === 1)
  }

  #lease(account: FundedAccount, until: number): FundedAccount[] {
    this.#sql.lease.run(until, account.sessionId)
    return [{ ...account, leasedUntil: until }]
  }

  async #durably<T>(operation: () => T): Promise<T> {
    const { value, durable } = this.#batch.write(operation)
    await durable
    return value
  }
}

function prepare(db: DatabaseSync) {
  return {
    open: db.prepare(`
      INSERT INTO funded_accounts (session_id, address, due_at, leased_until, wishes) VALUES (?, ?, ?, 0, 0)
      ON CONFLICT (session_id) DO UPDATE SET due_at = excluded.due_at, wishes = wishes + 1`),
    wish: db.prepare('UPDATE funded_accounts SET due_at = ?, wishes = wishes + 1 WHERE session_id = ?'),
    due: db.prepare('SELECT * FROM funded_accounts WHERE due_at <= ? AND leased_until <= ? ORDER BY due_at LIMIT ?'),
    lease: db.prepare('UPDATE funded_accounts SET leased_until = ? WHERE session_id = ?'),
    release: db.prepare(`
      UPDATE funded_accounts SET leased_until = 0, ended_at = ?, due_at = CASE WHEN wishes = ? THEN ? ELSE due_at END
      WHERE session_id = ?`),
    account: db.prepare('SELECT * FROM funded_accounts WHERE session_id = ?'),
    at: db.prepare('SELECT * FROM funded_accounts WHERE address = ?'),
    of: db.prepare('SELECT * FROM fundings WHERE session_id = ? ORDER BY number'),
    plan: db.prepare(`
      INSERT INTO fundings (session_id, number, kind, network, token, payer, pay_to, amount_atomic, nonce, planned_at, state)
      VALUES (:session_id, :number, :kind, :network, :token, :payer, :pay_to, :amount_atomic, :nonce, :planned_at, :state)
      ON CONFLICT (session_id, number) DO NOTHING`),
    advance: db.prepare(`
      UPDATE fundings SET state = :state, signed_at_s = :signed_at_s, valid_before_s = :valid_before_s, tx = :tx,
        sent_at = :sent_at, ended_at = :ended_at, reason = :reason
      WHERE session_id = :session_id AND number = :number AND state = :before`),
  }
}
