/** The store in PostgreSQL: one write connection for each lane, a few for reading, on the ground that vets them. */
import { ZodError } from 'zod'
import { LEDGER_READ_CONNECTIONS } from '../../limits.ts'
import type { Span } from '../insight.ts'
import type { Change } from '../ledger.ts'
import { int, maybeInt, money, type Row } from '../rows.ts'
import { ClientTransaction, type Gate } from './client-transaction.ts'
import type { Ground } from './ground.ts'
import { Columns, Line, type Open, send, storeFault } from './line.ts'
import { windowSumsStatement } from './loading.ts'
import { lookUp } from './runs.ts'
import * as selecting from './selecting.ts'
import type { Statement } from './statement.ts'
import {
  type AnswerRow,
  type Claim,
  type DealtWanted,
  type Opening,
  type Selection,
  type Store,
  StoreFault,
  type StoreTransaction,
  type WindowKey,
} from './store.ts'

export class ClientStore implements Store {
  readonly lanes: number
  readonly #ground: Ground
  readonly #columns = new Columns()
  readonly #writers: readonly Line[]
  readonly #readers: readonly Reader[]
  /** Commits of each lane, by run. */
  readonly #committed = new Map<string, bigint>()

  constructor(ground: Ground, lanes: number) {
    this.#ground = ground
    this.lanes = lanes
    this.#writers = Array.from({ length: lanes }, () => new Line(ground, this.#columns, 'writing'))
    this.#readers = Array.from({ length: LEDGER_READ_CONNECTIONS }, () => ({ line: new Line(ground, this.#columns), asked: 0 }))
  }

  get runId(): string {
    return this.#ground.run.id
  }

  async begin({ lane, locks }: Opening): Promise<StoreTransaction> {
    const fault = this.#ground.fault
    if (fault !== undefined) throw new StoreFault('unavailable', fault)
    const line = this.#writers[lane]
    if (!line) throw new Error(`there is no lane ${lane}`)
    return ClientTransaction.begin(await line.open(), this.#gateOf(lane), locks)
  }

  select(selection: Selection): Promise<readonly Row[]> {
    return this.#read((open) => selecting.selectStatement(selection, open.types))
  }

  async count(selection: Pick<Selection, 'table' | 'where'>): Promise<number> {
    const [row] = await this.#read((open) => selecting.countStatement(selection, open.types))
    return row ? int(row, 'count') : 0
  }

  async windows(keys: readonly WindowKey[]): Promise<{ readonly sum: bigint; readonly oldest: number | null }[]> {
    if (keys.length === 0) return []
    const rows = await this.#read(() => windowSumsStatement(keys))
    return rows.map((row) => ({ sum: money(row, 'sum'), oldest: maybeInt(row, 'oldest') }))
  }

  /** What is written back comes in any order. */
  async claim(claim: Claim): Promise<readonly Row[]> {
    const rows = await this.#read(() => selecting.claimStatement(claim, this.runId))
    return rows.toSorted((a, b) => int(a, 'check_at') - int(b, 'check_at') || int(a, 'seq') - int(b, 'seq'))
  }

  async keepAnswer(answer: AnswerRow): Promise<void> {
    await this.#read(() => selecting.keepStatement(answer))
  }

  async pruneAnswers(now: number, bytes: number): Promise<void> {
    await this.#read(() => selecting.pruneStatement(now, bytes))
  }

  exposure(): Promise<readonly Row[]> {
    return this.#read(() => selecting.EXPOSURE)
  }

  states(now: number): Promise<readonly Row[]> {
    return this.#read(() => selecting.statesStatement(now))
  }

  unattended(now: number): Promise<readonly Row[]> {
    return this.#read(() => selecting.unattendedStatement(now))
  }

  troubled(after: string, limit: number): Promise<readonly Row[]> {
    return this.#read(() => selecting.troubledStatement(after, limit))
  }

  activity(span: Span): Promise<readonly Row[]> {
    return this.#read(() => selecting.activityStatement(span))
  }

  dealings(wanted: DealtWanted): Promise<readonly Row[]> {
    return this.#read(() => selecting.dealingsStatement(wanted))
  }

  prices(past: { readonly key: string; readonly after: number; readonly samples: number }): Promise<readonly Row[]> {
    return this.#read(() => selecting.pricesStatement(past))
  }

  conduct(of: { readonly sessionId: string; readonly limit: number }): Promise<readonly Row[]> {
    return this.#read(() => selecting.conductStatement(of))
  }

  heads(places: { readonly from: bigint; readonly upTo: bigint }): Promise<readonly Row[]> {
    return this.#read(() => selecting.headsStatement(places))
  }

  async settledReceipts(): Promise<bigint> {
    const [row] = await this.#read(() => selecting.NEWEST_RECEIPT)
    await this.#read(() => selecting.WAIT_FOR_LANES)
    return row ? money(row, 'seq') : 0n
  }

  refresh(): Promise<void> {
    return this.#ground.refresh()
  }

  watch(listener: (change: Change) => void): () => void {
    return this.#ground.watch(listener)
  }

  readiness(): readonly string[] {
    const { fault } = this.#ground
    return fault === undefined ? [] : [fault]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#writers, ...this.#readers.map(({ line }) => line)].map((line) => line.close()))
    await this.#ground[Symbol.asyncDispose]()
  }

  async #read(statement: (open: Open) => Statement): Promise<readonly Row[]> {
    const reader = this.#reader()
    reader.asked += 1
    try {
      return await readOver(reader.line, statement)
    } finally {
      reader.asked -= 1
    }
  }

  /** The first of those that have the least to do, so that no more connections are opened than are needed. */
  #reader(): Reader {
    const [first, ...others] = this.#readers
    if (!first) throw new Error('there are no connections for reading')
    return others.reduce((least, reader) => (reader.asked < least.asked ? reader : least), first)
  }

  #gateOf(lane: number): Gate {
    const { run, standing } = this.#ground
    const name = `${run.id} ${lane}`
    const number = (this.#committed.get(name) ?? 0n) + 1n
    return {
      runId: run.id,
      lane,
      number,
      fenced: () => run.fenced(),
      acknowledged: () => {
        this.#committed.set(name, number)
        standing.acknowledged(lane, number)
      },
      lookUp: () => this.#lookUp(run.id, lane),
    }
  }

  /** On a connection of its own: the one that tried may still be at it. */
  async #lookUp(runId: string, lane: number): Promise<bigint> {
    const line = new Line(this.#ground, this.#columns)
    try {
      const { connection } = await line.open()
      return await lookUp(connection, { runId, number: lane })
    } catch (cause) {
      if (cause instanceof ZodError) throw new StoreFault('fenced', 'The lane is gone: its run ended long ago', cause)
      throw storeFault(cause)
    } finally {
      await line.close()
    }
  }
}

interface Reader {
  readonly line: Line
  /** What it has not answered yet. */
  asked: number
}

/** A read that lost its connection is asked once more over a fresh one; it changes nothing, or the same again. */
async function readOver(line: Line, statement: (open: Open) => Statement): Promise<readonly Row[]> {
  for (let attempt = 1; ; attempt++) {
    const open = await line.open()
    try {
      return (await send(open, statement(open))).rows
    } catch (cause) {
      if (!open.connection.lost || attempt > 1) throw storeFault(cause)
    }
  }
}
