/** Channels in the file: through its one writer, so that what is told is on the disk. */
import type { DatabaseSync } from 'node:sqlite'
import { readChannel } from '../channel-row.ts'
import type { Channeling } from '../channeling.ts'
import type { Channel, ChannelEnd, ChannelFilter, ChannelKey, ChannelNews, ChannelStore, NewChannel, Vouching } from '../channels.ts'
import type { Page, PageRequest } from '../ledger.ts'
import type { Transaction } from '../tables.ts'
import type { Batch } from './batch.ts'
import type { ChannelRows } from './channel-rows.ts'
import { equal, readPage } from './pages.ts'

export interface SqliteChannelsOptions {
  readonly db: DatabaseSync
  readonly batch: Pick<Batch, 'read' | 'write'>
  readonly rows: ChannelRows
  readonly channeling: Channeling
  readonly clock: { now(): number }
}

export class SqliteChannels implements ChannelStore {
  readonly #options: SqliteChannelsOptions

  constructor(options: SqliteChannelsOptions) {
    this.#options = options
  }

  async channel(id: string): Promise<Channel | undefined> {
    return this.#read((rows) => rows.find(id)?.channel)
  }

  async current(key: ChannelKey): Promise<Channel | undefined> {
    return this.#read((rows) => rows.current(key)?.channel)
  }

  async channels({ session, state }: ChannelFilter, page: PageRequest): Promise<Page<Channel>> {
    const where = [...equal('session_id', session), ...equal('state', state)]
    const { db } = this.#options
    return this.#read(() => readPage({ db, table: 'channels', where, page, read: readChannel }))
  }

  open(channel: NewChannel): Promise<Channel> {
    return this.#durably((tx, channeling) => channeling.open(tx, channel))
  }

  vouch(id: string, vouching: Vouching): Promise<Channel | undefined> {
    return this.#durably((tx, channeling) => channeling.vouch(tx, id, vouching))
  }

  async voucher(
    paymentId: string,
  ): Promise<{ readonly channelId: string; readonly cumulative: bigint; readonly base: bigint } | undefined> {
    return this.#read((rows) => {
      const voucher = rows.voucher(paymentId)
      return voucher && { channelId: voucher.channelId, cumulative: voucher.cumulative, base: voucher.base }
    })
  }

  tell(id: string, version: number, news: ChannelNews): Promise<Channel | undefined> {
    return this.#durably((tx, channeling) => channeling.tell(tx, id, { version, news }))
  }

  async claimClosing(limit: number): Promise<readonly Channel[]> {
    const now = this.#options.clock.now()
    const found = this.#read((rows) => ({ ended: rows.ended(now, limit), due: rows.due(now) }))
    // A look costs nothing; whoever recovers looks often, and mostly finds nothing.
    if (found.ended.length + found.due.length === 0) return []
    return this.#durably((tx, channeling) => {
      const { rows } = this.#options
      const claimed: Channel[] = []
      for (const id of [...rows.due(tx.now), ...rows.ended(tx.now, limit)]) {
        const channel = claimed.length < limit ? channeling.claim(tx, id) : undefined
        if (channel) claimed.push(channel)
      }
      return claimed
    })
  }

  putOff(id: string, until: number): Promise<void> {
    return this.#durably((tx, channeling) => channeling.putOff(tx, id, until))
  }

  close(id: string, end: ChannelEnd): Promise<Channel | undefined> {
    return this.#durably((tx, channeling) => channeling.close(tx, id, end))
  }

  #read<T>(operation: (rows: ChannelRows) => T): T {
    return this.#options.batch.read(() => operation(this.#options.rows))
  }

  async #durably<T>(operation: (tx: Transaction, channeling: Channeling) => T): Promise<T> {
    const { value, durable } = this.#options.batch.write((tx) => operation(tx, this.#options.channeling))
    await durable
    return value
  }
}
