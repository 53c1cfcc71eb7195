/**
 * A channel's account: how each thing that becomes known changes it. Pure; whoever writes it down compares versions, so
 * that two who saw the same account never both go on from it.
 */
import { CHANNEL_LEASE_MS } from '../channel-limits.ts'
import type { Channel, ChannelEnd, ChannelNews, NewChannel, PendingVoucher, Vouching } from './channels.ts'

/** A channel with what only the ledger knows of it. */
export interface ChannelRecord {
  readonly channel: Channel
  /** The run whose voucher is pending. */
  readonly pendingRun: string | null
  /** From when on it is to be looked into (milliseconds since 1970); null while it does not close, and when it is closed. */
  readonly checkAt: number | null
  /** Who looks into it, until when. */
  readonly resolverRun: string | null
  readonly resolverUntil: number | null
  /** The final block that showed its end. */
  readonly block: bigint | null
}

export function openedChannel(channel: NewChannel, now: number): ChannelRecord {
  const account = { state: 'opening', deposited: 0n, signed: 0n, charged: 0n, returned: 0n, pending: null } as const
  const rest = { refused: false, transaction: null, openedAt: now, closedAt: null, version: 1 }
  return { ...NOBODY, channel: { ...channel, ...account, ...rest }, pendingRun: null, checkAt: null, block: null }
}

/**
 * With this voucher pending; whoever asks has found that it may take the place of the one before.
 * @throws RangeError where the sum is beyond what was deposited or is just being deposited by this payment, or less than
 * what is charged already.
 */
export function vouchedChannel(record: ChannelRecord, { paymentId, cumulative, deposit }: Vouching, run: string): ChannelRecord {
  const { deposited, charged, signed, pending, id } = record.channel
  const coming = deposit ?? (pending?.paymentId === paymentId ? pending.deposit : null)
  if (deposit !== undefined && deposit <= 0n) throw new RangeError(`channel ${id}: a deposit is more than nothing`)
  if (cumulative > deposited + (coming ?? 0n))
    throw new RangeError(`channel ${id}: ${cumulative} is more than the ${deposited + (coming ?? 0n)} that it has`)
  if (cumulative < charged) throw new RangeError(`channel ${id}: ${cumulative} is less than the ${charged} that it was charged`)
  const voucher: PendingVoucher = { paymentId, cumulative, base: charged, deposit: coming }
  return changed(record, { signed: most(signed, cumulative), pending: voucher }, { pendingRun: run })
}

/**
 * With what became known. One that closes does not open again.
 * @throws RangeError where the account would not add up: something shrank, or more was charged than signed or deposited.
 */
export function toldChannel(record: ChannelRecord, news: ChannelNews, now: number): ChannelRecord {
  const { channel } = record
  const over = channel.pending !== null && channel.pending.paymentId === news.over
  const account = {
    deposited: grown(channel, 'deposited', news.deposited),
    signed: grown(channel, 'signed', news.signed),
    charged: grown(channel, 'charged', news.charged),
  }
  checkAccount(channel, account)
  const known = {
    ...account,
    refused: channel.refused || news.refused === true,
    transaction: news.transaction ?? channel.transaction,
    pending: over ? null : channel.pending,
  }
  const told = changed(record, known, { pendingRun: over ? null : record.pendingRun })
  if (news.state === 'closing') return closingChannel(told, now)
  return news.state === 'open' && channel.state === 'opening' ? { ...told, channel: { ...told.channel, state: 'open' } } : told
}

/** In state closing, due to be looked into from now on; one that closes already is as it was. */
export function closingChannel(record: ChannelRecord, now: number): ChannelRecord {
  const { state } = record.channel
  return state === 'closing' || state === 'closed' ? record : { ...changed(record, { state: 'closing' }, NOBODY), checkAt: now }
}

/** Whether this run may look into it now: it is due, and nobody who lives does so. */
export function isDue(record: ChannelRecord, { now, alive, run }: { now: number; run: string; alive(run: string): boolean }): boolean {
  const { channel, checkAt, resolverRun, resolverUntil } = record
  if (channel.state !== 'closing' || checkAt === null || checkAt > now) return false
  return resolverRun === null || resolverUntil === null || resolverUntil <= now || (resolverRun !== run && !alive(resolverRun))
}

export function leasedChannel(record: ChannelRecord, { run, now }: { readonly run: string; readonly now: number }): ChannelRecord {
  return { ...record, resolverRun: run, resolverUntil: now + CHANNEL_LEASE_MS }
}

/** Nobody looks into it before then (milliseconds since 1970); nothing for one that does not close. */
export function putOffChannel(record: ChannelRecord, until: number): ChannelRecord {
  return record.checkAt === null ? record : { ...record, ...NOBODY, checkAt: until }
}

/** @throws RangeError where more came back than was deposited. */
export function closedChannel(record: ChannelRecord, { returned, transaction, block }: ChannelEnd, now: number): ChannelRecord {
  const { id, deposited } = record.channel
  if (returned < 0n || returned > deposited) throw new RangeError(`channel ${id}: ${returned} cannot come back of ${deposited}`)
  const end = { state: 'closed', returned, closedAt: now, pending: null, transaction: transaction ?? record.channel.transaction } as const
  return { ...changed(record, end, NOBODY), pendingRun: null, checkAt: null, block }
}

const NOBODY = { resolverRun: null, resolverUntil: null }

function changed(record: ChannelRecord, account: Partial<Channel>, rest: Partial<ChannelRecord>): ChannelRecord {
  return { ...record, ...rest, channel: { ...record.channel, ...account, version: record.channel.version + 1 } }
}

type Account = Pick<Channel, 'deposited' | 'signed' | 'charged'>

function grown(channel: Channel, what: keyof Account, to: bigint | undefined): bigint {
  if (to === undefined) return channel[what]
  if (to < channel[what]) throw new RangeError(`channel ${channel.id}: ${what} was ${channel[what]} and cannot be ${to}`)
  return to
}

/** What a refused deposit would have brought may stay signed; nothing new is. */
function checkAccount({ id, pending, signed: before }: Channel, { deposited, signed, charged }: Account): void {
  const most = deposited + (pending?.deposit ?? 0n)
  if (charged > signed) throw new RangeError(`channel ${id}: ${charged} charged is more than the ${signed} signed`)
  if (charged > most || (signed > before && signed > most))
    throw new RangeError(`channel ${id}: ${charged} charged and ${signed} signed do not fit into ${most}`)
}

function most(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
