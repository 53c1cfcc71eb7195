/** Grounds: what keeps the rows of a history, with the ledger that is opened over it and the books read past it. */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Clock, Ids } from '../../src/clock.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { migrate } from '../../src/ledger/sqlite/migrations/migrate.ts'
import { Pending } from '../../src/ledger/sqlite/pending.ts'
import { composeLedger } from '../../src/ledger/sqlite.ts'
import type { Events } from '../../src/telemetry/events.ts'
import type { Agenda, Life } from './agenda.ts'
import { accountOf, entryOf, receiptOf, whole } from './book-rows.ts'
import type { Account, Books, Entry, ReceiptEntry } from './books.ts'
import type { Random } from './random.ts'

/** A process that opens the ledger, as far as the ground has to know it. */
export interface Place {
  readonly agenda: Agenda
  readonly random: Random
  readonly life: Life
  readonly clock: Clock
  readonly ids: Ids
  readonly events: Events
  readonly confirmable: readonly string[]
  readonly nameRun: () => string
  /** Share of calls to the ledger of which something is lost, now. */
  readonly losses: () => number
  readonly cut: () => boolean
  readonly heardAt: () => number
}

export interface Ground {
  readonly books: Books
  open(place: Place): Promise<Ledger>
  /** The process that had it was killed. `landed`: a commit that was under way came through. */
  crashed(landed: boolean): void
  /** What its server does by itself as time goes by. */
  attend(now: number): void
  dispose(): void
}

const REFERRED = ['payments', 'sessions']

/** How long a commit takes until it is made, and then until it is on the disk. */
const COMMIT_MS = [0.05, 8] as const
const SYNC_MS = [0.05, 8] as const

const ENTRY_COLUMNS = `id, purchase_id, session_id, url, state, nonce, reused_nonce, replaces, amount, amount_atomic, pay_to, headers, evidence,
  delivered, dispute, reserved_at, concluded_at, check_at, refunded`

/** A process that starts prepares some hundred statements; histories start thousands of them over the same database. */
class RememberingDatabase extends DatabaseSync {
  readonly #statements = new Map<string, StatementSync>()

