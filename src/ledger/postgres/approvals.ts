/**
 * Approvals, notices and single-use marks, shared by all processes. Changes go through the lanes like every write: the
 * row is locked and its version compared in the transaction that changes it, and what is told is committed.
 */
import type { Approval, ApprovalFilter, ApprovalStore, Notice, NoticeState } from '../../approval/approval.ts'
import type { Clock } from '../../clock.ts'
import { approvalColumns, isOpenQuestion, LIVE_STATES, noticeColumns, readApproval, readNotice } from '../approval-row.ts'
import type { Change, Page, PageRequest } from '../ledger.ts'
import { int, type Row, text } from '../rows.ts'
import type { Batch } from './batch.ts'
import { equal, readPage } from './lists.ts'
import { type Hands, housekeeping } from './operations.ts'
import type { Reading } from './reading.ts'
import type { Filter } from './store.ts'

export interface PostgresApprovalsOptions {
  readonly reading: Reading
  readonly batch: Pick<Batch<Hands>, 'write'>
  readonly clock: Clock
  readonly watch: (listener: (change: Change) => void) => () => void
}

/** Marks that one use forgets; they come one by one, so that they never pile up. */
const FORGET_AT_ONCE = 10

export class PostgresApprovals implements ApprovalStore {
  readonly #options: PostgresApprovalsOptions

  constructor(options: PostgresApprovalsOptions) {
    this.#options = options
  }

