/**
 * Channels shared by all processes. A voucher locks its channel's row and compares versions in the transaction that
 * writes it; what moves budgets locks the sessions before.
 */
import { MAX_PAGE } from '../../limits.ts'
import { isDue } from '../channel-account.ts'
import { keyColumns, readChannel, readChannelRecord, readVoucher } from '../channel-row.ts'
import type { Channel, ChannelEnd, ChannelFilter, ChannelKey, ChannelNews, ChannelStore, NewChannel, Vouching } from '../channels.ts'
import type { Page, PageRequest } from '../ledger.ts'
import { int, type Row, text } from '../rows.ts'
import type { Batch } from './batch.ts'
import type { Lineages } from './lineages.ts'
import { equal, readPage } from './lists.ts'
import { accounting, type Hands, housekeeping, type Write } from './operations.ts'
import type { Reading } from './reading.ts'
import type { Filter } from './store.ts'
import type { Wants } from './wants.ts'

export interface PostgresChannelsOptions {
  readonly reading: Reading
  readonly batch: Pick<Batch<Hands>, 'write'>
  readonly lineages: Pick<Lineages, 'of'>
  readonly clock: { now(): number }
  /** This process on the store now. */
  readonly runId: () => string
}

export class PostgresChannels implements ChannelStore {
  readonly #options: PostgresChannelsOptions

  constructor(options: PostgresChannelsOptions) {
    this.#options = options
  }

  async channel(id: string): Promise<Channel | undefined> {
    const [row] = await this.#options.reading.select({ table: 'channels', where: equal('id', id) })
    return row && readChannel(row)
  }

  async current(key: ChannelKey): Promise<Channel | undefined> {
    const named = Object.entries(keyColumns(key)).map(([column, value]): Filter => ({ columns: [column], is: '=', values: [value] }))
    const rows = await this.#options.reading.select({ table: 'channels', where: [...named, LASTING] })
    return rows.map(readChannel).at(0)
  }

  channels({ session, state }: ChannelFilter, page: PageRequest): Promise<Page<Channel>> {
    const where = [...equal('session_id', session), ...equal('state', state)]
    return readPage(this.#options.reading, { table: 'channels', where, page, read: readChannel })
  }

  async open(channel: NewChannel): Promise<Channel> {
    const { id, sessionId, salt } = channel
    const operation = await this.#onSession(
      sessionId,
      (wants) => {
        wants.row({ access: 'channel', values: [id] }).row({ access: 'channelsOf', values: [sessionId] })
        wants.row({ access: 'channelSalt', values: [salt] })
      },
      ({ tx, rules }) => rules.channeling.open(tx, channel),
    )
    return this.#options.batch.write(operation)
  }

  vouch(id: string, vouching: Vouching): Promise<Channel | undefined> {
    const { paymentId } = vouching
    const operation = onChannel(
      id,
      (wants) => {
        wants.row({ access: 'payment', values: [paymentId] }).row({ access: 'voucher', values: [paymentId] })
        wants.row({ access: 'livingRuns', values: [] })
      },
      ({ tx, rules }) => rules.channeling.vouch(tx, id, vouching),
    )
    return this.#options.batch.write(operation)
  }

  async voucher(
    paymentId: string,
  ): Promise<{ readonly channelId: string; readonly cumulative: bigint; readonly base: bigint } | undefined> {
    const [row] = await this.#options.reading.select({ table: 'channel_vouchers', where: equal('payment_id', paymentId) })
    if (!row) return undefined
    const { channelId, cumulative, base } = readVoucher(row)
    return { channelId, cumulative, base }
  }

  tell(id: string, version: number, news: ChannelNews): Promise<Channel | undefined> {
    return this.#options.batch.write(onChannel(id, ignore, ({ tx, rules }) => rules.channeling.tell(tx, id, { version, news })))
  }

