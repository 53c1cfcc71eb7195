/** The archive: receipts one by one, whole chains, and the checkpoints over them. */
import { type ChainHead, EMPTY_CHAIN } from '../../audit/chain.ts'
import { type Checkpoint, type CheckpointHead, type CheckpointSigner, nextCheckpoint } from '../../audit/checkpoint.ts'
import { parseSignedCheckpoint } from '../../audit/parse.ts'
import type { Receipt } from '../../audit/receipt.ts'
import { CHECKPOINT_STEP, MAX_CHECKPOINT_HEADS } from '../../limits.ts'
import { passing } from '../../waypoints.ts'
import { int, money, text } from '../rows.ts'
import type { ChainSource, StoredCheckpoint, StoredEntry } from '../verification.ts'
import type { Batch } from './batch.ts'
import { readReceipt } from './lists.ts'
import { type Hands, housekeeping } from './operations.ts'
import type { Reading } from './reading.ts'
import { seqIn } from './receipts.ts'
import type { Row } from './store.ts'

export interface ArchiveOptions {
  readonly store: Reading
  readonly batch: Batch<Hands>
}

interface Moved {
  readonly heads: readonly CheckpointHead[]
  readonly upTo: bigint
}

export class Archive implements ChainSource {
  readonly #store: Reading
  readonly #batch: Batch<Hands>
  #sealing: Promise<unknown> = Promise.resolve()

  constructor({ store, batch }: ArchiveOptions) {
    this.#store = store
    this.#batch = batch
  }

  async find(id: string): Promise<Receipt | undefined> {
    const [row] = await this.#store.select({ table: 'receipts', where: [{ columns: ['seq'], is: '=', values: [seqIn(id)] }] })
    const receipt = row && readReceipt(row)
    return receipt?.id === id ? receipt : undefined
  }

  async chainAfter(sessionId: string): Promise<string | undefined> {
    const behind = (column: string) => [{ columns: [column], is: '>', values: [sessionId] }] as const
    const [sessions, receipts] = await Promise.all([
      this.#store.select({ table: 'sessions', where: behind('id'), order: { by: ['id'] }, limit: 1 }),
      this.#store.select({ table: 'receipts', where: behind('session_id'), order: { by: ['session_id', 'number'] }, limit: 1 }),
    ])
    const ids = [...sessions.map((row) => text(row, 'id')), ...receipts.map((row) => text(row, 'session_id'))]
    return ids.sort()[0]
  }

  async entriesAfter(sessionId: string, { number, limit }: { readonly number: number; readonly limit: number }): Promise<StoredEntry[]> {
    const where = [
      { columns: ['session_id'], is: '=', values: [sessionId] },
      { columns: ['number'], is: '>', values: [number] },
    ] as const
    const rows = await this.#store.select({ table: 'receipts', where, order: { by: ['number'] }, limit })
    return rows.map((row) => ({ id: text(row, 'id'), number: int(row, 'number'), body: text(row, 'body'), hash: text(row, 'hash') }))
  }

  async head(sessionId: string): Promise<ChainHead> {
    const [row] = await this.#store.select({ table: 'sessions', where: [{ columns: ['id'], is: '=', values: [sessionId] }] })
    return row ? { number: int(row, 'chain_number'), hash: text(row, 'chain_hash') } : EMPTY_CHAIN
  }

  async hashAt(sessionId: string, number: number): Promise<string | undefined> {
    const where = [
      { columns: ['session_id'], is: '=', values: [sessionId] },
      { columns: ['number'], is: '=', values: [number] },
    ] as const
    const [row] = await this.#store.select({ table: 'receipts', where })
    return row && text(row, 'hash')
  }

  /** Oldest first, from behind this number on. */
  async checkpoints(number: number, limit: number): Promise<Checkpoint[]> {
    const stored = await this.checkpointsAfter(number, limit)
    return stored.map(({ body, signature }) => parseSignedCheckpoint(body, signature))
  }

  async checkpointsAfter(number: number, limit: number): Promise<StoredCheckpoint[]> {
    const where = [{ columns: ['number'], is: '>', values: [number] }] as const
    const rows = await this.#store.select({ table: 'checkpoints', where, order: { by: ['number'] }, limit })
    return rows.map((row) => ({ number: int(row, 'number'), body: text(row, 'body'), signature: text(row, 'signature') }))
  }

  /**
   * Signs all heads that moved since the newest checkpoint, in as many checkpoints as that needs, and returns the last
   * one once it is durable; undefined where no chain grew. Two replicas that do so at once make one chain of them.
   */
  seal(signer: CheckpointSigner, ledgerId: string): Promise<Checkpoint | undefined> {
    const sealed = this.#sealing.then(() => this.#seal(signer, ledgerId))
    this.#sealing = sealed.catch(() => undefined)
    return sealed
  }

  /** Up to a place behind which nothing is to come any more: a receipt with a lower one may be committed later. */
  async #seal(signer: CheckpointSigner, ledgerId: string): Promise<Checkpoint | undefined> {
    const end = await this.#store.settledReceipts()
    let made: Checkpoint | undefined
    for (;;) {
      const newest = await this.#newest()
      const covered = newest ? money(newest, 'receipts') : 0n
      if (covered >= end) return made
      const moved = await this.#moved(covered, end)
      made = (await this.#append(moved, newest, { signer, ledgerId })) ?? made
    }
  }

  async #moved(covered: bigint, end: bigint): Promise<Moved> {
    const heads = new Map<string, CheckpointHead>()
    let upTo = covered
    while (upTo < end && heads.size < MAX_CHECKPOINT_HEADS) {
      const from = upTo
      upTo = from + BigInt(CHECKPOINT_STEP) < end ? from + BigInt(CHECKPOINT_STEP) : end
      for (const head of (await this.#store.heads({ from, upTo })).map(readHead)) heads.set(head.sessionId, head)
    }
    return { heads: [...heads.values()], upTo }
  }

  /** Undefined where another process has made one meanwhile. */
  #append({ heads, upTo }: Moved, newest: Row | undefined, by: { readonly signer: CheckpointSigner; readonly ledgerId: string }) {
    const previous = newest && parseSignedCheckpoint(text(newest, 'body'), text(newest, 'signature'))
    const number = (previous?.number ?? 0) + 1
    const operation = housekeeping(
      'checkpoints',
      (wants) => wants.row({ access: 'identity', values: ['ledger_id'] }).row({ access: 'checkpoint', values: [BigInt(number)] }),
      ({ tx, set }: Hands) => {
        set.row('identity', 'ledger_id')
        if (set.row('checkpoint', BigInt(number))) return undefined
        const { checkpoint, text: body } = nextCheckpoint({ ...by, previous, at: tx.now, heads })
        set.insert('checkpoints', { number, at: tx.now, receipts: upTo, body, signature: checkpoint.signature })
        passing('checkpoint written')
        return checkpoint
      },
    )
    return this.#batch.write(operation)
  }

  async #newest(): Promise<Row | undefined> {
    const [row] = await this.#store.select({ table: 'checkpoints', where: [], order: { by: ['number'], falling: true }, limit: 1 })
    return row
  }
}

function readHead(row: Row): CheckpointHead {
  return { sessionId: text(row, 'session_id'), number: int(row, 'number'), hash: text(row, 'hash') }
}