  insertApproval(approval: Approval): Promise<boolean> {
    return this.#change(approval, ({ set, announce }) => {
      if (isAskedAlready(set, approval)) return false
      set.insert('approvals', approvalColumns(approval))
      announce({ kind: 'approval', approvalId: approval.id })
      return true
    })
  }

  replaceApproval(approval: Approval): Promise<boolean> {
    return this.#change(approval, ({ set, announce }) => {
      const row = set.row('approval', approval.id)
      if (!row || int(row, 'version') !== approval.version - 1 || isAskedAlready(set, approval)) return false
      set.update('approvals', row, approvalColumns(approval))
      announce({ kind: 'approval', approvalId: approval.id })
      return true
    })
  }

  async approval(id: string): Promise<Approval | undefined> {
    const [row] = await this.#options.reading.select({ table: 'approvals', where: equal('id', id) })
    return row && readApproval(row)
  }

  async approvalOfPayment(paymentId: string): Promise<Approval | undefined> {
    const [row] = await this.#options.reading.select({ table: 'approvals', where: equal('payment_id', paymentId) })
    return row && readApproval(row)
  }

  async liveApprovals(sessionId: string, digest: string): Promise<readonly Approval[]> {
    const live: Filter = { columns: ['state'], is: '=', values: LIVE_STATES }
    const where = [...equal('session_id', sessionId), ...equal('digest', digest), live]
    const rows = await this.#options.reading.select({ table: 'approvals', where, order: { by: ['seq'] } })
    return rows.map(readApproval)
  }

  async approvals({ state, kind, session, agent, digest }: ApprovalFilter, page: PageRequest): Promise<Page<Approval>> {
    const where = [
      ...equal('state', state),
      ...equal('kind', kind),
      ...equal('session_id', session),
      ...equal('agent', agent),
      ...equal('digest', digest),
    ]
    return readPage(this.#options.reading, { table: 'approvals', where, page, read: readApproval })
  }

  async overdueApprovals(now: number, limit: number): Promise<readonly Approval[]> {
    const where = [upTo(now)]
    const rows = await this.#options.reading.select({ table: 'approvals', where, order: { by: ['due_at', 'seq'] }, limit })
    return rows.map(readApproval)
  }

  pendingApprovals(): Promise<number> {
    return this.#options.reading.count({ table: 'approvals', where: equal('state', 'pending') })
  }

  async queueNotices(notices: readonly Notice[]): Promise<void> {
    if (notices.length === 0) return
    await this.#onNotices(notices, (hands) => queueWith(hands, notices))
  }

  async claimNotices(now: number, leaseUntil: number, limit: number): Promise<readonly Notice[]> {
    const where = [...equal('state', 'waiting'), upTo(now)]
    const due = await this.#options.reading.select({ table: 'notices', where, order: { by: ['due_at', 'seq'] }, limit })
    if (due.length === 0) return []
    const ids = due.map((row) => ({ id: text(row, 'id') }))
    return this.#onNotices(ids, ({ set }) =>
      ids.flatMap(({ id }) => {
        const row = set.row('notice', id)
        // Another process may have been faster.
        if (!row || text(row, 'state') !== 'waiting' || int(row, 'due_at') > now) return []
        set.update('notices', row, { due_at: leaseUntil })
        return [readNotice(row)]
      }),
    )
  }

  async updateNotice(notice: Notice): Promise<void> {
    await this.#onNotices([notice], ({ set }) => {
      const row = set.row('notice', notice.id)
      if (row) set.update('notices', row, noticeColumns(notice))
    })
  }

  async notice(id: string): Promise<Notice | undefined> {
    const [row] = await this.#options.reading.select({ table: 'notices', where: equal('id', id) })
    return row && readNotice(row)
  }

  async forgetNotices(before: number, limit: number): Promise<number> {
    const isPast = (row: Row) => int(row, 'created_at') < before && text(row, 'state') !== 'waiting'
    const oldest = await this.#options.reading.select({ table: 'notices', where: [], order: { by: ['seq'] }, limit })
    const ids = oldest.filter(isPast).map((row) => ({ id: text(row, 'id') }))
    if (ids.length === 0) return 0
    return this.#onNotices(ids, ({ set }) => {
      // Somebody may be trying one again, or have removed it.
      let forgotten = 0
      for (const { id } of ids) {
        const row = set.row('notice', id)
        if (!row || !isPast(row)) continue
        set.remove('notices', row)
        forgotten += 1
      }
      return forgotten
    })
  }

  notices({ state, approvalId }: { readonly state?: NoticeState; readonly approvalId?: string }, page: PageRequest): Promise<Page<Notice>> {
    const where = [...equal('state', state), ...equal('approval_id', approvalId)]
    return readPage(this.#options.reading, { table: 'notices', where, page, read: readNotice })
  }

  deadLetters(): Promise<number> {
    return this.#options.reading.count({ table: 'notices', where: equal('state', 'dead') })
  }

  async useOnce(mark: string, expiresAt: number): Promise<boolean> {
    const past = await this.#pastMarks()
    const names = [mark, ...past]
    const operation = housekeeping(
      mark,
      (wants) => {
        for (const name of names) wants.row({ access: 'mark', values: [name] })
      },
      ({ set, tx }: Hands) => {
        for (const name of names) {
          const row = set.row('mark', name)
          if (row && int(row, 'expires_at') <= tx.now) set.remove('marks', row)
        }
        if (set.row('mark', mark)) return false
        set.insert('marks', { mark, expires_at: expiresAt })
        return true
      },
    )
    return this.#options.batch.write(operation)
  }

  watchApprovals(listener: (approvalId: string) => void): () => void {
    return this.#options.watch((change) => {
      if (change.kind === 'approval') listener(change.approvalId)
    })
  }

  async #pastMarks(): Promise<string[]> {
    const past: Filter = { columns: ['expires_at'], is: '<', values: [this.#options.clock.now()] }
    const rows = await this.#options.reading.select({ table: 'marks', where: [past], limit: FORGET_AT_ONCE })
    return rows.map((row) => text(row, 'mark'))
  }

  #change<T>({ id, sessionId, digest }: Approval, run: (hands: Hands) => T): Promise<T> {
    const operation = housekeeping(
      sessionId,
      (wants) => {
        wants.row({ access: 'approval', values: [id] }).row({ access: 'asked', values: [sessionId, digest] })
      },
      run,
    )
    return this.#options.batch.write(operation)
  }

  #onNotices<T>(notices: readonly Pick<Notice, 'id'>[], run: (hands: Hands) => T): Promise<T> {
    const operation = housekeeping(
      'notices',
      (wants) => {
        for (const { id } of notices) wants.row({ access: 'notice', values: [id] })
      },
      run,
    )
    return this.#options.batch.write(operation)
  }
}

/** With what else this transaction writes; it has wanted the rows. */
export function queueWith({ set }: Pick<Hands, 'set'>, notices: readonly Notice[]): void {
  for (const notice of notices) if (!set.row('notice', notice.id)) set.insert('notices', noticeColumns(notice))
}

/** Another one asks the same question. */
function isAskedAlready(set: Hands['set'], approval: Approval): boolean {
  if (!isOpenQuestion(approval)) return false
  return set.rows('asked', approval.sessionId, approval.digest).some((row) => row.id !== approval.id)
}

function upTo(now: number): Filter {
  return { columns: ['due_at'], is: '<', values: [now + 1] }
}
