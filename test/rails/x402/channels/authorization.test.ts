import { describe, expect, it } from 'vitest'
import { depositNonceOf } from '../../../../src/channel-digest.ts'
import type { AuthorizeRequest, Challenge, Offer } from '../../../../src/rails/rail.ts'
import { knownAssets } from '../../../../src/rails/x402/assets.ts'
import { channelOf, isChannelOffer } from '../../../../src/rails/x402/channels/offer.ts'
import { createX402Rail } from '../../../../src/rails/x402/x402.ts'
import { challengeOf, ENTRY_V2, headOf, NETWORK, REQUIRED_V2, wallet } from '../challenges.ts'
import { CHANNEL_ENTRY, DAY_S, SALT } from './offers.ts'

const OTHER_SALT = `0x${'5a'.repeat(32)}` as const
const NONCE = `0x${'0e'.repeat(32)}` as const
const accepted = { assets: knownAssets(), networks: [NETWORK] }
const rail = createX402Rail({ ...accepted, channels: { networks: [NETWORK], maxWithdrawDelay_s: DAY_S } })

function asked(value: Record<string, unknown> = CHANNEL_ENTRY, by = rail): Challenge {
  return challengeOf(by.detect(headOf({ ...REQUIRED_V2, accepts: [value, ENTRY_V2] }), undefined))
}

function channelOffer(challenge: Challenge): Offer {
  const [offer] = challenge.offers
  if (!offer) throw new Error('no offer')
  return offer
}

function request(challenge: Challenge, changes: Partial<AuthorizeRequest> = {}): AuthorizeRequest {
  const channel = { salt: SALT, cumulative: 1_000n }
  const window = { validAfter_s: 1_000, validBefore_s: 2_000 }
  return { challenge, offer: channelOffer(challenge), nonce: NONCE, ...window, walletName: null, channel, ...changes }
}

describe('an offer to pay by channel', () => {
  it('is one of the challenge, beside others', () => {
    const { offers } = asked()
    expect(offers.map(({ scheme }) => scheme)).toEqual(['batch-settlement', 'exact'])
    expect(offers.map(isChannelOffer)).toEqual([true, false])
  })

  it('is rejected where channels are off, on a network whose chain cannot be asked, and beyond the longest delay', () => {
    const elsewhere = createX402Rail({ ...accepted, channels: { networks: [], maxWithdrawDelay_s: DAY_S } })
    for (const by of [createX402Rail(accepted), elsewhere])
      expect(asked(CHANNEL_ENTRY, by)).toMatchObject({ offers: [{ scheme: 'exact' }], rejected: [{ code: 'scheme_not_supported' }] })
    const slow = { ...CHANNEL_ENTRY, extra: { ...CHANNEL_ENTRY.extra, withdrawDelay: DAY_S + 1 } }
    expect(asked(slow).rejected).toMatchObject([{ code: 'scheme_not_supported', reason: expect.stringContaining('86401 s') }])
  })

  it('is another challenge with another receiver authorizer or delay', () => {
    const changed = (extra: Record<string, unknown>) => asked({ ...CHANNEL_ENTRY, extra: { ...CHANNEL_ENTRY.extra, ...extra } }).digest
    const digests = [asked().digest, changed({ withdrawDelay: 901 }), changed({ receiverAuthorizer: CHANNEL_ENTRY.payTo })]
    expect(new Set(digests).size).toBe(3)
  })
})

describe('an authorization through a channel', () => {
  it('is a voucher for the sum that was decided, and moves what the request costs', async () => {
    const made = await rail.authorize(request(asked()), wallet)
    expect(made.headers[0]).toBe('PAYMENT-SIGNATURE')
    const said = JSON.parse(Buffer.from(made.headers[1] ?? '', 'base64').toString('utf8'))
    expect(said.payload).toMatchObject({ type: 'voucher', voucher: { maxClaimableAmount: '1000' } })
    expect(made).toMatchObject({ nonce: NONCE, payTo: CHANNEL_ENTRY.payTo, transfer: { value: 1_000n, nonce: NONCE } })
  })

  it('deposits the whole amount that was decided, under the nonce that follows from channel and salt', async () => {
    const challenge = asked()
    const offer = channelOffer(challenge)
    if (!isChannelOffer(offer)) throw new Error('no channel')
    const channel = channelOf({ offer, payer: await wallet.address(null), salt: SALT })
    const nonce = depositNonceOf({ channel, chainId: 84532, salt: OTHER_SALT })
    const deposit = { amount: 50_000n, salt: OTHER_SALT }
    const made = await rail.authorize(request(challenge, { nonce, channel: { salt: SALT, cumulative: 1_000n, deposit } }), wallet)
    expect(made.transfer).toEqual({ to: offer.payTo, value: 50_000n, nonce })
    await expect(rail.authorize(request(challenge, { channel: { salt: SALT, cumulative: 1_000n, deposit } }), wallet)).rejects.toThrow(
      'nonce is not the one that was reserved',
    )
  })

  it('is refused where nothing was decided of the channel, and where the wallet signs for none', async () => {
    const { channel: _, ...undecided } = request(asked())
    await expect(rail.authorize(undecided, wallet)).rejects.toThrow('Nothing was decided of the channel')
    const { signVoucher: __, ...without } = wallet
    await expect(rail.authorize(request(asked()), without)).rejects.toMatchObject({ refusal: { code: 'scheme_not_supported' } })
  })
})
