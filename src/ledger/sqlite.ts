/** The ledger in one SQLite file, for one process (rule R7). Composes the tables and waits for what must be durable. */
import type { DatabaseSync } from 'node:sqlite'
import type { Receipt, ReceiptFilter, Verification } from '../audit/receipt.ts'
import type { Clock, Ids } from '../clock.ts'
import type { Refusal } from '../errors.ts'
import type { History } from '../session/history.ts'
import type { Session } from '../session/session.ts'
import type { Events } from '../telemetry/events.ts'
import { Batch, type Transaction } from './batch.ts'
import { openDatabase } from './database.ts'
import { Halts } from './halts.ts'
import type {
  AdminKey,
  AdminToken,
  Attempt,
  Halt,
  HistoryQuery,
  Ledger,
  NewSession,
  Page,
  PageRequest,
  Payment,
  PaymentFilter,
  PurchaseIdentity,
  ReserveRequest,
  ReserveResult,
  ResumeResult,
  Totals,
} from './ledger.ts'
import { Memory } from './memory.ts'
import { Payments } from './payments.ts'
import { Purchases } from './purchases.ts'
import { Receipts } from './receipts.ts'
import { recover, voidAbandoned } from './recovery.ts'
import { Refusals } from './refusals.ts'
import { type Desk, type Operation, ReservationHandle, reservedBefore } from './reservation.ts'
import { Reserving } from './reserving.ts'
import { resume } from './resuming.ts'
import { Rolling } from './rolling.ts'
import type { TopUp } from './session-row.ts'
import { Sessions } from './sessions.ts'
import { Spending } from './spending.ts'
import { Tokens } from './tokens.ts'
import { Summary } from './totals.ts'
import { type Tables, Transitions } from './transitions.ts'
import { verifyStored } from './verification.ts'

export interface SqliteLedgerOptions {
  readonly file: string
  readonly clock: Clock
  readonly ids: Ids
  /** Names this start of the process: only the run that signed may take back. Fresh for every start. */
  readonly runId: string
  readonly events?: Pick<Events, 'ledgerTook' | 'receiptWritten' | 'warned' | 'faulted'>
}

/**
 * Opens the ledger, takes the file for this process, and settles what an earlier run left behind.
 * @throws PurserError `ledger_unavailable` where another process has the file, or it cannot be read, written or migrated.
 */
export async function openSqliteLedger(options: SqliteLedgerOptions): Promise<Ledger> {
  return composeLedger(openDatabase(options.file), options)
}

/** The ledger over an open, migrated database that nobody else uses. */
export async function composeLedger(db: DatabaseSync, options: Omit<SqliteLedgerOptions, 'file'>): Promise<Ledger> {
  const ledger = new SqliteLedger(db, options)
  await ledger.recover()
  return ledger
}

class SqliteLedger implements Ledger {
  readonly #options: Omit<SqliteLedgerOptions, 'file'>
  readonly #batch: Batch
  readonly #tables: Tables
  readonly #transitions: Transitions
  readonly #halts: Halts
  readonly #tokens: Tokens
  readonly #summary: Summary
  readonly #refusals: Refusals
  readonly #reserving: Reserving
  readonly #desk: Desk

