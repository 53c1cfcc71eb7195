/** The channels' table. Few change it, so that its rows are read and written where they stand. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { ChannelRecord } from '../channel-account.ts'
import {
  channelColumns,
  keyColumns,
  movingColumns,
  readChannelRecord,
  readVoucher,
  type VoucherRecord,
  voucherColumns,
} from '../channel-row.ts'
import type { ChannelKey } from '../channels.ts'
import { type Row, text } from '../rows.ts'
import type { ChannelTable, Transaction } from '../tables.ts'

export class ChannelRows implements ChannelTable {
  readonly #sql: ReturnType<typeof prepare>
  readonly #alive: (run: string) => boolean

  constructor(db: DatabaseSync, alive: (run: string) => boolean) {
    this.#sql = prepare(db)
    this.#alive = alive
  }

  find(id: string): ChannelRecord | undefined {
    return maybeRecord(this.#sql.byId.get(id))
  }

  current(key: ChannelKey): ChannelRecord | undefined {
    return maybeRecord(this.#sql.current.get(...Object.values(keyColumns(key))))
  }

  saltUsed(salt: string): boolean {
    return this.#sql.bySalt.get(salt) !== undefined
  }

  insert(_tx: Transaction, record: ChannelRecord): void {
    this.#sql.insert.run(named(channelColumns(record)))
  }

  change(_tx: Transaction, record: ChannelRecord): void {
    this.#sql.update.run(named({ id: record.channel.id, ...movingColumns(record) }))
  }

  putVoucher(_tx: Transaction, voucher: VoucherRecord): void {
    this.#sql.putVoucher.run(named(voucherColumns(voucher)))
  }

  deposits(channelId: string): string[] {
    return this.#sql.deposits.all(channelId).map((row: Row) => text(row, 'payment_id'))
  }

  alive(_tx: Transaction, run: string): boolean {
    return this.#alive(run)
  }

  voucher(paymentId: string): VoucherRecord | undefined {
    const row: Row | undefined = this.#sql.voucher.get(paymentId)
    return row && readVoucher(row)
  }

  /** Ids of channels whose session, or an ancestor of it, has ended, and which do not close yet; the oldest first. */
  ended(now: number, limit: number): string[] {
    return this.#sql.ended.all(now, limit).map((row: Row) => text(row, 'id'))
  }

  /** Ids of channels that close and are due, longest waiting first. */
  due(now: number): string[] {
    return this.#sql.due.all(now).map((row: Row) => text(row, 'id'))
  }
}

function maybeRecord(row: Row | undefined): ChannelRecord | undefined {
  return row && readChannelRecord(row)
}

/** As named parameters. */
function named(columns: Readonly<Record<string, SQLInputValue>>): Record<string, SQLInputValue> {
  return Object.fromEntries(Object.entries(columns).map(([name, value]) => [`$${name}`, value]))
}

const KEY = ['session_id', 'network', 'asset', 'receiver', 'receiver_authorizer', 'withdraw_delay'] as const
const FIXED = ['id', ...KEY, 'payer', 'salt', 'url', 'offer', 'decimals', 'currency', 'opened_at'] as const
const MOVING = [
  ...(['state', 'deposited', 'signed', 'charged', 'returned', 'refused', 'tx', 'block', 'closed_at', 'version'] as const),
  ...(['pending_payment', 'pending_cumulative', 'pending_base', 'pending_deposit', 'pending_run'] as const),
  ...(['check_at', 'resolver_run', 'resolver_until'] as const),
] as const
const VOUCHER = ['payment_id', 'channel_id', 'cumulative', 'base', 'deposit', 'brings'] as const

function prepare(db: DatabaseSync) {
  const insertInto = (table: string, columns: readonly string[]) =>
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((column) => `$${column}`).join(', ')})`
  const set = (columns: readonly string[], to: (column: string) => string) =>
    columns.map((column) => `${column} = ${to(column)}`).join(', ')
  return {
    byId: db.prepare('SELECT * FROM channels WHERE id = ?'),
    current: db.prepare(`SELECT * FROM channels WHERE ${KEY.map((column) => `${column} = ?`).join(' AND ')} AND state <> 'closed'`),
    bySalt: db.prepare('SELECT id FROM channels WHERE salt = ?'),
    insert: db.prepare(insertInto('channels', [...FIXED, ...MOVING])),
    update: db.prepare(`UPDATE channels SET ${set(MOVING, (column) => `$${column}`)} WHERE id = $id`),
    putVoucher: db.prepare(
      `${insertInto('channel_vouchers', VOUCHER)} ON CONFLICT (payment_id) DO UPDATE SET ${set(VOUCHER, (column) => `excluded.${column}`)}`,
    ),
    deposits: db.prepare('SELECT payment_id FROM channel_vouchers WHERE channel_id = ? AND brings = 1'),
    voucher: db.prepare('SELECT * FROM channel_vouchers WHERE payment_id = ?'),
    ended: db.prepare(`
      WITH RECURSIVE line (channel, seq, session) AS (
        SELECT id, seq, session_id FROM channels INDEXED BY channels_live WHERE state IN ('opening', 'open')
        UNION ALL SELECT channel, line.seq, parent FROM sessions JOIN line ON sessions.id = line.session WHERE parent IS NOT NULL)
      SELECT DISTINCT channel AS id, line.seq FROM sessions JOIN line ON sessions.id = line.session
      WHERE status <> 'open' OR expires_at <= ? ORDER BY line.seq LIMIT ?`),
    due: db.prepare('SELECT id FROM channels INDEXED BY channels_due WHERE check_at IS NOT NULL AND check_at <= ? ORDER BY check_at, seq'),
  }
}
