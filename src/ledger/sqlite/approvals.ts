/** Approvals, notices and single-use marks in the file: through its one writer, so that what is told is on the disk. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Approval, ApprovalFilter, ApprovalStore, Notice, NoticeState } from '../../approval/approval.ts'
import { approvalColumns, isOpenQuestion, LIVE_STATES, noticeColumns, readApproval, readNotice } from '../approval-row.ts'
import type { Page, PageRequest } from '../ledger.ts'
import { int, type Row } from '../rows.ts'
import type { Transaction } from '../tables.ts'
import type { Batch } from './batch.ts'
import { equal, readPage } from './pages.ts'
import type { Watchers } from './watchers.ts'

export interface SqliteApprovalsOptions {
  readonly db: DatabaseSync
  readonly batch: Pick<Batch, 'read' | 'write'>
  readonly changes: Watchers
}

export class SqliteApprovals implements ApprovalStore {
  readonly #options: SqliteApprovalsOptions
  readonly #sql: ReturnType<typeof prepare>

  constructor(options: SqliteApprovalsOptions) {
    this.#options = options
    this.#sql = prepare(options.db)
  }

  insertApproval(approval: Approval): Promise<boolean> {
    return this.#durably((tx) => {
      if (this.#isAskedAlready(approval)) return false
      this.#sql.insert.run(...valuesOf(APPROVAL_COLUMNS, approvalColumns(approval)))
      this.#options.changes.add(tx, { kind: 'approval', approvalId: approval.id })
      return true
    })
  }

  replaceApproval(approval: Approval): Promise<boolean> {
    return this.#durably((tx) => {
      if (this.#isAskedAlready(approval)) return false
      const { changes } = this.#sql.replace.run(...valuesOf(APPROVAL_COLUMNS, approvalColumns(approval)), approval.id, approval.version - 1)
      if (BigInt(changes) === 0n) return false
      this.#options.changes.add(tx, { kind: 'approval', approvalId: approval.id })
      return true
    })
  }

  async approval(id: string): Promise<Approval | undefined> {
    return this.#read(() => maybeApproval(this.#sql.byId.get(id)))
  }

  async approvalOfPayment(paymentId: string): Promise<Approval | undefined> {
    return this.#read(() => maybeApproval(this.#sql.byPayment.get(paymentId)))
  }

  async liveApprovals(sessionId: string, digest: string): Promise<readonly Approval[]> {
    return this.#read(() => this.#sql.live.all(sessionId, digest).map(readApproval))
  }

  async approvals({ state, kind, session, agent, digest }: ApprovalFilter, page: PageRequest): Promise<Page<Approval>> {
    const where = [
      ...[...equal('state', state), ...equal('kind', kind), ...equal('session_id', session)],
      ...[...equal('agent', agent), ...equal('digest', digest)],
    ]
    return this.#read(() => readPage({ db: this.#options.db, table: 'approvals', where, page, read: readApproval }))
  }

  async overdueApprovals(now: number, limit: number): Promise<readonly Approval[]> {
    return this.#read(() => this.#sql.overdue.all(now, limit).map(readApproval))
  }

  async pendingApprovals(): Promise<number> {
    return this.#read(() => countIn(this.#sql.pending.get()))
  }

  queueNotices(notices: readonly Notice[]): Promise<void> {
    return this.#durably((tx) => this.queueWith(tx, notices))
  }

  /** With what else this transaction writes. */
  queueWith(_tx: Transaction, notices: readonly Notice[]): void {
    for (const notice of notices) this.#sql.queue.run(...valuesOf(NOTICE_COLUMNS, noticeColumns(notice)))
  }

  async claimNotices(now: number, leaseUntil: number, limit: number): Promise<readonly Notice[]> {
    const due = () => this.#sql.due.all(now, limit).map(readNotice)
    // A look costs nothing; the worker looks often, and mostly finds nothing.
    if (this.#read(due).length === 0) return []
    return this.#durably(() =>
      due().map((notice) => {
        this.#sql.lease.run(leaseUntil, notice.id)
        return notice
      }),
    )
  }

  updateNotice(notice: Notice): Promise<void> {
    return this.#durably(() => {
      this.#sql.update.run(...valuesOf(NOTICE_COLUMNS, noticeColumns(notice)), notice.id)
    })
  }

  async notice(id: string): Promise<Notice | undefined> {
    return this.#read(() => {
      const row: Row | undefined = this.#sql.notice.get(id)
      return row && readNotice(row)
    })
  }

  async deadLetters(): Promise<number> {
    return this.#read(() => countIn(this.#sql.dead.get()))
  }

  forgetNotices(before: number, limit: number): Promise<number> {
    const past = () => this.#sql.past.all(limit, before).map((row) => int(row, 'seq'))
    if (this.#read(past).length === 0) return Promise.resolve(0)
    return this.#durably(() => {
      const rows = past()
      for (const seq of rows) this.#sql.drop.run(seq)
      return rows.length
    })
  }

  async notices(
    { state, approvalId }: { readonly state?: NoticeState; readonly approvalId?: string },
    page: PageRequest,
  ): Promise<Page<Notice>> {
    const where = [...equal('state', state), ...equal('approval_id', approvalId)]
    return this.#read(() => readPage({ db: this.#options.db, table: 'notices', where, page, read: readNotice }))
  }

  useOnce(mark: string, expiresAt: number): Promise<boolean> {
    return this.#durably((tx) => {
      this.#sql.forget.run(tx.now)
      return BigInt(this.#sql.mark.run(mark, expiresAt).changes) === 1n
    })
  }

  watchApprovals(listener: (approvalId: string) => void): () => void {
    return this.#options.changes.watch((change) => {
      if (change.kind === 'approval') listener(change.approvalId)
    })
  }

  /** Another one asks the same question. */
  #isAskedAlready(approval: Approval): boolean {
    if (!isOpenQuestion(approval)) return false
    return this.#sql.asked.get(approval.sessionId, approval.digest, approval.id) !== undefined
  }

  #read<T>(operation: () => T): T {
    return this.#options.batch.read(operation)
  }

  async #durably<T>(operation: (tx: Transaction) => T): Promise<T> {
    const { value, durable } = this.#options.batch.write(operation)
    await durable
    return value
  }
}

