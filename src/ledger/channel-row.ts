/** Rows of channels and of their vouchers, alike in both ledgers. Atomic units are text. */
import type { ChannelRecord } from './channel-account.ts'
import type { Channel, ChannelKey, ChannelState, PendingVoucher } from './channels.ts'
import { flag, int, maybeInt, maybeText, type Row, RowError, text, word } from './rows.ts'

export const CHANNEL_STATES: readonly ChannelState[] = ['opening', 'open', 'closing', 'closed']

/** What was signed for a payment. */
export interface VoucherRecord {
  readonly paymentId: string
  readonly channelId: string
  readonly cumulative: bigint
  /** What the channel had charged then. */
  readonly base: bigint
  readonly deposit: bigint | null
}

export function readChannelRecord(row: Row): ChannelRecord {
  return {
    channel: readChannel(row),
    pendingRun: maybeText(row, 'pending_run'),
    checkAt: maybeInt(row, 'check_at'),
    resolverRun: maybeText(row, 'resolver_run'),
    resolverUntil: maybeInt(row, 'resolver_until'),
    block: maybeUnits(row, 'block'),
  }
}

export function readChannel(row: Row): Channel {
  return {
    ...readKey(row),
    id: text(row, 'id'),
    payer: text(row, 'payer'),
    salt: text(row, 'salt'),
    url: text(row, 'url'),
    offer: text(row, 'offer'),
    decimals: int(row, 'decimals'),
    currency: text(row, 'currency'),
    state: word(row, 'state', CHANNEL_STATES),
    deposited: units(row, 'deposited'),
    signed: units(row, 'signed'),
    charged: units(row, 'charged'),
    returned: units(row, 'returned'),
    pending: readPending(row),
    refused: flag(row, 'refused'),
    transaction: maybeText(row, 'tx'),
    openedAt: int(row, 'opened_at'),
    closedAt: maybeInt(row, 'closed_at'),
    version: int(row, 'version'),
  }
}

export function readVoucher(row: Row): VoucherRecord {
  return {
    paymentId: text(row, 'payment_id'),
    channelId: text(row, 'channel_id'),
    cumulative: units(row, 'cumulative'),
    base: units(row, 'base'),
    deposit: maybeUnits(row, 'deposit'),
  }
}

function readKey(row: Row): ChannelKey {
  return {
    sessionId: text(row, 'session_id'),
    network: text(row, 'network'),
    asset: text(row, 'asset'),
    receiver: text(row, 'receiver'),
    receiverAuthorizer: text(row, 'receiver_authorizer'),
    withdrawDelay_s: int(row, 'withdraw_delay'),
  }
}

function readPending(row: Row): PendingVoucher | null {
  const paymentId = maybeText(row, 'pending_payment')
  if (paymentId === null) return null
  return {
    paymentId,
    cumulative: units(row, 'pending_cumulative'),
    base: units(row, 'pending_base'),
    deposit: maybeUnits(row, 'pending_deposit'),
  }
}

type Columns = Record<string, string | number | null>

/** What a channel is looked up by, in the order of its index. */
export function keyColumns(key: ChannelKey) {
  return {
    session_id: key.sessionId,
    network: key.network,
    asset: key.asset,
    receiver: key.receiver,
    receiver_authorizer: key.receiverAuthorizer,
    withdraw_delay: key.withdrawDelay_s,
  }
}

/** All columns by name, but for the place in the order of writing. */
export function channelColumns({ channel, ...record }: ChannelRecord): Columns {
  return {
    id: channel.id,
    ...keyColumns(channel),
    payer: channel.payer,
    salt: channel.salt,
    url: channel.url,
    offer: channel.offer,
    decimals: channel.decimals,
    currency: channel.currency,
    ...movingColumns({ channel, ...record }),
    opened_at: channel.openedAt,
  }
}

/** The columns that change, by name. */
export function movingColumns({ channel, pendingRun, checkAt, resolverRun, resolverUntil, block }: ChannelRecord): Columns {
  const { pending } = channel
  return {
    state: channel.state,
    deposited: channel.deposited.toString(),
    signed: channel.signed.toString(),
    charged: channel.charged.toString(),
    returned: channel.returned.toString(),
    refused: channel.refused ? 1 : 0,
    tx: channel.transaction,
    block: digits(block),
    closed_at: channel.closedAt,
    version: channel.version,
    pending_payment: pending?.paymentId ?? null,
    pending_cumulative: digits(pending?.cumulative),
    pending_base: digits(pending?.base),
    pending_deposit: digits(pending?.deposit),
    pending_run: pendingRun,
    check_at: checkAt,
    resolver_run: resolverRun,
    resolver_until: resolverUntil,
  }
}

export function voucherColumns({ paymentId, channelId, cumulative, base, deposit }: VoucherRecord): Columns {
  return {
    payment_id: paymentId,
    channel_id: channelId,
    cumulative: cumulative.toString(),
    base: base.toString(),
    deposit: digits(deposit),
    brings: deposit === null ? 0 : 1,
  }
}

function digits(amount: bigint | null | undefined): string | null {
  return amount?.toString() ?? null
}

function units(row: Row, column: string): bigint {
  const value = text(row, column)
  if (!/^[0-9]+$/.test(value)) throw new RowError(`column ${column} does not hold an amount`)
  return BigInt(value)
}

function maybeUnits(row: Row, column: string): bigint | null {
  return row[column] === null ? null : units(row, column)
}
