/** The ledger in one SQLite file, for one process (rule R7). Composes the tables and waits for what must be durable. */
import type { DatabaseSync } from 'node:sqlite'
import type { Checkpoint, CheckpointSigner } from '../audit/checkpoint.ts'
import type { Receipt, ReceiptFilter, Verification } from '../audit/receipt.ts'
import { PurserError, type Refusal } from '../errors.ts'
import { DEFAULT_THRESHOLDS } from '../limits.ts'
import type { History } from '../session/history.ts'
import type { Session } from '../session/session.ts'
import * as admin from './administration.ts'
import type { Correction, Finding, RecipientRecord, Refund } from './findings.ts'
import type { ReportStore } from './kept-reports.ts'
import type * as port from './ledger.ts'
import { recover } from './recovery.ts'
import { refilled } from './refill.ts'
import { type Desk, type Operation, ReservationHandle, reservedBefore } from './reservation.ts'
import { resume } from './resuming.ts'
import type { Past } from './retention.ts'
import { composeRules, type Rules } from './rules.ts'
import type { TopUp } from './session-row.ts'
import type { SharedLedger } from './shared.ts'
import { SqliteApprovals } from './sqlite/approvals.ts'
import { Batch, type Sync } from './sqlite/batch.ts'
import { SqliteChannels } from './sqlite/channels.ts'
import { openDatabase, openingFault } from './sqlite/database.ts'
import { asRun, deskOver } from './sqlite/desk.ts'
import { SqliteInsight } from './sqlite/insight.ts'
import { type OpenedMark, openMark } from './sqlite/mark.ts'
import type { SqliteLedgerOptions } from './sqlite/options.ts'
import { SqliteReports } from './sqlite/reports.ts'
import { SqliteRetention } from './sqlite/retention.ts'
import { chainsIn, openTables, type SqliteTables } from './sqlite/tables.ts'
import { SqliteTold } from './sqlite/told.ts'
import { WriteAheadLog } from './sqlite/write-ahead-log.ts'
import type { Transaction } from './tables.ts'
import { verifyStored } from './verification.ts'

/**
 * Opens the ledger, takes the file for this process, and settles what an earlier run left behind. A copy that is older
 * than its high-water mark is opened for reading only, and says so in `readiness`.
 * @throws PurserError `ledger_unavailable` where another process has the file, or it cannot be read, written or migrated.
 */
export async function openSqliteLedger(options: SqliteLedgerOptions): Promise<SharedLedger> {
  const { file, acceptRestored = false } = options
  const db = openDatabase(file)
  try {
    const tables = openTables(db, options)
    const opened = openMark({ path: options.mark ?? `${file}.mark`, identity: tables.identity, accept: acceptRestored })
    const log = new WriteAheadLog(db, file, options.flush)
    return await begin(new SqliteLedger(db, { ...options, sync: log.sync, tables, opened, log }))
  } catch (cause) {
    db.close()
    throw openingFault(file, cause)
  }
}

/** The ledger over an open, migrated database that nobody else uses, without a mark. */
export function composeLedger(db: DatabaseSync, options: Composed): Promise<SharedLedger> {
  return begin(new SqliteLedger(db, { ...options, tables: openTables(db, options), opened: undefined, log: undefined }))
}

/** A disk that fails now is the batch's to tell: unpaid traffic goes on meanwhile. */
async function begin(ledger: SqliteLedger): Promise<SharedLedger> {
  try {
    await ledger.takeOver()
  } catch (cause) {
    if (!(cause instanceof PurserError)) throw cause
  }
  return ledger
}

interface Composed extends Omit<SqliteLedgerOptions, 'file' | 'mark' | 'acceptRestored' | 'flush'> {
  /** Puts commits on the disk, where the database does not do so by itself. */
  readonly sync?: Sync
}
interface Opened extends Composed {
  readonly tables: SqliteTables
  readonly opened: OpenedMark | undefined
  readonly log: Disposable | undefined
}

class SqliteLedger implements SharedLedger {
  readonly workers: Set<string>
  readonly approvals: SqliteApprovals
  readonly reports: ReportStore
  readonly insight: SqliteInsight
  readonly told: SqliteTold
  readonly retention: SqliteRetention
  readonly channels: SqliteChannels
  readonly #options: Opened
  readonly #tables: SqliteTables
  readonly #batch: Batch
  readonly #rules: Rules
  readonly #files = new DisposableStack()

