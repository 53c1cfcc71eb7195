/** The smaller tables in the working set: spending, keys of the admin door, refusal runs, refunds, corrections, halts. */
import { refused } from '../../errors.ts'
import type { AdminKey, Halt } from '../administration.ts'
import type { Correction, Refund } from '../findings.ts'
import { int, maybeText, money, type Row, text, word } from '../rows.ts'
import type {
  AdminKeyTable,
  Bucket,
  CorrectionTable,
  HaltTable,
  KeyedOperation,
  PolicyTable,
  RefundTable,
  RefusalRun,
  RefusalRunTable,
  SpendingTable,
  Transaction,
} from '../tables.ts'
import type { WorkingSet } from './working-set.ts'

export class Spending implements SpendingTable {
  readonly #set: WorkingSet

  constructor(set: WorkingSet) {
    this.#set = set
  }

  used(bucket: Bucket): bigint {
    const row = this.#row(bucket)
    return row ? money(row, 'amount') : 0n
  }

  add(_tx: Transaction, { sessionId, bucket }: Bucket, amount: bigint): void {
    const row = this.#row({ sessionId, bucket })
    if (row) this.#set.update('spending', row, { amount: money(row, 'amount') + amount })
    else this.#set.insert('spending', { session_id: sessionId, bucket, amount })
  }

  takeBack(_tx: Transaction, bucket: Bucket, amount: bigint): void {
    const row = this.#row(bucket)
    if (row) this.#set.update('spending', row, { amount: money(row, 'amount') - amount })
  }

  #row({ sessionId, bucket }: Bucket): Row | undefined {
    return this.#set.row('spending', sessionId, bucket)
  }
}

export class AdminKeys implements AdminKeyTable {
  readonly #set: WorkingSet

  constructor(set: WorkingSet) {
    this.#set = set
  }

  used(operation: KeyedOperation, key: AdminKey | undefined): string | undefined {
    const row = key && this.#set.row('adminKey', key.key)
    if (!key || !row) return undefined
    if (text(row, 'digest') !== key.digest || text(row, 'operation') !== operation) {
      throw refused('conflict', 'This Idempotency-Key was used for another request; use a fresh one.')
    }
    return text(row, 'session_id')
  }

  claim(
    _tx: Transaction,
    operation: KeyedOperation,
    { key, sessionId }: { readonly key: AdminKey | undefined; readonly sessionId: string },
  ): void {
    if (key) this.#set.insert('admin_keys', { key: key.key, operation, digest: key.digest, session_id: sessionId })
  }
}

export class RefusalRuns implements RefusalRunTable {
  readonly #set: WorkingSet

  constructor(set: WorkingSet) {
    this.#set = set
  }

  find(sessionId: string, digest: string): RefusalRun | undefined {
    const row = this.#set.row('refusalRun', sessionId, digest)
    return row && readRun(row)
  }

  put(_tx: Transaction, { sessionId, digest, paymentId, beganAt, count, recorded }: RefusalRun): void {
    const row = this.#set.row('refusalRun', sessionId, digest)
    const columns = { payment_id: paymentId, began_at: beganAt, count, recorded }
    if (row) this.#set.update('refusal_runs', row, columns)
    else this.#set.insert('refusal_runs', { session_id: sessionId, digest, ...columns })
  }
}

function readRun(row: Row): RefusalRun {
  return {
    sessionId: text(row, 'session_id'),
    digest: text(row, 'digest'),
    paymentId: text(row, 'payment_id'),
    beganAt: int(row, 'began_at'),
    count: int(row, 'count'),
    recorded: int(row, 'recorded'),
  }
}

export class Refunds implements RefundTable {
  readonly #set: WorkingSet

  constructor(set: WorkingSet) {
    this.#set = set
  }

  find(source: string): Pick<Refund, 'paymentId' | 'amountAtomic'> | undefined {
    const row = this.#set.row('refund', source)
    return row && { paymentId: text(row, 'payment_id'), amountAtomic: BigInt(text(row, 'amount_atomic')) }
  }

  insert(_tx: Transaction, { paymentId, source, amountAtomic, evidence, by, at }: Refund): void {
    const amount = { amount_atomic: amountAtomic.toString(), evidence, entered_by: by, at }
    this.#set.insert('refunds', { source, payment_id: paymentId, ...amount })
  }

  total(paymentId: string): bigint {
    return this.#set.rows('refundsOf', paymentId).reduce((sum, row) => sum + BigInt(text(row, 'amount_atomic')), 0n)
  }
}

export class Corrections implements CorrectionTable {
  readonly #set: WorkingSet

  constructor(set: WorkingSet) {
    this.#set = set
  }

  find(paymentId: string): Correction | undefined {
    const row = this.#set.row('correction', paymentId)
    return row && readCorrection(row)
  }

  put(_tx: Transaction, { paymentId, outcome, transaction, evidence, by, at }: Correction): void {
    const row = this.#set.row('correction', paymentId)
    const columns = { outcome, tx: transaction, evidence, entered_by: by, at }
    if (row) this.#set.update('corrections', row, columns)
    else this.#set.insert('corrections', { payment_id: paymentId, ...columns })
  }

  remove(_tx: Transaction, paymentId: string): void {
    const row = this.#set.row('correction', paymentId)
    if (row) this.#set.remove('corrections', row)
  }
}

function readCorrection(row: Row): Correction {
  return {
    paymentId: text(row, 'payment_id'),
    outcome: word(row, 'outcome', ['settled', 'void']),
    transaction: maybeText(row, 'tx'),
    evidence: text(row, 'evidence'),
    by: text(row, 'entered_by'),
    at: int(row, 'at'),
  }
}

export class Halts implements HaltTable, PolicyTable {
  readonly #set: WorkingSet

  constructor(set: WorkingSet) {
    this.#set = set
  }

  all(): Halt[] {
    return this.#set.rows('halts').map(readHalt).sort(byTime)
  }

  set({ scope, value, reason, at }: Halt): void {
    const row = this.#row(scope, value)
    if (row) this.#set.update('halts', row, { reason, at })
    else this.#set.insert('halts', { scope, value, reason, at })
  }

  lift({ scope, value }: Pick<Halt, 'scope' | 'value'>): void {
    const row = this.#row(scope, value)
    if (row) this.#set.remove('halts', row)
  }

  inForce(): string | undefined {
    const row = this.#set.row('meta', 'policy')
    return row && text(row, 'value')
  }

  #row(scope: string, value: string): Row | undefined {
    return this.#set.rows('halts').find((row) => row.scope === scope && row.value === value)
  }
}

export function readHalt(row: Row): Halt {
  const scope = word(row, 'scope', ['all', 'agent', 'session', 'recipient'])
  return { scope, value: text(row, 'value'), reason: text(row, 'reason'), at: int(row, 'at') }
}

function byTime(a: Halt, b: Halt): number {
  return a.at - b.at || compare(a.scope, b.scope) || compare(a.value, b.value)
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
