/**
 * What the benchmarks' origin sells by payment channel: it keeps each channel's sum as an official server would, so that
 * vouchers follow each other, and checks and settles nothing.
 */
import { z } from 'zod'
import { NETWORK, USDC } from '../testnet/chain.ts'
import { challengeWith, encodeBase64, envelopeOf, parseJson, type WireAnswer } from '../testnet/wire.ts'

export interface ChannelSale {
  readonly merchant: string
  readonly priceAtomic: string
  /** The URL that is sold. */
  readonly resource: string
}

/** The challenge, and the statement for each payment header that comes with the request's head. */
export interface ChannelSeller {
  readonly challenge: WireAnswer
  /** The value of PAYMENT-RESPONSE; undefined where the head brings no payment through a channel. */
  statementFor(head: string): string | undefined
}

const HEADER = /\r\npayment-signature: *([^\r]+)/i
const paid = z.looseObject({
  payload: z.looseObject({ type: z.enum(['deposit', 'voucher']), voucher: z.looseObject({ channelId: z.string() }) }),
})

export function sellByChannel({ merchant, priceAtomic, resource }: ChannelSale): ChannelSeller {
  const charged = new Map<string, bigint>()
  const extra = { name: 'USDC', version: '2', receiverAuthorizer: merchant, withdrawDelay: 900 }
  const offer = {
    scheme: 'batch-settlement',
    network: NETWORK,
    asset: USDC,
    payTo: merchant,
    maxTimeoutSeconds: 60,
    amount: priceAtomic,
    extra,
  }
  return {
    challenge: challengeWith(2, envelopeOf(2, { offers: [offer], resource })),
    statementFor: (head) => {
      const header = HEADER.exec(head)?.[1]
      const said = header && paid.safeParse(parseJson(Buffer.from(header, 'base64').toString())).data?.payload
      if (!said) return undefined
      const { channelId } = said.voucher
      const sum = (charged.get(channelId) ?? 0n) + BigInt(priceAtomic)
      charged.set(channelId, sum)
      const channelState = { channelId, chargedCumulativeAmount: `${sum}` }
      const transaction = said.type === 'deposit' ? `0x${charged.size.toString(16).padStart(64, '0')}` : ''
      return encodeBase64({ success: true, transaction, network: NETWORK, amount: '', extra: { chargedAmount: priceAtomic, channelState } })
    },
  }
}
