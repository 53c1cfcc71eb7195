/**
 * Corrections: a server that counts otherwise answers with a 402 and its own sums. They are taken where a signature of
 * ours or the chain bears them out, and nowhere else: a server's word alone moves no account.
 */
import { z } from 'zod'
import { channelIdOf, digestVoucher } from '../../../channel-digest.ts'
import { CHANNEL_AMOUNT_END } from '../../../channel-limits.ts'
import { ecdsa, isCanonical } from '../../../secp256k1.ts'
import type { ChannelConfig, Hex } from '../../../wallet/wallet.ts'
import { type ChannelAccount, higher } from './account.ts'
import type { ChannelOffer } from './offer.ts'

/** What the escrow says of a channel in a final block, atomic units. */
export interface ChannelOnChain {
  readonly balance: bigint
  readonly claimed: bigint
}

/** What the server says; `proof` is a voucher that it says to hold. */
export interface Correction {
  readonly charged: bigint
  readonly proof: { readonly cumulative: bigint; readonly signature: Hex }
}

export interface Disputed {
  readonly account: ChannelAccount
  readonly channel: ChannelConfig
  readonly chainId: number
  /** Undefined where the chain cannot be asked. */
  readonly chain: ChannelOnChain | undefined
}

const uint = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,38})$/)
  .transform((text) => BigInt(text))
const hex = z.templateLiteral(['0x', z.string().regex(/^[0-9a-fA-F]*$/)])
const stated = z.object({
  extra: z.object({
    channelState: z.object({ channelId: z.string(), chargedCumulativeAmount: uint }),
    voucherState: z.object({ signedMaxClaimable: uint, signature: hex }),
  }),
})

/** The sums that an offer of a second 402 brings; undefined where it brings none of this channel. */
export function readCorrection(
  { raw }: Pick<ChannelOffer, 'raw'>,
  { channel, chainId }: Omit<Disputed, 'account' | 'chain'>,
): Correction | undefined {
  const parsed = stated.safeParse(JSON.parse(raw))
  if (!parsed.success) return undefined
  const { channelState, voucherState } = parsed.data.extra
  if (channelState.channelId.toLowerCase() !== channelIdOf(channel, chainId).toLowerCase()) return undefined
  const proof = { cumulative: voucherState.signedMaxClaimable, signature: voucherState.signature }
  return { charged: channelState.chargedCumulativeAmount, proof }
}

/**
 * The account as corrected; undefined where nothing bears the correction out, or the account would not add up: such a
 * channel is paid through no more. What was signed stays out, however little the server says it charged.
 * @param correction absent: the server has no record of the channel, and the chain's sums are the only ones.
 */
export async function corrected(disputed: Disputed, correction: Correction | undefined): Promise<ChannelAccount | undefined> {
  const { account, chain } = disputed
  if (!correction) return chain && addingUp({ ...account, deposited: chain.balance, charged: chain.claimed })
  const { charged, proof } = correction
  if (chain && charged < chain.claimed) return undefined
  if (!(await isOurs(disputed, proof)) || charged > proof.cumulative) return undefined
  const signed = higher(account.signed, proof.cumulative)
  return addingUp({ deposited: chain?.balance ?? account.deposited, signed, charged })
}

async function isOurs({ channel, chainId }: Disputed, { cumulative, signature }: Correction['proof']): Promise<boolean> {
  if (cumulative >= CHANNEL_AMOUNT_END || !isCanonical(signature)) return false
  return ecdsa.isSignedBy(digestVoucher({ chainId, channel, cumulative }), signature, channel.payerAuthorizer).catch(() => false)
}

function addingUp(account: ChannelAccount): ChannelAccount | undefined {
  const { deposited, signed, charged } = account
  return charged <= signed && signed <= deposited ? account : undefined
}
