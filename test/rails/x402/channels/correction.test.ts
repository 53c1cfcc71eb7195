import { generatePrivateKey } from 'viem/accounts'
import { beforeAll, describe, expect, it } from 'vitest'
import { channelIdOf } from '../../../../src/channel-digest.ts'
import type { ChannelAccount } from '../../../../src/rails/x402/channels/account.ts'
import { corrected, readCorrection } from '../../../../src/rails/x402/channels/correction.ts'
import { createLocalWallet } from '../../../../src/wallet/local-key.ts'
import type { ChannelConfig, Hex } from '../../../../src/wallet/wallet.ts'
import { wallet } from '../challenges.ts'
import { CHANNEL_ENTRY, ownChannel } from './offers.ts'

const CHAIN_ID = 84532
/** Two requests were charged as far as we know; a third was vouched for, and its answer was lost. */
const ACCOUNT: ChannelAccount = { deposited: 50_000n, signed: 3_000n, charged: 2_000n }
const CHAIN = { balance: 50_000n, claimed: 1_000n }

let channel: ChannelConfig
beforeAll(async () => {
  channel = await ownChannel()
})

function voucher(cumulative: bigint): Promise<Hex> {
  return wallet.signVoucher(null, { chainId: CHAIN_ID, channel, cumulative })
}

async function correction(charged: bigint, signed: bigint, signature?: Hex) {
  return { charged, proof: { cumulative: signed, signature: signature ?? (await voucher(signed)) } }
}

function disputed(chain: typeof CHAIN | undefined = CHAIN, account = ACCOUNT) {
  return { account, channel, chainId: CHAIN_ID, chain }
}

describe('a correction', () => {
  it('that our own voucher bears out is taken', async () => {
    expect(await corrected(disputed(), await correction(3_000n, 3_000n))).toEqual({ ...ACCOUNT, charged: 3_000n })
    expect(await corrected({ ...disputed(), chain: undefined }, await correction(3_000n, 3_000n))).toEqual({ ...ACCOUNT, charged: 3_000n })
  })

  it('down to less leaves out what was signed, for it can still be claimed', async () => {
    expect(await corrected(disputed(), await correction(1_000n, 1_000n))).toEqual({ ...ACCOUNT, charged: 1_000n })
  })

  it('by a voucher of ours that this ledger does not know raises what is out', async () => {
    expect(await corrected(disputed(), await correction(4_000n, 5_000n))).toEqual({ ...ACCOUNT, charged: 4_000n, signed: 5_000n })
  })

  it('on the server’s word alone is not taken', async () => {
    const other = createLocalWallet({ key: generatePrivateKey() })
    const payer = await other.address(null)
    const foreign = await other.signVoucher(null, {
      chainId: CHAIN_ID,
      channel: { ...channel, payer, payerAuthorizer: payer },
      cumulative: 3_000n,
    })
    expect(await corrected(disputed(), await correction(3_000n, 3_000n, foreign))).toBeUndefined()
    expect(await corrected(disputed(), await correction(3_000n, 3_000n, await voucher(2_999n)))).toBeUndefined()
    expect(await corrected(disputed(), await correction(3_000n, 3_000n, '0x'))).toBeUndefined()
    expect(await corrected(disputed(), await correction(3_001n, 3_000n))).toBeUndefined()
    expect(await corrected(disputed(), await correction(0n, 2n ** 128n, await voucher(1n)))).toBeUndefined()
  })

  it('by a voucher of another channel, or of another chain, is not taken', async () => {
    const elsewhere = { ...channel, salt: `0x${'99'.repeat(32)}` } as const
    const other = await wallet.signVoucher(null, { chainId: CHAIN_ID, channel: elsewhere, cumulative: 3_000n })
    const foreign = await wallet.signVoucher(null, { chainId: 1, channel, cumulative: 3_000n })
    expect(await corrected(disputed(), await correction(3_000n, 3_000n, other))).toBeUndefined()
    expect(await corrected(disputed(), await correction(3_000n, 3_000n, foreign))).toBeUndefined()
  })

  it('that the chain contradicts is not taken', async () => {
    expect(await corrected(disputed({ balance: 50_000n, claimed: 2_500n }), await correction(2_000n, 3_000n))).toBeUndefined()
    expect(await corrected(disputed({ balance: 2_000n, claimed: 0n }), await correction(3_000n, 3_000n))).toBeUndefined()
  })

  it('without a voucher is the chain’s, and none where the chain cannot be asked', async () => {
    expect(await corrected(disputed(), undefined)).toEqual({ ...ACCOUNT, charged: 1_000n })
    expect(await corrected({ ...disputed(), chain: undefined }, undefined)).toBeUndefined()
    expect(await corrected(disputed({ balance: 50_000n, claimed: 3_001n }), undefined)).toBeUndefined()
  })
})

describe('the sums of a second 402', () => {
  const stateOf = (id: string, charged: unknown = '3000') => {
    const channelState = { channelId: id, balance: '50000', totalClaimed: '0', chargedCumulativeAmount: charged }
    const voucherState = { signedMaxClaimable: '3000', signature: `0x${'11'.repeat(65)}` }
    return { raw: JSON.stringify({ ...CHANNEL_ENTRY, extra: { ...CHANNEL_ENTRY.extra, channelState, voucherState } }) }
  }

  it('are read where they are of this channel', () => {
    const proof = { cumulative: 3_000n, signature: `0x${'11'.repeat(65)}` }
    const of = { channel, chainId: CHAIN_ID }
    expect(readCorrection(stateOf(channelIdOf(channel, CHAIN_ID)), of)).toEqual({ charged: 3_000n, proof })
    expect(readCorrection(stateOf(channelIdOf(channel, 1)), of)).toBeUndefined()
    expect(readCorrection({ raw: JSON.stringify(CHANNEL_ENTRY) }, of)).toBeUndefined()
  })

  it.each(['-1', '1e3', 3_000, null, '1'.repeat(40)])('are none where they say %j', (charged) => {
    expect(readCorrection(stateOf(channelIdOf(channel, CHAIN_ID), charged), { channel, chainId: CHAIN_ID })).toBeUndefined()
  })
})
