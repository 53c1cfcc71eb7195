import { getAddress, zeroAddress } from 'viem'
import { describe, expect, it } from 'vitest'
import type { RejectedOffer } from '../../../../src/rails/rail.ts'
import { PAY_TO, USDC, wallet } from '../challenges.ts'
import { AUTHORIZER, CHANNEL_ENTRY, DAY_S, offerOf, ownChannel, readEntry, SALT } from './offers.ts'

function withExtra(change: Record<string, unknown>) {
  return { ...CHANNEL_ENTRY, extra: { ...CHANNEL_ENTRY.extra, ...change } }
}

function expectRejected(value: unknown, code: RejectedOffer['code'], reason: RegExp, delay_s = DAY_S): void {
  expect(readEntry(value, delay_s)).toEqual({ index: 0, code, reason: expect.stringMatching(reason) })
}

describe('an offer to pay by channel', () => {
  it('is rebuilt from vetted values', () => {
    const channel = { receiverAuthorizer: getAddress(AUTHORIZER), withdrawDelay_s: 900, minDeposit: 10_000n }
    expect(offerOf()).toMatchObject({
      scheme: 'batch-settlement',
      amount: 1_000n,
      payTo: PAY_TO,
      channel,
      raw: JSON.stringify(CHANNEL_ENTRY),
    })
  })

  it('is of version 2 and of this scheme', () => {
    expect(readEntry(CHANNEL_ENTRY, DAY_S, 1)).toMatchObject({ code: 'scheme_not_supported' })
    expectRejected({ ...CHANNEL_ENTRY, scheme: 'exact' }, 'scheme_not_supported', /no offer to pay by channel/)
    expectRejected({ ...CHANNEL_ENTRY, extra: null }, 'scheme_not_supported', /no offer to pay by channel/)
  })

  it('is refused where its withdraw delay is beyond the operator’s maximum', () => {
    expect(readEntry(withExtra({ withdrawDelay: 3_600 }), 3_600)).toMatchObject({ channel: { withdrawDelay_s: 3_600 } })
    expectRejected(withExtra({ withdrawDelay: 3_601 }), 'scheme_not_supported', /delay of 3601 s; the operator allows 3600 s/, 3_600)
  })

  it.each([899, 2_592_001, 0, -900])('is refused where its withdraw delay of %s s is none of the escrow', (withdrawDelay) => {
    expectRejected(withExtra({ withdrawDelay }), 'scheme_not_supported', /delay that the escrow does not take/, 10 ** 9)
  })

  it.each([undefined, null, '900', 900.5, Number.MAX_VALUE])('is refused where its withdraw delay is %j', (withdrawDelay) => {
    expectRejected(withExtra({ withdrawDelay }), 'scheme_not_supported', /withdrawDelay/)
  })

  it.each([undefined, 1, '0x12', `${AUTHORIZER}00`])('is refused where its receiver authorizer is %j', (receiverAuthorizer) => {
    expectRejected(withExtra({ receiverAuthorizer }), 'scheme_not_supported', /receiverAuthorizer/)
  })

  it.each([zeroAddress, `${PAY_TO.slice(0, -1)}c`])('is refused where nobody can be its receiver authorizer: %s', (receiverAuthorizer) => {
    expectRejected(withExtra({ receiverAuthorizer }), 'challenge_invalid', /receiver authorizer that is no address/)
  })

  it('is refused where the deposit would need an allowance, or the server settles before it serves', () => {
    expectRejected(withExtra({ assetTransferMethod: 'permit2' }), 'scheme_not_supported', /transfer ?method/i)
    expectRejected(withExtra({ paymentFlow: 'upfront' }), 'scheme_not_supported', /paymentFlow/)
  })

  it('is refused for what every offer is refused for', () => {
    expectRejected({ ...CHANNEL_ENTRY, asset: PAY_TO }, 'asset_unknown', /not configured/)
    expectRejected({ ...CHANNEL_ENTRY, network: 'eip155:1' }, 'network_not_allowed', /eip155:1/)
    expectRejected({ ...CHANNEL_ENTRY, amount: '0' }, 'challenge_invalid', /amount/)
    expectRejected({ ...CHANNEL_ENTRY, amount: `${2n ** 128n}` }, 'challenge_invalid', /128 bits/)
    expectRejected({ ...CHANNEL_ENTRY, payTo: USDC }, 'challenge_invalid', /contract of a token/)
    expectRejected(withExtra({ version: '1' }), 'challenge_invalid', /EIP-712 version/)
  })

  it.each([undefined, 'a lot', '-1', '1.5', 7, '1'.repeat(90)])('takes a minimum deposit of %j for no information', (minDeposit) => {
    expect(readEntry(withExtra({ minDeposit }))).toMatchObject({ channel: { minDeposit: undefined } })
  })
})

it('a channel is that of the payer alone, with what was vetted', async () => {
  const payer = await wallet.address(null)
  expect(await ownChannel()).toEqual({
    ...{ payer, payerAuthorizer: payer, receiver: PAY_TO, receiverAuthorizer: getAddress(AUTHORIZER) },
    ...{ token: USDC, withdrawDelay: 900, salt: SALT },
  })
})
