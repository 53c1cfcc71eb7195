/** What a server says of a request that a channel paid for. A claim: the account takes it only where it adds up. */
import { z } from 'zod'
import { type Head, headerValues } from '../../../http.ts'
import { MAX_402_HEADER_BYTES } from '../../../limits.ts'
import type { Hex } from '../../../wallet/wallet.ts'
import { readStrictJson } from '../../strict-json.ts'
import type { Charge } from './account.ts'

export type ChannelStatement =
  /** Atomic units; `transaction` where the request brought a deposit. */
  | { readonly kind: 'charged'; readonly charge: Charge; readonly transaction: Hex | undefined }
  | { readonly kind: 'refunded'; readonly amountAtomic: bigint; readonly transaction: Hex }
  /** Proves nothing, in particular not that nothing was taken. The reason is ours, not the server's text. */
  | { readonly kind: 'unproven'; readonly reason: string }

const uint = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,77})$/)
  .transform((text) => BigInt(text))
const HASH = /^0x[0-9a-fA-F]{64}$/
const hash = z.custom<Hex>((value) => typeof value === 'string' && HASH.test(value)).transform((value) => value.toLowerCase() as Hex)
const stated = z.object({ success: z.literal(true), network: z.string(), transaction: z.string() })
const charged = z.object({
  extra: z.object({ chargedAmount: uint, channelState: z.object({ channelId: z.string(), chargedCumulativeAmount: uint }) }),
})
const refunded = z.object({ transaction: hash, amount: uint, extra: z.object({ channelState: z.object({ channelId: z.string() }) }) })

/** Undefined where the server says nothing of the money. */
export function readStatement(
  head: Head,
  { channelId, network, kind }: { readonly channelId: Hex; readonly network: string; readonly kind: 'deposit' | 'voucher' | 'refund' },
): ChannelStatement | undefined {
  const values = headerValues(head.headers, 'payment-response')
  if (values.length === 0) return undefined
  const [value] = values
  const said = values.length === 1 && value !== undefined ? decode(value) : undefined
  const common = stated.safeParse(said)
  if (!common.success) return unproven('The server’s statement cannot be read, or says that the payment failed.')
  if (common.data.network !== network) return unproven('The server’s statement names another network.')
  return kind === 'refund' ? refundIn(said, channelId) : chargeIn(said, channelId, kind === 'deposit')
}

function chargeIn(said: unknown, channelId: Hex, withDeposit: boolean): ChannelStatement {
  const parsed = charged.safeParse(said)
  if (!parsed.success) return unproven('The server does not say what it charged.')
  const { chargedAmount, channelState } = parsed.data.extra
  if (channelState.channelId.toLowerCase() !== channelId.toLowerCase()) return unproven('The server’s statement is of another channel.')
  const transaction = withDeposit ? z.object({ transaction: hash }).safeParse(said).data?.transaction : undefined
  return { kind: 'charged', charge: { amount: chargedAmount, cumulative: channelState.chargedCumulativeAmount }, transaction }
}

function refundIn(said: unknown, channelId: Hex): ChannelStatement {
  const parsed = refunded.safeParse(said)
  if (!parsed.success) return unproven('The server does not say what it gave back.')
  const { transaction, amount, extra } = parsed.data
  if (extra.channelState.channelId.toLowerCase() !== channelId.toLowerCase())
    return unproven('The server’s statement is of another channel.')
  return { kind: 'refunded', amountAtomic: amount, transaction }
}

function decode(value: string): unknown {
  if (value.length > MAX_402_HEADER_BYTES * 2) return undefined
  const json = readStrictJson(Buffer.from(value, 'base64').toString('utf8'))
  return json.kind === 'read' ? json.value : undefined
}

function unproven(reason: string): ChannelStatement {
  return { kind: 'unproven', reason }
}
