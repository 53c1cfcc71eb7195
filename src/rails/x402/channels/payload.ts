/** Payloads of the scheme `batch-settlement`, as @x402/evm writes and reads them: their shapes, and what ours say. */
import { z } from 'zod'
import { channelIdOf } from '../../../channel-digest.ts'
import type { ChannelConfig, Hex } from '../../../wallet/wallet.ts'

/** A deposit that the token takes within a window. Amount in atomic units, times in seconds since 1970. */
export interface DepositTerms {
  readonly amount: bigint
  readonly validAfter_s: number
  readonly validBefore_s: number
  /** 32 bytes, another one for every deposit. */
  readonly salt: Hex
}

/** What one request carries through a channel. `cumulative` is what the voucher lets the receiver claim in all. */
export interface ChannelMessage {
  readonly kind: 'deposit' | 'voucher' | 'refund'
  readonly channel: ChannelConfig
  readonly chainId: number
  readonly cumulative: bigint
  /** Of kind `deposit`, and of no other. */
  readonly deposit?: DepositTerms
  /** Of kind `refund`: how much to ask back; absent is all that was not charged. */
  readonly refund?: bigint
}

export interface Signatures {
  readonly voucher: Hex
  readonly deposit?: Hex
}

const hex = z.templateLiteral(['0x', z.string().regex(/^[0-9a-fA-F]*$/)])
const channelConfig = z.strictObject({
  payer: hex,
  payerAuthorizer: hex,
  receiver: hex,
  receiverAuthorizer: hex,
  token: hex,
  withdrawDelay: z.int(),
  salt: hex,
})
const voucher = z.strictObject({ channelId: hex, maxClaimableAmount: z.string(), signature: hex })
const authorization = z.strictObject({ validAfter: z.string(), validBefore: z.string(), salt: hex, signature: hex })
const deposit = z.strictObject({ amount: z.string(), authorization: z.strictObject({ erc3009Authorization: authorization }) })

export const payloadSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('deposit'), channelConfig, voucher, deposit }),
  z.strictObject({ type: z.literal('voucher'), channelConfig, voucher }),
  z.strictObject({ type: z.literal('refund'), channelConfig, voucher, amount: z.string().optional() }),
])
export type ChannelPayload = z.infer<typeof payloadSchema>

/** What has to be said, with these signatures. @throws RangeError where the message is of no kind. */
export function payloadOf(message: ChannelMessage, signatures: Signatures): ChannelPayload {
  const { channel, chainId, cumulative, kind } = message
  const signed = { channelId: channelIdOf(channel, chainId), maxClaimableAmount: `${cumulative}`, signature: signatures.voucher }
  const both = { channelConfig: { ...channel }, voucher: signed }
  if ((kind === 'deposit') !== (message.deposit !== undefined && signatures.deposit !== undefined))
    throw new RangeError('a deposit, its terms and its signature come together')
  if (message.deposit && signatures.deposit) return { type: 'deposit', ...both, deposit: depositOf(message.deposit, signatures.deposit) }
  if (kind === 'refund') return { type: 'refund', ...both, ...(message.refund !== undefined && { amount: `${message.refund}` }) }
  return { type: 'voucher', ...both }
}

function depositOf({ amount, validAfter_s, validBefore_s, salt }: DepositTerms, signature: Hex) {
  const window = { validAfter: `${validAfter_s}`, validBefore: `${validBefore_s}` }
  return { amount: `${amount}`, authorization: { erc3009Authorization: { ...window, salt, signature } } }
}

/** The signatures that a payload carries. */
export function signaturesIn(payload: ChannelPayload): Signatures {
  const { signature } = payload.voucher
  return payload.type === 'deposit'
    ? { voucher: signature, deposit: payload.deposit.authorization.erc3009Authorization.signature }
    : { voucher: signature }
}
