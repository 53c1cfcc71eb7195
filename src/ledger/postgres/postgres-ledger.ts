/**
 * The port over a store: each method asks what it has to know before, and writes in one operation. Reads see what is
 * committed, this process's own writes among it.
 */
import type { Checkpoint, CheckpointSigner } from '../../audit/checkpoint.ts'
import type { Receipt, ReceiptFilter, Verification } from '../../audit/receipt.ts'
import type { Clock, Ids } from '../../clock.ts'
import { type Refusal, refused } from '../../errors.ts'
import { DEFAULT_THRESHOLDS, PROOF_LEASE_MS } from '../../limits.ts'
import type { History } from '../../session/history.ts'
import type { Session } from '../../session/session.ts'
import type { Events } from '../../telemetry/events.ts'
import * as admin from '../administration.ts'
import type { Correction, Finding, RecipientRecord, Refund } from '../findings.ts'
import type * as port from '../ledger.ts'
import { readPayment } from '../payment-row.ts'
import { recover } from '../recovery.ts'
import { refilled } from '../refill.ts'
import { type Operation, reservedBefore } from '../reservation.ts'
import { resume } from '../resuming.ts'
import { text } from '../rows.ts'
import type { TopUp } from '../session-row.ts'
import { verifyStored } from '../verification.ts'
import { PostgresApprovals } from './approvals.ts'
import { Archive } from './archive.ts'
import { Batch, type Schedule } from './batch.ts'
import { Kept, KeptSessions } from './cache.ts'
import { PostgresChannels } from './channels.ts'
import { Desks, releasing } from './desks.ts'
import { PostgresFundings } from './fundings.ts'
import { House } from './house.ts'
import { PostgresInsight } from './insight.ts'
import { Lineages } from './lineages.ts'
import { Lists } from './lists.ts'
import * as operations from './operations.ts'
import { type Reading, readingFrom } from './reading.ts'
import { Records } from './records.ts'
import { PostgresReports } from './reports.ts'
import { PostgresRetention } from './retention.ts'
import { Terms } from './sessions.ts'
import type { Store } from './store.ts'
import { PostgresTold } from './told.ts'

export interface ComposeOptions {
  readonly clock: Clock
  readonly ids: Ids
  readonly events?: Pick<
    Events,
    'ledgerTook' | 'receiptWritten' | 'paymentEntered' | 'thresholdReached' | 'reconciled' | 'warned' | 'faulted'
  >
  /** Percent of a cap, rising, at which operators are told. */
  readonly thresholds?: readonly number[]
  /** Networks (CAIP-2) whose chain can be asked: there a recipient is known only once the chain has confirmed a payment. */
  readonly confirmable?: readonly string[]
  readonly schedule?: Schedule
  /** Operations that one transaction takes at most; for measuring. */
  readonly atOnce?: number
}

export class PostgresLedger implements port.Ledger {
  readonly approvals: PostgresApprovals
  readonly reports: PostgresReports
  readonly fundings: PostgresFundings
  readonly insight: PostgresInsight
  readonly told: PostgresTold
  readonly retention: PostgresRetention
  readonly channels: PostgresChannels
  readonly #options: ComposeOptions
  readonly #store: Store
  readonly #reading: Reading
  readonly #batch: Batch<operations.Hands>
  readonly #lineages: Lineages
  readonly #records: Records
  readonly #lists: Lists
  readonly #archive: Archive
  readonly #house: House
  readonly #desks: Desks
  readonly #sessions: KeptSessions
  readonly #halts: Kept<readonly admin.Halt[]>
  readonly #unwatch: () => void
  #ledgerId: string | undefined