  /** Whoever else looks is not waited for: what they have claimed is seen in the transaction that would claim it. */
  async claimClosing(limit: number): Promise<readonly Channel[]> {
    const claimed = await this.#claim(await this.#due(), limit)
    return claimed.length < limit ? [...claimed, ...(await this.#claim(await this.#ended(), limit - claimed.length))] : claimed
  }

  async #claim(found: readonly Placed[], limit: number): Promise<Channel[]> {
    const claimed: Channel[] = []
    for (const { id, sessionId } of found) {
      if (claimed.length >= limit) break
      const wanted = (wants: Wants) => wants.row({ access: 'channel', values: [id] }).row({ access: 'livingRuns', values: [] })
      const operation = await this.#onSession(sessionId, wanted, ({ tx, rules }) => rules.channeling.claim(tx, id))
      const channel = await this.#options.batch.write(operation)
      if (channel) claimed.push(channel)
    }
    return claimed
  }

  putOff(id: string, until: number): Promise<void> {
    return this.#options.batch.write(onChannel(id, ignore, ({ tx, rules }) => rules.channeling.putOff(tx, id, until)))
  }

  async close(id: string, end: ChannelEnd): Promise<Channel | undefined> {
    const sessionId = (await this.channel(id))?.sessionId ?? ''
    const wanted = (wants: Wants) =>
      wants
        .row({ access: 'channel', values: [id] })
        .row({ access: 'depositsOf', values: [id] })
        .places('receipts', 1)
    return this.#options.batch.write(await this.#onSession(sessionId, wanted, ({ tx, rules }) => rules.channeling.close(tx, id, end)))
  }

  /** Those that close, are due, and that nobody who lives looks into, longest waiting first. */
  async #due(): Promise<Placed[]> {
    const { reading, clock, runId } = this.#options
    const now = clock.now()
    const past: Filter = { columns: ['check_at'], is: '<', values: [now + 1] }
    const rows = await reading.select({ table: 'channels', where: [past], order: { by: ['check_at', 'seq'] } })
    if (rows.length === 0) return []
    const living = await reading.select({ table: 'runs', columns: ['id'], where: [{ columns: ['ended_at'], is: 'absent', values: [] }] })
    const runs = new Set(living.map((row) => text(row, 'id')))
    const run = runId()
    return rows.filter((row) => isDue(readChannelRecord(row), { now, run, alive: (other) => other === run || runs.has(other) })).map(placed)
  }

  /** Those that do not close yet, and whose session, or one above it, has ended; the oldest first. */
  async #ended(): Promise<Placed[]> {
    const { reading, lineages, clock } = this.#options
    const live: Filter = { columns: ['state'], is: '=', values: ['opening', 'open'] }
    const rows = await reading.select({ table: 'channels', columns: ['id', 'session_id'], where: [live], order: { by: ['seq'] } })
    if (rows.length === 0) return []
    const found = rows.map(placed)
    const ids = [...new Set(found.map(({ sessionId }) => sessionId))]
    const lines = new Map(await Promise.all(ids.map(async (id) => [id, (await lineages.of(id)).ids] as const)))
    const ended = await this.#endedOf([...new Set([...lines.values()].flat())], clock.now())
    return found.filter(({ sessionId }) => lines.get(sessionId)?.some((id) => ended.has(id)))
  }

  async #endedOf(ids: readonly string[], now: number): Promise<Set<string>> {
    const columns = ['id', 'status', 'expires_at']
    const ended = new Set<string>()
    for (let at = 0; at < ids.length; at += MAX_PAGE) {
      const where: Filter[] = [{ columns: ['id'], is: '=', values: ids.slice(at, at + MAX_PAGE) }]
      for (const row of await this.#options.reading.select({ table: 'sessions', columns, where })) {
        if (text(row, 'status') !== 'open' || int(row, 'expires_at') <= now) ended.add(text(row, 'id'))
      }
    }
    return ended
  }

  /** With its session and all above it locked. */
  async #onSession<T>(sessionId: string, foresee: (wants: Wants) => unknown, run: (hands: Hands) => T): Promise<Write<T>> {
    const locked = accounting(await this.#options.lineages.of(sessionId), run)
    return {
      ...locked,
      foresee(wants) {
        locked.foresee(wants)
        foresee(wants)
      },
    }
  }
}

interface Placed {
  readonly id: string
  readonly sessionId: string
}

function placed(row: Row): Placed {
  return { id: text(row, 'id'), sessionId: text(row, 'session_id') }
}

const LASTING: Filter = { columns: ['state'], is: '=', values: ['opening', 'open', 'closing'] }

/** With nothing locked but the channel. */
function onChannel<T>(id: string, foresee: (wants: Wants) => unknown, run: (hands: Hands) => T): Write<T> {
  return housekeeping(
    id,
    (wants) => {
      wants.row({ access: 'channel', values: [id] })
      foresee(wants)
    },
    run,
  )
}

function ignore(): void {
  // Nothing more is wanted.
}
