/**
 * How far receivers were told of the receipts, shared by all processes. Places are drawn before they are committed, so
 * the newest that can be seen is not the end: what was drawn earlier is waited for.
 */
import { money, text } from '../rows.ts'
import { type PlacedReceipt, type Telling, type ToldStore, toldKey } from '../told.ts'
import { queueWith } from './approvals.ts'
import type { Batch } from './batch.ts'
import { equal, readReceipt } from './lists.ts'
import { type Hands, housekeeping } from './operations.ts'
import type { Reading } from './reading.ts'

export interface PostgresToldOptions {
  readonly reading: Pick<Reading, 'select' | 'count' | 'settledReceipts'>
  readonly batch: Pick<Batch<Hands>, 'write'>
}

export class PostgresTold implements ToldStore {
  readonly #options: PostgresToldOptions

  constructor(options: PostgresToldOptions) {
    this.#options = options
  }

  /** Whoever waits holds up all lanes for a moment; nobody does where nothing is new. */
  async settledPlace(known: bigint): Promise<bigint> {
    const { reading } = this.#options
    const newer = { columns: ['seq'], is: '>', values: [known] } as const
    const [row] = await reading.select({ table: 'receipts', columns: ['seq'], where: [newer], order: { by: ['seq'] }, limit: 1 })
    return row ? reading.settledReceipts() : known
  }

  async receiptsBetween({ after, upTo, limit }: Parameters<ToldStore['receiptsBetween']>[0]): Promise<readonly PlacedReceipt[]> {
    const where = [
      { columns: ['seq'], is: '>', values: [after] },
      { columns: ['seq'], is: '<', values: [upTo + 1n] },
    ] as const
    const rows = await this.#options.reading.select({ table: 'receipts', where, order: { by: ['seq'] }, limit })
    return rows.map((row) => ({ place: money(row, 'seq'), receipt: readReceipt(row) }))
  }

  async toldUpTo(receiver: string): Promise<bigint | undefined> {
    const [row] = await this.#options.reading.select({ table: 'meta', where: equal('key', toldKey(receiver)) })
    return row && BigInt(text(row, 'value'))
  }

  waitingFor(target: string): Promise<number> {
    return this.#options.reading.count({ table: 'notices', where: [...equal('state', 'waiting'), ...equal('target', target)] })
  }

  tell({ receiver, from, to, notices }: Telling): Promise<boolean> {
    const key = toldKey(receiver)
    const operation = housekeeping(
      'notices',
      (wants) => {
        wants.row({ access: 'identity', values: [key] })
        for (const { id } of notices) wants.row({ access: 'notice', values: [id] })
      },
      (hands: Hands) => {
        const row = hands.set.row('identity', key)
        if ((row && BigInt(text(row, 'value'))) !== from) return false
        queueWith(hands, notices)
        if (row) hands.set.update('meta', row, { value: to.toString() })
        else hands.set.insert('meta', { key, value: to.toString() })
        return true
      },
    )
    return this.#options.batch.write(operation)
  }
}
