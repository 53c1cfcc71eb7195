/** How far receivers were told of the receipts, in the file. One process writes it, in order: what is there is settled. */
import type { DatabaseSync } from 'node:sqlite'
import { int, money, type Row, text } from '../rows.ts'
import { type PlacedReceipt, type Telling, type ToldStore, toldKey } from '../told.ts'
import type { SqliteApprovals } from './approvals.ts'
import type { Batch } from './batch.ts'
import { readReceipt } from './receipts.ts'

export interface SqliteToldOptions {
  readonly db: DatabaseSync
  readonly batch: Pick<Batch, 'read' | 'write'>
  readonly approvals: Pick<SqliteApprovals, 'queueWith'>
}

export class SqliteTold implements ToldStore {
  readonly #batch: SqliteToldOptions['batch']
  readonly #approvals: SqliteToldOptions['approvals']
  readonly #sql: ReturnType<typeof prepare>

  constructor({ db, batch, approvals }: SqliteToldOptions) {
    this.#batch = batch
    this.#approvals = approvals
    this.#sql = prepare(db)
  }

  async settledPlace(): Promise<bigint> {
    const row: Row | undefined = this.#batch.read(() => this.#sql.newest.get())
    return row ? money(row, 'seq') : 0n
  }

  async receiptsBetween({ after, upTo, limit }: Parameters<ToldStore['receiptsBetween']>[0]): Promise<readonly PlacedReceipt[]> {
    const rows: Row[] = this.#batch.read(() => this.#sql.between.all(after, upTo, limit))
    return rows.map((row) => ({ place: money(row, 'seq'), receipt: readReceipt(row) }))
  }

  async toldUpTo(receiver: string): Promise<bigint | undefined> {
    return this.#batch.read(() => this.#place(receiver))
  }

  async waitingFor(target: string): Promise<number> {
    const row: Row | undefined = this.#batch.read(() => this.#sql.waiting.get(target))
    return row ? int(row, 'count') : 0
  }

  async tell({ receiver, from, to, notices }: Telling): Promise<boolean> {
    const { value, durable } = this.#batch.write((tx) => {
      if (this.#place(receiver) !== from) return false
      this.#approvals.queueWith(tx, notices)
      this.#sql.put.run(toldKey(receiver), to.toString())
      return true
    })
    await durable
    return value
  }

  #place(receiver: string): bigint | undefined {
    const row: Row | undefined = this.#sql.find.get(toldKey(receiver))
    return row && BigInt(text(row, 'value'))
  }
}

function prepare(db: DatabaseSync) {
  return {
    newest: db.prepare('SELECT coalesce(max(seq), 0) AS seq FROM receipts'),
    between: db.prepare('SELECT seq, body, hash FROM receipts WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?'),
    waiting: db.prepare(`SELECT count(*) AS count FROM notices WHERE state = 'waiting' AND target = ?`),
    find: db.prepare('SELECT value FROM meta WHERE key = ?'),
    put: db.prepare('INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value'),
  }
}
