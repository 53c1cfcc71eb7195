/** Channels in the working set: their accounts, and what was signed for the payments through them. */
import type { ChannelRecord } from '../channel-account.ts'
import { channelColumns, keyColumns, movingColumns, readChannelRecord, type VoucherRecord, voucherColumns } from '../channel-row.ts'
import type { ChannelKey } from '../channels.ts'
import { type Row, text } from '../rows.ts'
import type { ChannelTable, Transaction } from '../tables.ts'
import type { WorkingSet } from './working-set.ts'

export class ChannelRows implements ChannelTable {
  readonly #set: WorkingSet
  readonly #runId: string

  constructor(set: WorkingSet, runId: string) {
    this.#set = set
    this.#runId = runId
  }

  find(id: string): ChannelRecord | undefined {
    return maybeRecord(this.#set.row('channel', id))
  }

  current(key: ChannelKey): ChannelRecord | undefined {
    const columns: Readonly<Record<string, string | number>> = keyColumns(key)
    const same = (row: Row) =>
      Object.entries(columns).every(([name, value]) => row[name] === (typeof value === 'number' ? BigInt(value) : value))
    return maybeRecord(this.#set.rows('channelsOf', key.sessionId).find((row) => row.state !== 'closed' && same(row)))
  }

  saltUsed(salt: string): boolean {
    return this.#set.row('channelSalt', salt) !== undefined
  }

  insert(_tx: Transaction, record: ChannelRecord): void {
    this.#set.insert('channels', channelColumns(record))
  }

  change(_tx: Transaction, record: ChannelRecord): void {
    const row = this.#set.row('channel', record.channel.id)
    if (row) this.#set.update('channels', row, movingColumns(record))
  }

  putVoucher(_tx: Transaction, voucher: VoucherRecord): void {
    const row = this.#set.row('voucher', voucher.paymentId)
    if (row) this.#set.update('channel_vouchers', row, voucherColumns(voucher))
    else this.#set.insert('channel_vouchers', voucherColumns(voucher))
  }

  deposits(channelId: string): string[] {
    return this.#set.rows('depositsOf', channelId).map((row) => text(row, 'payment_id'))
  }

  alive(_tx: Transaction, run: string): boolean {
    return run === this.#runId || this.#set.rows('livingRuns').some(({ id }) => id === run)
  }
}

function maybeRecord(row: Row | undefined): ChannelRecord | undefined {
  return row && readChannelRecord(row)
}