  constructor(store: Store, options: ComposeOptions) {
    const { clock, ids, events, thresholds = DEFAULT_THRESHOLDS, confirmable = [] } = options
    const terms = new Terms()
    const compose = operations.handsFor({ terms, ids, thresholds, confirmable: new Set(confirmable), events })
    const reading = readingFrom(store)
    this.#options = options
    this.#store = store
    this.#reading = reading
    this.#sessions = new KeptSessions(clock)
    this.#halts = new Kept(clock)
    this.#batch = new Batch({
      ...options,
      store,
      compose,
      onWritten: (changes) => this.#sessions.keepUp(changes),
      onCommit: (duration_ms) => events?.ledgerTook('commit', duration_ms),
      onFault: (sentence, cause) => events?.faulted(sentence, cause),
    })
    this.#lineages = new Lineages(reading, terms)
    this.#records = new Records({ reading, terms, clock })
    this.#lists = new Lists(reading)
    this.#archive = new Archive({ store: reading, batch: this.#batch })
    this.#house = new House({ reading, batch: this.#batch, clock, ids })
    this.#desks = new Desks({ batch: this.#batch, records: this.#records, clock, events })
    this.approvals = new PostgresApprovals({ reading, batch: this.#batch, clock, watch: (listener) => store.watch(listener) })
    this.reports = new PostgresReports({ reading, batch: this.#batch })
    this.fundings = new PostgresFundings({ reading, batch: this.#batch })
    this.insight = new PostgresInsight(reading)
    this.retention = new PostgresRetention({ reading, batch: this.#batch })
    this.told = new PostgresTold({ reading, batch: this.#batch })
    this.channels = new PostgresChannels({ reading, clock, batch: this.#batch, lineages: this.#lineages, runId: () => store.runId })
    this.#unwatch = store.watch((change) => this.#heard(change))
  }

  async openSession(session: port.NewSession, key?: admin.AdminKey): Promise<Session> {
    const parent = session.parent === null ? undefined : await this.#lineages.of(session.parent)
    return this.#batch.write(operations.opening({ session, parent, key }, ({ tx, rules }) => rules.accounts.open(tx, session, key)))
  }

  openedWith(key: admin.AdminKey): Promise<Session | undefined> {
    return this.#records.openedWith(key).then((session) => this.#now(session))
  }

  async session(id: string): Promise<Session | undefined> {
    return this.#now(await this.#records.session('id', id))
  }

  async sessionByName(name: string): Promise<Session | undefined> {
    return this.#now(await this.#records.session('name', name))
  }

  async sessionByToken(tokenHash: string): Promise<Session | undefined> {
    return this.#now(await this.#sessions.get(tokenHash, () => this.#records.session('token_hash', tokenHash)))
  }

  async sessions(page: port.PageRequest, { parent }: { readonly parent?: string } = {}): Promise<port.Page<Session>> {
    const { items, next } = await this.#lists.sessions(page, parent)
    return { items: items.map((session) => refilled(session, this.#options.clock.now())), next }
  }

  async topUp(id: string, by: TopUp, key?: admin.AdminKey): Promise<Session> {
    const lineage = await this.#lineages.of(id)
    return this.#batch.write(operations.accounting(lineage, ({ tx, rules }) => rules.accounts.topUp(tx, id, by, key), key))
  }

  async close(id: string): Promise<Session> {
    const lineage = await this.#lineages.of(id)
    return this.#batch.write(operations.accounting(lineage, ({ tx, rules }) => rules.accounts.close(tx, id)))
  }

  async revoke(id: string): Promise<Session> {
    const lineage = await this.#lineages.of(id)
    return this.#batch.write(operations.accounting(lineage, ({ tx, rules }) => rules.accounts.revoke(tx, id)))
  }

  async resume(purchase: port.PurchaseIdentity): Promise<port.ResumeResult> {
    if (!(await this.#records.mayBeOpen(purchase))) return { kind: 'none' }
    const lineage = await this.#lineages.of(purchase.sessionId)
    const resumed = await this.#batch.write(operations.resuming(purchase, lineage, ({ tx, rules }) => resume(tx, purchase, rules)))
    if (resumed.kind !== 'repeat') return resumed
    const { payment } = resumed.record
    const place = { paymentId: payment.id, lineage, deal: payment }
    return { kind: 'repeat', reservation: this.#desks.handle(place, reservedBefore(resumed.record)) }
  }

  async reserve(request: port.ReserveRequest): Promise<port.ReserveResult> {
    const took = this.#measure('reserve')
    const { sessionId } = request.purchase
    const lineage = this.#lineages.known(sessionId) ?? (await this.#lineages.of(sessionId))
    const place = { paymentId: request.paymentId, lineage, deal: request.attempt }
    const reserved = await this.#batch.write(operations.reserving(request, lineage), ({ kind }) =>
      kind === 'reserved' ? releasing(place) : undefined,
    )
    took()
    if (reserved.kind !== 'reserved') return reserved
    return { kind: 'reserved', reservation: this.#desks.handle(place, { ...request, authorization: undefined }) }
  }

  async refuse(attempt: port.Attempt, refusal: Refusal): Promise<Refusal> {
    const took = this.#measure('refuse')
    const paymentId = this.#options.ids('pay')
    const lineage = this.#lineages.known(attempt.sessionId) ?? (await this.#lineages.of(attempt.sessionId))
    const operation = operations.refusing(lineage, ({ tx, rules }) => rules.refusals.write(tx, { attempt, refusal, paymentId }))
    const written = await this.#batch.write(operation)
    took()
    return written
  }

  history(query: port.HistoryQuery): Promise<History> {
    return this.#records.history(query)
  }

  async payment(id: string): Promise<port.Payment | undefined> {
    await this.#batch.quiet(id)
    return (await this.#records.payment(id))?.payment
  }

  async payments(filter: port.PaymentFilter, page: port.PageRequest): Promise<port.Page<port.Payment>> {
    await this.#batch.quiet()
    return this.#lists.payments(filter, page)
  }

  countInTask(sessionId: string, task: string): Promise<number> {
    return this.#records.countInTask(sessionId, task)
  }

  receipt(id: string): Promise<Receipt | undefined> {
    return this.#archive.find(id)
  }

  async receipts(filter: ReceiptFilter, page: port.PageRequest): Promise<port.Page<Receipt>> {
    await this.#batch.quiet()
    return this.#lists.receipts(filter, page)
  }

  verifyReceipts(...past: Parameters<port.Ledger['verifyReceipts']>): Promise<Verification> {
    return verifyStored(this.#archive, ...past)
  }

  async halt(halt: admin.Halt): Promise<void> {
    await this.#house.halt(halt)
    this.#halts.drop()
  }

  async resumePayments(halt: Pick<admin.Halt, 'scope' | 'value'>): Promise<void> {
    await this.#house.lift(halt)
    this.#halts.drop()
  }

  halts(): Promise<readonly admin.Halt[]> {
    return this.#halts.get(() => this.#house.halts())
  }

  createToken(token: admin.AdminToken, hash: string): Promise<void> {
    return this.#house.createToken(token, hash)
  }

  revokeToken(id: string): Promise<boolean> {
    return this.#house.revokeToken(id)
  }

  tokenByHash(hash: string): Promise<admin.AdminToken | undefined> {
    return this.#house.tokenByHash(hash)
  }

  tokens(): Promise<readonly admin.AdminToken[]> {
    return this.#house.tokens()
  }

  totals(): Promise<port.Totals> {
    return this.#records.totals()
  }

  async takeOver(): Promise<number> {
    return this.#reading.refresh().then(() => this.#recover())
  }

  async claimUnproven({ networks, limit }: Parameters<port.Ledger['claimUnproven']>[0]): Promise<readonly port.Payment[]> {
    await this.#recover()
    const now = this.#options.clock.now()
    // What a note of this process is just changing would be passed over.
    await this.#batch.quiet()
    return (await this.#reading.claim({ networks, limit, now, until: now + PROOF_LEASE_MS })).map(readPayment)
  }

  putOff(paymentId: string, until: number): Promise<void> {
    return this.#step(paymentId, ({ tx, tables }) => tables.payments.putOff(tx, paymentId, until))
  }

  resolve(paymentId: string, finding: Finding): Promise<port.Payment> {
    return this.#step(paymentId, ({ tx, rules }) => rules.resolving.resolve(tx, paymentId, finding))
  }

  refund(refund: Refund): Promise<port.Payment | undefined> {
    return this.#step(refund.paymentId, ({ tx, rules }) => rules.resolving.refund(tx, refund))
  }

  correct(correction: Correction): Promise<port.Corrected> {
    return this.#step(correction.paymentId, ({ tx, rules }) => rules.resolving.correct(tx, correction))
  }

  scannedTo(network: string, wallet: string): Promise<bigint | undefined> {
    return this.#house.scannedTo(network, wallet)
  }

  scanned(network: string, wallet: string, block: bigint): Promise<void> {
    return this.#house.scanned(network, wallet, block)
  }

  settledTo(recipient: Parameters<port.Ledger['settledTo']>[0]): Promise<readonly port.Payment[]> {
    return this.#lists.settledTo(recipient)
  }

  async heldBy(wallet: Parameters<port.Ledger['heldBy']>[0]): Promise<bigint> {
    await this.#batch.quiet()
    return this.#lists[wallet.method ? 'permitsHeldBy' : 'heldBy'](wallet)
  }

  async recipients(page: port.PageRequest): Promise<port.Page<RecipientRecord>> {
    await this.#batch.quiet()
    return this.#lists.recipients(page)
  }

  keepAnswer(paymentId: string, answer: port.KeptAnswer): Promise<void> {
    return this.#house.keepAnswer(paymentId, answer)
  }

  keptAnswer(paymentId: string): Promise<port.KeptAnswer | undefined> {
    return this.#house.keptAnswer(paymentId)
  }

  reopen(paymentId: string): Promise<void> {
    return this.#step(paymentId, ({ tx, rules }) => rules.resolving.reopen(tx, paymentId))
  }

  async checkpoint(signer: CheckpointSigner): Promise<Checkpoint | undefined> {
    this.#ledgerId ??= await this.#house.claimIdentity({})
    await this.#batch.quiet()
    return this.#archive.seal(signer, this.#ledgerId)
  }

  checkpoints(after: number, limit: number): Promise<readonly Checkpoint[]> {
    return this.#archive.checkpoints(after, limit)
  }

  async claimIdentity(fingerprints: Readonly<Record<string, string>>): Promise<{ readonly ledgerId: string }> {
    return { ledgerId: await this.#house.claimIdentity(fingerprints) }
  }

  watch(listener: (change: port.Change) => void): () => void {
    return this.#store.watch(listener)
  }

  announcePolicy(version: string, text?: string): Promise<void> {
    return this.#house.announcePolicy(version, text)
  }

  policyRecord(version: string): Promise<admin.PolicyRecord | undefined> {
    return this.#house.policyRecord(version)
  }

  policyRecords(): Promise<readonly admin.PolicyRecord[]> {
    return this.#house.policyRecords()
  }

  async readiness(): Promise<readonly string[]> {
    const faults = this.#store.readiness()
    if (faults.length > 0) return faults
    const halted = (await this.halts()).find(({ scope }) => scope === 'all')
    return halted ? [admin.haltedReason(halted)] : []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unwatch()
    await this.#batch.close()
    await this.#store[Symbol.asyncDispose]()
  }

  #heard(change: port.Change): void {
    if (change.kind === 'session_ended') this.#sessions.drop(change.sessionId)
    if (change.kind === 'halts') this.#halts.drop()
  }

  #now(session: Session | undefined): Session | undefined {
    return session && refilled(session, this.#options.clock.now())
  }

  async #recover(): Promise<number> {
    const rows = await this.#reading.unattended(this.#options.clock.now())
    const recovered = await Promise.all(
      rows.map(async (row) => {
        const paymentId = text(row, 'id')
        const lineage = await this.#lineages.of(text(row, 'session_id'))
        const place = { paymentId, lineage, deal: undefined }
        return this.#batch.write(operations.stepping(place, ({ tx, rules }) => recover(tx, paymentId, rules)))
      }),
    )
    return recovered.filter((done) => done).length
  }

  /** @throws PurserError `not_found` where there is no such payment. */
  async #step<T>(paymentId: string, run: (hands: operations.Hands) => T): Promise<T> {
    const record = await this.#records.payment(paymentId)
    if (!record) throw refused('not_found', `There is no payment ${paymentId}.`)
    const lineage = await this.#lineages.of(record.payment.sessionId)
    return this.#batch.write(operations.stepping({ paymentId, lineage, deal: record.payment }, run))
  }

  #measure(operation: Operation): () => void {
    const { clock, events } = this.#options
    const started = clock.monotonic()
    return () => events?.ledgerTook(operation, clock.monotonic() - started)
  }
}