  constructor(db: DatabaseSync, options: Opened) {
    const { clock, runId, events, tables, opened, thresholds = DEFAULT_THRESHOLDS, confirmable = [], schedule, sync } = options
    this.#options = options
    this.#tables = tables
    this.#files.use(options.log)
    if (opened?.kind === 'open') this.#files.use(opened.counter)
    this.#batch = new Batch({
      ...{ db, clock, schedule, sync },
      pending: tables.pending,
      counter: opened?.kind === 'open' ? opened.counter : undefined,
      fault: opened?.kind === 'frozen' ? opened.fault : undefined,
      onCommit: (duration_ms) => events?.ledgerTook('commit', duration_ms),
      onFault: (sentence, cause) => events?.faulted(sentence, cause),
    })
    if (opened?.kind === 'open' && opened.warning !== undefined) events?.warned(opened.warning)
    this.approvals = new SqliteApprovals({ db, batch: this.#batch, changes: tables.changes })
    this.reports = new SqliteReports({ db, batch: this.#batch })
    this.insight = new SqliteInsight({ db, batch: this.#batch, rolling: tables.rolling, payments: tables.payments })
    this.retention = new SqliteRetention({ db, batch: this.#batch, pending: tables.pending, payments: tables.payments })
    this.told = new SqliteTold({ db, batch: this.#batch, approvals: this.approvals })
    this.#rules = composeRules({ tables, runId, thresholds, confirmable: new Set(confirmable), events })
    const { channeling } = this.#rules
    this.channels = new SqliteChannels({ db, clock, channeling, batch: this.#batch, rows: tables.channels })
    this.workers = tables.purchases.workers
  }

  openSession(session: port.NewSession, key?: admin.AdminKey): Promise<Session> {
    return this.#durably((tx) => this.#rules.accounts.open(tx, session, key))
  }

  async openedWith(key: admin.AdminKey): Promise<Session | undefined> {
    const id = this.#read(() => this.#tables.adminKeys.used('open', key))
    return id === undefined ? undefined : this.session(id)
  }

  async session(id: string): Promise<Session | undefined> {
    return this.#now(this.#read(() => this.#tables.sessions.find(id)))
  }

  async sessionByName(name: string): Promise<Session | undefined> {
    return this.#now(this.#read(() => this.#tables.sessions.findByName(name)))
  }

  async sessionByToken(tokenHash: string): Promise<Session | undefined> {
    return this.#now(this.#read(() => this.#tables.sessions.findByToken(tokenHash)))
  }

  async sessions(request: port.PageRequest, { parent }: { readonly parent?: string } = {}): Promise<port.Page<Session>> {
    const { items, next } = this.#list(() => this.#tables.sessions.page(request, parent))
    return { items: items.map((session) => refilled(session, this.#options.clock.now())), next }
  }

  topUp(id: string, by: TopUp, key?: admin.AdminKey): Promise<Session> {
    return this.#durably((tx) => this.#rules.accounts.topUp(tx, id, by, key))
  }

  close(id: string): Promise<Session> {
    return this.#durably((tx) => this.#rules.accounts.close(tx, id))
  }

  revoke(id: string): Promise<Session> {
    return this.#durably((tx) => this.#rules.accounts.revoke(tx, id))
  }

  async resume(purchase: port.PurchaseIdentity, run?: string): Promise<port.ResumeResult> {
    if (!this.#read(() => this.#tables.purchases.mayBeOpen(purchase))) return { kind: 'none' }
    const { value, durable } = this.#batch.write((tx) => resume(asRun(tx, run), purchase, this.#rules))
    if (value.kind === 'none' || value.kind === 'key_reused') return value
    // Whoever finds it in progress is told after the one who claimed it in the same commit.
    await durable
    if (value.kind !== 'repeat') return value
    return { kind: 'repeat', reservation: new ReservationHandle(this.#deskOf(run), reservedBefore(value.record)) }
  }

  async reserve(request: port.ReserveRequest, run?: string): Promise<port.ReserveResult> {
    const took = this.#measure('reserve')
    const { value, durable } = this.#batch.write((tx) => this.#rules.reserving.reserve(asRun(tx, run), request))
    if (value.kind === 'refused') await durable
    took()
    if (value.kind !== 'reserved') return value
    return { kind: 'reserved', reservation: new ReservationHandle(this.#deskOf(run), { ...request, authorization: undefined }) }
  }

  async refuse(attempt: port.Attempt, refusal: Refusal): Promise<Refusal> {
    const took = this.#measure('refuse')
    const paymentId = this.#options.ids('pay')
    const written = await this.#durably((tx) => this.#rules.refusals.write(tx, { attempt, refusal, paymentId }))
    took()
    return written
  }

  async history(query: port.HistoryQuery): Promise<History> {
    const { memory } = this.#tables
    const now = this.#options.clock.now()
    return this.#read(() => memory.atHand(query, now)) ?? this.#list(() => memory.history(query, now))
  }

  async payment(id: string): Promise<port.Payment | undefined> {
    return this.#read(() => this.#tables.payments.find(id)?.payment)
  }

  async payments(filter: port.PaymentFilter, page: port.PageRequest): Promise<port.Page<port.Payment>> {
    return this.#list(() => this.#tables.lists.page(filter, page))
  }

  async countInTask(sessionId: string, task: string): Promise<number> {
    return this.#list(() => this.#tables.lists.countInTask(sessionId, task))
  }

  async receipt(id: string): Promise<Receipt | undefined> {
    return this.#list(() => this.#tables.receipts.find(id))
  }

  async receipts(filter: ReceiptFilter, page: port.PageRequest): Promise<port.Page<Receipt>> {
    return this.#list(() => this.#tables.receipts.page(filter, page))
  }

  verifyReceipts(past?: Past): Promise<Verification> {
    return verifyStored(
      chainsIn(this.#tables, (operation) => this.#list(operation)),
      past,
    )
  }

  halt(halt: admin.Halt): Promise<void> {
    return this.#changing({ kind: 'halts' }, (tx) => this.#tables.halts.set(tx, halt))
  }

  resumePayments(halt: Pick<admin.Halt, 'scope' | 'value'>): Promise<void> {
    return this.#changing({ kind: 'halts' }, (tx) => this.#tables.halts.lift(tx, halt))
  }

  async halts(): Promise<readonly admin.Halt[]> {
    return this.#read(() => this.#tables.halts.all())
  }

  createToken(token: admin.AdminToken, hash: string): Promise<void> {
    return this.#changing({ kind: 'tokens' }, (tx) => this.#tables.tokens.create(tx, token, hash))
  }

  revokeToken(id: string): Promise<boolean> {
    return this.#changing({ kind: 'tokens' }, (tx) => this.#tables.tokens.revoke(tx, id))
  }

  async tokenByHash(hash: string): Promise<admin.AdminToken | undefined> {
    return this.#read(() => this.#tables.tokens.findByHash(hash))
  }

  async tokens(): Promise<readonly admin.AdminToken[]> {
    return this.#read(() => this.#tables.tokens.all())
  }

  async totals(): Promise<port.Totals> {
    return this.#list(() => this.#tables.summary.totals(this.#options.clock.now()))
  }

  async takeOver(): Promise<number> {
    const ids = this.#list(() => this.#tables.lists.unattended(this.#options.clock.now()))
    if (ids.length === 0) return 0
    return this.#durably((tx) => ids.filter((id) => recover(tx, id, this.#rules)).length)
  }

  async claimUnproven(query: Parameters<port.Ledger['claimUnproven']>[0]): Promise<readonly port.Payment[]> {
    await this.takeOver()
    return this.#durably((tx) => this.#tables.lists.claim(tx, query))
  }

  putOff(paymentId: string, until: number): Promise<void> {
    return this.#durably((tx) => this.#tables.payments.putOff(tx, paymentId, until))
  }

  resolve(paymentId: string, finding: Finding): Promise<port.Payment> {
    return this.#durably((tx) => this.#rules.resolving.resolve(tx, paymentId, finding))
  }

  refund(refund: Refund): Promise<port.Payment | undefined> {
    return this.#durably((tx) => this.#rules.resolving.refund(tx, refund))
  }

  correct(correction: Correction): Promise<port.Corrected> {
    return this.#durably((tx) => this.#rules.resolving.correct(tx, correction))
  }

  async scannedTo(network: string, wallet: string): Promise<bigint | undefined> {
    return this.#read(() => this.#tables.scans.upTo(network, wallet))
  }

  scanned(network: string, wallet: string, block: bigint): Promise<void> {
    return this.#durably((tx) => this.#tables.scans.set(tx, { network, wallet, block }))
  }

  async heldBy(wallet: Parameters<port.Ledger['heldBy']>[0]): Promise<bigint> {
    return this.#list(() => this.#tables.lists[wallet.method ? 'permitsHeldBy' : 'heldBy'](wallet))
  }

  async settledTo(recipient: Parameters<port.Ledger['settledTo']>[0]): Promise<readonly port.Payment[]> {
    return this.#list(() => this.#tables.lists.settledTo(recipient))
  }

  async recipients(page: port.PageRequest): Promise<port.Page<RecipientRecord>> {
    return this.#list(() => this.#tables.recipients.page(page))
  }

  keepAnswer(paymentId: string, answer: port.KeptAnswer): Promise<void> {
    return this.#durably((tx) => this.#tables.answers.keep(tx, paymentId, answer))
  }

  async keptAnswer(paymentId: string): Promise<port.KeptAnswer | undefined> {
    return this.#read(() => this.#tables.answers.find(paymentId, this.#options.clock.now()))
  }

  reopen(paymentId: string): Promise<void> {
    return this.#durably((tx) => this.#rules.resolving.reopen(tx, paymentId))
  }

  checkpoint(signer: CheckpointSigner): Promise<Checkpoint | undefined> {
    const { checkpoints, identity } = this.#tables
    return checkpoints.seal({ store: this.#batch, signer, ledgerId: identity.ledgerId })
  }

  async checkpoints(after: number, limit: number): Promise<readonly Checkpoint[]> {
    return this.#read(() => this.#tables.checkpoints.after(after, limit))
  }

  async claimIdentity(fingerprints: Readonly<Record<string, string>>): Promise<{ readonly ledgerId: string }> {
    const { identity } = this.#tables
    // A ledger that may not be written can still be recognised.
    const unclaimed = this.#read(() => identity.unclaimed(fingerprints))
    if (Object.keys(unclaimed).length > 0) await this.#durably((tx) => identity.claim(tx, unclaimed))
    return { ledgerId: identity.ledgerId }
  }

  watch(listener: (change: port.Change) => void): () => void {
    return this.#tables.changes.watch(listener)
  }

  announcePolicy(version: string, text?: string): Promise<void> {
    return this.#durably((tx) => {
      if (text !== undefined) this.#tables.policy.keep(tx, version, text)
      if (this.#tables.policy.announce(tx, version)) this.#tables.changes.add(tx, { kind: 'policy', version })
    })
  }

  async policyRecord(version: string): Promise<admin.PolicyRecord | undefined> {
    return this.#read(() => this.#tables.policy.record(version))
  }

  async policyRecords(): Promise<readonly admin.PolicyRecord[]> {
    return this.#read(() => this.#tables.policy.records())
  }

  async readiness(): Promise<readonly string[]> {
    if (this.#batch.fault !== undefined) return [this.#batch.fault]
    const halted = (await this.halts()).find(({ scope }) => scope === 'all')
    return halted ? [admin.haltedReason(halted)] : []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#batch.close()
    this.#files.dispose()
  }

  #deskOf(run: string | undefined): Desk {
    const { clock, events } = this.#options
    return deskOver({ clock, events, run, batch: this.#batch, rules: this.#rules })
  }

  #now(session: Session | undefined): Session | undefined {
    return session && refilled(session, this.#options.clock.now())
  }

  #read<T>(operation: () => T): T {
    return this.#batch.read(operation)
  }

  #list<T>(operation: () => T): T {
    return this.#batch.list(operation)
  }

  #changing<T>(change: port.Change, operation: (tx: Transaction) => T): Promise<T> {
    return this.#durably((tx) => {
      this.#tables.changes.add(tx, change)
      return operation(tx)
    })
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