const APPROVAL_COLUMNS = ['id', 'session_id', 'agent', 'kind', 'state', 'digest', 'payment_id', 'due_at', 'version', 'body'] as const
const NOTICE_COLUMNS = [
  'id',
  'approval_id',
  'type',
  'person',
  'channel',
  'target',
  'payload',
  'state',
  'attempts',
  'due_at',
  'created_at',
  'delivered_at',
  'last_error',
] as const

function valuesOf(names: readonly string[], columns: Readonly<Record<string, SQLInputValue>>): SQLInputValue[] {
  return names.map((name) => columns[name] ?? null)
}

function maybeApproval(row: Row | undefined): Approval | undefined {
  return row && readApproval(row)
}

function countIn(row: Row | undefined): number {
  return row ? int(row, 'count') : 0
}

const LIVE = LIVE_STATES.map((state) => `'${state}'`).join(', ')

function prepare(db: DatabaseSync) {
  return {
    insert: db.prepare(insertInto('approvals', APPROVAL_COLUMNS)),
    replace: db.prepare(`UPDATE approvals SET ${assigned(APPROVAL_COLUMNS)} WHERE id = ? AND version = ?`),
    asked: db.prepare(
      `SELECT id FROM approvals WHERE session_id = ? AND digest = ? AND id <> ? AND state = 'pending' AND kind = 'approval'`,
    ),
    byId: db.prepare('SELECT * FROM approvals WHERE id = ?'),
    byPayment: db.prepare('SELECT * FROM approvals WHERE payment_id = ?'),
    live: db.prepare(`SELECT * FROM approvals WHERE session_id = ? AND digest = ? AND state IN (${LIVE}) ORDER BY seq`),
    overdue: db.prepare('SELECT * FROM approvals WHERE due_at <= ? ORDER BY due_at, seq LIMIT ?'),
    pending: db.prepare(`SELECT count(*) AS count FROM approvals WHERE state = 'pending'`),
    queue: db.prepare(`${insertInto('notices', NOTICE_COLUMNS)} ON CONFLICT (id) DO NOTHING`),
    due: db.prepare(`SELECT * FROM notices WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at, seq LIMIT ?`),
    lease: db.prepare('UPDATE notices SET due_at = ? WHERE id = ?'),
    update: db.prepare(`UPDATE notices SET ${assigned(NOTICE_COLUMNS)} WHERE id = ?`),
    notice: db.prepare('SELECT * FROM notices WHERE id = ?'),
    past: db.prepare(
      `SELECT seq FROM (SELECT * FROM notices ORDER BY seq LIMIT ?) WHERE created_at < ? AND state <> 'waiting' ORDER BY seq`,
    ),
    drop: db.prepare('DELETE FROM notices WHERE seq = ?'),
    dead: db.prepare(`SELECT count(*) AS count FROM notices WHERE state = 'dead'`),
    mark: db.prepare('INSERT INTO marks (mark, expires_at) VALUES (?, ?) ON CONFLICT (mark) DO NOTHING'),
    forget: db.prepare('DELETE FROM marks WHERE expires_at <= ?'),
  }
}

function insertInto(table: string, columns: readonly string[]): string {
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
}

function assigned(columns: readonly string[]): string {
  return columns.map((column) => `${column} = ?`).join(', ')
}
