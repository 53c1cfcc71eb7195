/** The checkpoints' table: signed statements of where all chains stood, made from the receipts that no one covers yet. */
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { type Checkpoint, type CheckpointHead, type CheckpointSigner, nextCheckpoint } from '../../audit/checkpoint.ts'
import { parseSignedCheckpoint } from '../../audit/parse.ts'
import { CHECKPOINT_STEP, MAX_CHECKPOINT_HEADS } from '../../limits.ts'
import { passing } from '../../waypoints.ts'
import { int, money, type Row, text } from '../rows.ts'
import type { Transaction } from '../tables.ts'
import type { StoredCheckpoint } from '../verification.ts'

/** Who reads and writes the file. */
interface Store {
  read<T>(operation: () => T): T
  write<T>(operation: (tx: Transaction) => T): { readonly value: T; readonly durable: Promise<void> }
}

export interface SealOptions {
  readonly store: Store
  readonly signer: CheckpointSigner
  readonly ledgerId: string
}

/** Where the chains stood that moved, up to a receipt's place in the table. */
interface Moved {
  readonly heads: readonly CheckpointHead[]
  readonly upTo: bigint
}

export class Checkpoints {
  readonly #sql: ReturnType<typeof prepare>
  #sealing: Promise<unknown> = Promise.resolve()

  constructor(db: DatabaseSync) {
    this.#sql = prepare(db)
  }

  /**
   * Signs all heads that moved since the newest checkpoint, in as many checkpoints as that needs, and returns the last
   * one once it is durable; undefined where no chain grew. One at a time, and in small steps, so that payments go on.
   */
  seal(options: SealOptions): Promise<Checkpoint | undefined> {
    const sealed = this.#sealing.then(() => this.#seal(options))
    this.#sealing = sealed.catch(() => undefined)
    return sealed
  }

  /** Oldest first, from behind this number on. */
  after(number: number, limit: number): Checkpoint[] {
    return this.storedAfter(number, limit).map(({ body, signature }) => parseSignedCheckpoint(body, signature))
  }

  storedAfter(number: number, limit: number): StoredCheckpoint[] {
    const rows: Row[] = this.#sql.after.all(number, limit)
    return rows.map((row) => ({ number: int(row, 'number'), body: text(row, 'body'), signature: text(row, 'signature') }))
  }

  async #seal({ store, signer, ledgerId }: SealOptions): Promise<Checkpoint | undefined> {
    const end = store.read(() => this.#newestReceipt())
    let made: Checkpoint | undefined
    for (;;) {
      const moved = await this.#moved(store, end)
      if (!moved) return made
      const { value, durable } = store.write((tx) => this.#append(tx, moved, { signer, ledgerId }))
      await durable
      made = value
    }
  }

  async #moved(store: Store, end: bigint): Promise<Moved | undefined> {
    const heads = new Map<string, CheckpointHead>()
    let upTo = store.read(() => this.#covered())
    if (upTo >= end) return undefined
    while (upTo < end && heads.size < MAX_CHECKPOINT_HEADS) {
      const from = upTo
      upTo = from + BigInt(CHECKPOINT_STEP) < end ? from + BigInt(CHECKPOINT_STEP) : end
      for (const head of store.read(() => this.#headsBetween(from, upTo))) heads.set(head.sessionId, head)
      await setImmediate()
    }
    return { heads: [...heads.values()], upTo }
  }

  #append(tx: Transaction, { heads, upTo }: Moved, by: Pick<SealOptions, 'signer' | 'ledgerId'>): Checkpoint {
    const { checkpoint, text } = nextCheckpoint({ ...by, previous: this.#newest(), at: tx.now, heads })
    this.#sql.insert.run(checkpoint.number, tx.now, upTo, text, checkpoint.signature)
    passing('checkpoint written')
    return checkpoint
  }

  #newest(): Checkpoint | undefined {
    const row: Row | undefined = this.#sql.newest.get()
    return row && parseSignedCheckpoint(text(row, 'body'), text(row, 'signature'))
  }

  #covered(): bigint {
    const row: Row | undefined = this.#sql.newest.get()
    return row ? money(row, 'receipts') : 0n
  }

  #newestReceipt(): bigint {
    const row: Row | undefined = this.#sql.newestReceipt.get()
    return row ? money(row, 'seq') : 0n
  }

  #headsBetween(from: bigint, upTo: bigint): CheckpointHead[] {
    const rows: Row[] = this.#sql.heads.all(from, upTo)
    return rows.map((row) => ({ sessionId: text(row, 'session_id'), number: int(row, 'number'), hash: text(row, 'hash') }))
  }
}

function prepare(db: DatabaseSync) {
  return {
    // With max() SQLite takes the other columns from the row that has the maximum.
    heads: db.prepare('SELECT session_id, max(number) AS number, hash FROM receipts WHERE seq > ? AND seq <= ? GROUP BY session_id'),
    newestReceipt: db.prepare('SELECT coalesce(max(seq), 0) AS seq FROM receipts'),
    newest: db.prepare('SELECT receipts, body, signature FROM checkpoints ORDER BY number DESC LIMIT 1'),
    insert: db.prepare('INSERT INTO checkpoints (number, at, receipts, body, signature) VALUES (?, ?, ?, ?, ?)'),
    after: db.prepare('SELECT number, body, signature FROM checkpoints WHERE number > ? ORDER BY number LIMIT ?'),
  }
}
