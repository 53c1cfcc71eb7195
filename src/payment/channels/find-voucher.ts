/**
 * What became of a voucher whose answer was lost. No chain shows it: until its channel is closed it may still be charged.
 * What is left in the escrow then is the most that the receiver can ever claim by all vouchers together.
 */
import type { Channel, ChannelStore } from '../../ledger/channels.ts'
import type { Finding } from '../../ledger/findings.ts'
import type { Payment } from '../../ledger/ledger.ts'
import { formatAtomic } from '../../money.ts'

/** Undefined where nothing is certain yet. */
export async function findVoucher(channels: Pick<ChannelStore, 'voucher' | 'channel'>, payment: Payment): Promise<Finding | undefined> {
  const voucher = await channels.voucher(payment.id)
  const channel = voucher && (await channels.channel(voucher.channelId))
  return voucher && channel?.state === 'closed' ? findingOf(channel, { payment, ...voucher }) : undefined
}

interface Vouched {
  readonly payment: Payment
  readonly cumulative: bigint
  readonly base: bigint
}

function findingOf(channel: Channel, { payment, cumulative, base }: Vouched): Finding {
  const { id, charged, deposited, returned, transaction, decimals } = channel
  const show = (atomic: bigint) => `${formatAtomic(atomic, decimals)} ${payment.terms?.asset.symbol ?? ''}`.trim()
  if (payment.state === 'settled' || charged >= cumulative) {
    const reason = `Channel ${id} is closed, with ${show(charged)} charged in all.`
    return { kind: 'settled', evidence: 'confirmed', transaction: transaction ?? id, block: null, reason }
  }
  const left = deposited - returned
  if (left <= base)
    return {
      kind: 'dead',
      evidence: 'confirmed',
      block: null,
      reason: `Channel ${id} is closed with ${show(left)} left, so that it was never charged.`,
    }
  return { kind: 'expired', reason: `Channel ${id} is closed, and its receiver may still claim up to ${show(left)} by what was signed.` }
}