  override prepare(sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? super.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

/** One database in memory, as one process has it. Histories follow each other in it, and each sees its own part. */
export class SqliteGround implements Ground {
  readonly #db = new RememberingDatabase(':memory:', { readBigInts: true })
  /** What the open ledger has decided and not written yet. */
  #pending = new Pending()
  #books: SqliteBooks | undefined
  /** The ledger that is open, and the process that has it. A start costs more than a history, so it outlives its process. */
  #ledger: Ledger | undefined
  #place: Place | undefined

  readonly #wipe: string
  #syncing = false

  constructor() {
    migrate(this.#db)
    const tables = this.#db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'").all()
    const full = tables.flatMap(({ name }) => (typeof name === 'string' && whole(this.#count(name), 'rows') === 0n ? [name] : []))
    // What others refer to goes last. A pragma that lifts the keys would have every statement prepared anew.
    const wiped = [...full.filter((name) => !REFERRED.includes(name)), ...REFERRED]
    this.#wipe = `BEGIN; ${wiped.map((name) => `DELETE FROM ${name};`).join(' ')} COMMIT`
  }

  get books(): SqliteBooks {
    this.#books ??= new SqliteBooks(this.#db, () => this.#pending.write())
    return this.#books
  }

  /** The next history begins with nothing in any table. */
  begin(): void {
    if (this.#db.isTransaction || this.#syncing) this.crashed(false)
    this.#db.exec(this.#wipe)
    this.#pending.forget()
    // Made anew from what is there, so not before it is gone.
    this.#books = undefined
  }

  async open(place: Place): Promise<Ledger> {
    const fits = this.#place?.confirmable.join() === place.confirmable.join()
    this.#place = place
    if (!this.#ledger || !fits) this.#ledger = await this.#compose(place)
    return this.#ledger
  }

  crashed(landed: boolean): void {
    this.#ledger = undefined
    // What is pending is written with the commit, so that it lands with it.
    if (this.#db.isTransaction && landed) this.#pending.write()
    if (this.#db.isTransaction) this.#db.exec(landed ? 'COMMIT' : 'ROLLBACK')
    // What was committed outlives its process, on the disk or not.
    this.#syncing = false
    this.books.refresh()
    this.books.publish()
  }

  attend(): void {
    // There is no server.
  }

  dispose(): void {
    this.#db.close()
  }

  /** What a fresh database holds already, like the number of its schema, stays. */
  #count(table: string) {
    return this.#db.prepare(`SELECT count(*) AS rows FROM ${table}`).get()
  }

  #compose({ confirmable, nameRun }: Place): Promise<Ledger> {
    const clock: Clock = { now: () => this.#now.clock.now(), monotonic: () => this.#now.clock.monotonic() }
    const events: Events = { ...this.#now.events, faulted: (where, cause) => this.#now.events.faulted(where, cause) }
    const schedule = (run: () => void, delay_ms: number) => {
      const { agenda, random, life } = this.#now
      return agenda.later(delay_ms === 0 ? random.spread(...COMMIT_MS) : delay_ms, life, () => {
        run()
        this.books.refresh()
      })
    }
    const sync = (done: (fault: unknown) => void) => {
      const { agenda, random, life } = this.#now
      this.#syncing = true
      agenda.later(random.spread(...SYNC_MS), life, () => {
        this.#syncing = false
        this.books.publish()
        done(undefined)
      })
    }
    this.#pending = new Pending()
    const own = { pending: this.#pending, ids: (prefix: string) => this.#now.ids(prefix), runId: nameRun() }
    return composeLedger(this.#db, { clock, events, confirmable, schedule, sync, ...own })
  }

  get #now(): Place {
    if (!this.#place) throw new Error('no process has the ledger')
    return this.#place
  }
}

interface Shelf {
  readonly entries: readonly Entry[]
  readonly accounts: readonly Account[]
  /** How many of the receipts. */
  readonly receipts: number
}

class SqliteBooks implements Books {
  readonly #db: DatabaseSync
  readonly #sql: ReturnType<typeof prepare>
  readonly #from: Readonly<Record<'payments' | 'sessions', bigint>>
  #changes = -1n
  /** What is committed, and of it what is on the disk. */
  #committed: Shelf = { entries: [], accounts: [], receipts: 0 }
  #durable = this.#committed
  readonly #receipts: ReceiptEntry[] = []
  #receiptsTo: bigint
  version = 0

  readonly #settle: () => void

  /** `settle` writes into the open transaction what the ledger has decided in memory. */
  constructor(db: DatabaseSync, settle: () => void) {
    this.#db = db
    this.#settle = settle
    this.#sql = prepare(db)
    const last = (table: string) => whole(db.prepare(`SELECT coalesce(max(seq), 0) AS seq FROM ${table}`).get(), 'seq')
    this.#from = { payments: last('payments'), sessions: last('sessions') }
    this.#receiptsTo = last('receipts')
  }

  /** Reads what is committed; called right after each commit. */
  refresh(): void {
    if (this.#db.isTransaction) return
    const changes = whole(this.#sql.changes.get(), 'changes')
    if (changes === this.#changes) return
    this.#changes = changes
    const entries = this.#sql.entries.all(this.#from.payments).map(entryOf)
    const accounts = this.#sql.accounts.all(this.#from.sessions).map(accountOf)
    for (const row of this.#sql.receipts.all(this.#receiptsTo)) this.#takeReceipt(row, accounts)
    this.#committed = { entries, accounts, receipts: this.#receipts.length }
  }

  /** What was read is on the disk; called before anybody hears of it. */
  publish(): void {
    if (this.#durable === this.#committed) return
    this.#durable = this.#committed
    this.version++
  }

  /** What is still told of earlier histories is not this one's. */
  #takeReceipt(row: Parameters<typeof receiptOf>[0], accounts: readonly Account[]): void {
    const receipt = receiptOf(row)
    this.#receiptsTo = whole(row, 'seq')
    if (accounts.some(({ id }) => id === receipt.sessionId)) this.#receipts.push(receipt)
  }

  entries(): readonly Entry[] {
    return this.#durable.entries
  }

  decided(nonce: string): Entry | undefined {
    if (this.#db.isTransaction) this.#settle()
    const row = this.#sql.decided.get(nonce, nonce)
    return row && entryOf(row)
  }

  accounts(): readonly Account[] {
    return this.#durable.accounts
  }

  receipts(from: number): readonly ReceiptEntry[] {
    return this.#receipts.slice(from, this.#durable.receipts)
  }
}

function prepare(db: DatabaseSync) {
  return {
    changes: db.prepare('SELECT total_changes() AS changes'),
    entries: db.prepare(`SELECT ${ENTRY_COLUMNS} FROM payments WHERE seq > ? AND coalesce(nonce, reused_nonce) IS NOT NULL ORDER BY seq`),
    decided: db.prepare(`SELECT ${ENTRY_COLUMNS} FROM payments WHERE nonce = ? OR reused_nonce = ? ORDER BY seq DESC LIMIT 1`),
    accounts: db.prepare('SELECT id, parent, cap, spent, held FROM sessions WHERE seq > ?'),
    receipts: db.prepare('SELECT seq, session_id, number, payment_id, kind, hash, body FROM receipts WHERE seq > ? ORDER BY seq'),
  }
}