  constructor(db: DatabaseSync, options: Omit<SqliteLedgerOptions, 'file'>) {
    const { clock, runId, events } = options
    this.#options = options
    this.#batch = new Batch({
      db,
      clock,
      onCommit: (duration_ms) => events?.ledgerTook('commit', duration_ms),
      onFault: (sentence, cause) => events?.faulted(sentence, cause),
    })
    this.#tables = tablesOf(db, options)
    this.#transitions = new Transitions(this.#tables, runId)
    this.#halts = new Halts(db)
    this.#tokens = new Tokens(db)
    this.#summary = new Summary(db)
    this.#refusals = new Refusals({ db, ...this.#tables })
    this.#reserving = new Reserving({ tables: this.#tables, halts: this.#halts, refusals: this.#refusals })
    this.#desk = { batch: this.#batch, clock, transitions: this.#transitions, events, ...this.#tables }
  }

  async recover(): Promise<void> {
    const { payments } = this.#tables
    await this.#durably((tx) => recover(tx, { payments, transitions: this.#transitions }))
  }

  openSession(session: NewSession, key?: AdminKey): Promise<Session> {
    return this.#durably((tx) => this.#tables.sessions.open(tx, session, key))
  }

  async session(id: string): Promise<Session | undefined> {
    return this.#batch.read(() => this.#tables.sessions.find(id))
  }

  async sessionByName(name: string): Promise<Session | undefined> {
    return this.#batch.read(() => this.#tables.sessions.findByName(name))
  }

  async sessionByToken(tokenHash: string): Promise<Session | undefined> {
    return this.#batch.read(() => this.#tables.sessions.findByToken(tokenHash))
  }

  async sessions(page: PageRequest): Promise<Page<Session>> {
    return this.#batch.read(() => this.#tables.sessions.page(page))
  }

  topUp(id: string, by: TopUp, key?: AdminKey): Promise<Session> {
    return this.#durably((tx) => this.#tables.sessions.topUp(tx, id, by, key))
  }

  close(id: string): Promise<Session> {
    return this.#durably((tx) => this.#end(tx, id, 'close'))
  }

  revoke(id: string): Promise<Session> {
    return this.#durably((tx) => this.#end(tx, id, 'revoke'))
  }

  async resume(purchase: PurchaseIdentity): Promise<ResumeResult> {
    const { purchases } = this.#tables
    if (!this.#batch.read(() => purchases.mayBeOpen(purchase))) return { kind: 'none' }
    const { value, durable } = this.#batch.write((tx) => resume(tx, purchase, { purchases, transitions: this.#transitions }))
    if (value.kind === 'none' || value.kind === 'key_reused') return value
    // Whoever finds it in progress is told after the one who claimed it in the same commit.
    await durable
    if (value.kind !== 'repeat') return value
    return { kind: 'repeat', reservation: new ReservationHandle(this.#desk, reservedBefore(value.record)) }
  }

  async reserve(request: ReserveRequest): Promise<ReserveResult> {
    const took = this.#measure('reserve')
    const { value, durable } = this.#batch.write((tx) => this.#reserving.reserve(tx, request))
    if (value.kind === 'refused') await durable
    took()
    if (value.kind !== 'reserved') return value
    return { kind: 'reserved', reservation: new ReservationHandle(this.#desk, { ...request, authorization: undefined }) }
  }

  async refuse(attempt: Attempt, refusal: Refusal): Promise<Refusal> {
    const took = this.#measure('refuse')
    const written = await this.#durably((tx) => this.#refusals.write(tx, { attempt, refusal, paymentId: this.#options.ids('pay') }))
    took()
    return written
  }

  async history(query: HistoryQuery): Promise<History> {
    return this.#batch.read(() => this.#tables.memory.history(query, this.#options.clock.now()))
  }

  async payment(id: string): Promise<Payment | undefined> {
    return this.#batch.read(() => this.#tables.payments.find(id)?.payment)
  }

  async payments(filter: PaymentFilter, page: PageRequest): Promise<Page<Payment>> {
    return this.#batch.read(() => this.#tables.payments.page(filter, page))
  }

  async countInTask(sessionId: string, task: string): Promise<number> {
    return this.#batch.read(() => this.#tables.payments.countInTask(sessionId, task))
  }

  async receipt(id: string): Promise<Receipt | undefined> {
    return this.#batch.read(() => this.#tables.receipts.find(id))
  }

  async receipts(filter: ReceiptFilter, page: PageRequest): Promise<Page<Receipt>> {
    return this.#batch.read(() => this.#tables.receipts.page(filter, page))
  }

  verifyReceipts(): Promise<Verification> {
    const { receipts } = this.#tables
    return verifyStored({
      chainAfter: (id) => this.#batch.read(() => receipts.chainAfter(id)),
      entriesAfter: (id, place) => this.#batch.read(() => receipts.entriesAfter(id, place)),
      head: (id) => this.#batch.read(() => receipts.head(id)),
    })
  }

  halt(halt: Halt): Promise<void> {
    return this.#durably((tx) => this.#halts.set(tx, halt))
  }

  resumePayments(halt: Pick<Halt, 'scope' | 'value'>): Promise<void> {
    return this.#durably((tx) => this.#halts.lift(tx, halt))
  }

  async halts(): Promise<readonly Halt[]> {
    return this.#batch.read(() => this.#halts.all())
  }

  createToken(token: AdminToken, hash: string): Promise<void> {
    return this.#durably((tx) => this.#tokens.create(tx, token, hash))
  }

  revokeToken(id: string): Promise<boolean> {
    return this.#durably((tx) => this.#tokens.revoke(tx, id))
  }

  async tokenByHash(hash: string): Promise<AdminToken | undefined> {
    return this.#batch.read(() => this.#tokens.findByHash(hash))
  }

  async tokens(): Promise<readonly AdminToken[]> {
    return this.#batch.read(() => this.#tokens.all())
  }

  async totals(): Promise<Totals> {
    return this.#batch.read(() => this.#summary.totals(this.#options.clock.now()))
  }

  async readiness(): Promise<readonly string[]> {
    const { fault } = this.#batch
    if (fault !== undefined) return [fault]
    const halted = (await this.halts()).find(({ scope }) => scope === 'all')
    return halted ? [`Payments are halted: ${halted.reason}`] : []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#batch.close()
  }

  #end(tx: Transaction, id: string, how: 'close' | 'revoke'): Session {
    const { sessions, payments } = this.#tables
    sessions.get(id)
    const ended = how === 'close' ? [id] : sessions.family(id)
    if (how === 'close') sessions.close(tx, id)
    else sessions.revoke(tx, id)
    for (const one of ended) voidAbandoned(tx, one, { payments, transitions: this.#transitions })
    return sessions.get(id)
  }

  async #durably<T>(operation: (tx: Transaction) => T): Promise<T> {
    const { value, durable } = this.#batch.write(operation)
    await durable
    return value
  }

  #measure(operation: Operation): () => void {
    const { clock, events } = this.#options
    const started = clock.monotonic()
    return () => events?.ledgerTook(operation, clock.monotonic() - started)
  }
}

function tablesOf(db: DatabaseSync, { ids, runId, events }: Omit<SqliteLedgerOptions, 'file'>): Tables {
  const payments = new Payments(db, runId)
  const rolling = new Rolling(db)
  return {
    sessions: new Sessions(db),
    payments,
    purchases: new Purchases(db, runId),
    spending: new Spending(db),
    rolling,
    memory: new Memory(db, rolling),
    receipts: new Receipts({ db, ids, onWritten: () => events?.receiptWritten() }),
  }
}
