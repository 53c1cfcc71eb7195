import { isBatchSettlementDepositPayload, isBatchSettlementRefundPayload, isBatchSettlementVoucherPayload } from '@x402/evm'
import { computeChannelId } from '@x402/evm/batch-settlement/client'
import { describe, expect, it } from 'vitest'
import { payloadOf, payloadSchema, signaturesIn } from '../../../../src/rails/x402/channels/payload.ts'
import { NETWORK } from '../challenges.ts'
import { ownChannel, SALT } from './offers.ts'

const SIGNATURE = `0x${'12'.repeat(65)}` as const
const OTHER = `0x${'21'.repeat(65)}` as const
const DEPOSIT = { amount: 50_000n, validAfter_s: 0, validBefore_s: 1_800_000_000, salt: SALT }

async function message() {
  return { channel: await ownChannel(), chainId: 84532, cumulative: 1_000n }
}

describe('a payload', () => {
  it('of each kind is one of the protocol’s, and carries its signatures', async () => {
    const common = await message()
    const deposit = payloadOf({ ...common, kind: 'deposit', deposit: DEPOSIT }, { voucher: SIGNATURE, deposit: OTHER })
    const voucher = payloadOf({ ...common, kind: 'voucher' }, { voucher: SIGNATURE })
    const refund = payloadOf({ ...common, kind: 'refund' }, { voucher: SIGNATURE })
    expect(isBatchSettlementDepositPayload(deposit)).toBe(true)
    expect(isBatchSettlementVoucherPayload(voucher)).toBe(true)
    expect(isBatchSettlementRefundPayload(refund)).toBe(true)
    expect(signaturesIn(deposit)).toEqual({ voucher: SIGNATURE, deposit: OTHER })
    expect(signaturesIn(voucher)).toEqual({ voucher: SIGNATURE })
    for (const payload of [deposit, voucher, refund]) {
      expect(payload.voucher).toEqual({
        channelId: computeChannelId(common.channel, NETWORK),
        maxClaimableAmount: '1000',
        signature: SIGNATURE,
      })
      expect(payloadSchema.parse(JSON.parse(JSON.stringify(payload)))).toEqual(payload)
    }
  })

  it('asks all back, or so much', async () => {
    expect(payloadOf({ ...(await message()), kind: 'refund', refund: 7n }, { voucher: SIGNATURE })).toMatchObject({ amount: '7' })
    expect(payloadOf({ ...(await message()), kind: 'refund' }, { voucher: SIGNATURE })).not.toHaveProperty('amount')
  })

  it('is none where deposit, terms and signature do not come together', async () => {
    const common = await message()
    expect(() => payloadOf({ ...common, kind: 'deposit' }, { voucher: SIGNATURE, deposit: OTHER })).toThrow('come together')
    expect(() => payloadOf({ ...common, kind: 'deposit', deposit: DEPOSIT }, { voucher: SIGNATURE })).toThrow('come together')
    expect(() => payloadOf({ ...common, kind: 'voucher', deposit: DEPOSIT }, { voucher: SIGNATURE, deposit: OTHER })).toThrow(
      'come together',
    )
  })

  it('with a member more is not read', async () => {
    const payload = payloadOf({ ...(await message()), kind: 'voucher' }, { voucher: SIGNATURE })
    expect(payloadSchema.safeParse({ ...payload, deposit: {} }).success).toBe(false)
    expect(payloadSchema.safeParse({ ...payload, type: 'claim' }).success).toBe(false)
  })
})
