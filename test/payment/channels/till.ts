/** A seller by channel that a test holds in its hand: it reads what it is sent, and says what it is told to say. */
import { z } from 'zod'
import type { RawHeaders } from '../../../src/http.ts'
import type { SendResult, UnpaidAnswer } from '../../../src/session/exchange.ts'
import { CHANNEL_ENTRY } from '../../rails/x402/channels/offers.ts'
import { answer, NETWORK, URL_ASKED } from '../rig.ts'

export const PRICE = 1_000n

/** What one request brought. */
export interface Brought {
  readonly kind: 'deposit' | 'voucher'
  readonly channelId: string
  readonly cumulative: bigint
  readonly deposit: bigint
  readonly signature: string
}

const carried = z.object({
  payload: z.object({
    type: z.enum(['deposit', 'voucher']),
    voucher: z.object({ channelId: z.string(), maxClaimableAmount: z.string(), signature: z.string() }),
    deposit: z.object({ amount: z.string() }).optional(),
  }),
})

export function brought([, value = '']: RawHeaders): Brought {
  const { payload } = carried.parse(JSON.parse(Buffer.from(value, 'base64').toString('utf8')))
  const { channelId, maxClaimableAmount, signature } = payload.voucher
  return { kind: payload.type, channelId, cumulative: BigInt(maxClaimableAmount), deposit: BigInt(payload.deposit?.amount ?? 0), signature }
}

/** The 402; `extra` corrects a channel's account. */
export function asksByChannel(extra: Record<string, unknown> = {}, changes: Record<string, unknown> = {}): UnpaidAnswer {
  const entry = { ...CHANNEL_ENTRY, ...changes, extra: { ...CHANNEL_ENTRY.extra, ...extra } }
  const required = { x402Version: 2, resource: { url: URL_ASKED }, accepts: [entry] }
  return { status: 402, headers: ['payment-required', base64(required)], body: new Uint8Array() }
}

/** The same as an answer to a payment. */
export function rejects(extra: Record<string, unknown> = {}): SendResult {
  return answer(402, asksByChannel(extra).headers)
}

/** What corrects the account of this channel: its sum, and a voucher that proves it. */
export function correction(charged: bigint, { channelId, cumulative, signature }: Pick<Brought, 'channelId' | 'cumulative' | 'signature'>) {
  const channelState = { channelId, chargedCumulativeAmount: `${charged}` }
  return { channelState, voucherState: { signedMaxClaimable: `${cumulative}`, signature } }
}

/** Goods, and the word of the server that it charged so much, and so much in all. */
export function charges({ channelId, kind }: Brought, amount: bigint, cumulative: bigint): SendResult {
  const extra = { chargedAmount: `${amount}`, channelState: { channelId, chargedCumulativeAmount: `${cumulative}` } }
  const transaction = kind === 'deposit' ? `0x${'ab'.repeat(32)}` : ''
  return answer(200, ['payment-response', base64({ success: true, network: NETWORK, transaction, extra })])
}

/** The answer is lost, whatever the server did. */
export const LOST: SendResult = { kind: 'failed', sent: true, code: 'upstream_timeout', detail: 'The answer was lost.' }

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64')
}
