import { describe, expect, it } from 'vitest'
import { createRegistry } from '../../../../src/rails/x402/assets.ts'
import { readChannelOffer } from '../../../../src/rails/x402/channels/offer.ts'
import { knownMints } from '../../../../src/rails/x402/svm/mints.ts'
import { readSvmTerms } from '../../../../src/rails/x402/svm/terms.ts'
import { TOKEN_2022_PROGRAM, TOKEN_PROGRAM, tokenAccountOf } from '../../../../src/solana-address.ts'
import { SOLANA, SOLANA_PYUSD, SOLANA_USDC } from '../../../testnet/solana.ts'
import { ENTRY, FEE_PAYER, MERCHANT, rejectionOf, request, somebody } from './offers.ts'

const with_ = (extra: Record<string, unknown>) => ({ ...ENTRY, extra: { ...ENTRY.extra, ...extra } })

describe('an offer on Solana', () => {
  it('is rebuilt from what is ours: decimals and token program never come from the server', () => {
    const lies = with_({
      decimals: 2,
      name: 'USD Coin',
      recentBlockhash: 'x',
      lastValidBlockHeight: '9',
      features: { xSettlementAccountSupported: true },
    })
    expect(request(lies).offer).toMatchObject({
      ...{ network: SOLANA, scheme: 'exact', amount: 1_000n, payTo: MERCHANT, svm: { feePayer: FEE_PAYER } },
      asset: { address: SOLANA_USDC, decimals: 6, tokenProgram: TOKEN_PROGRAM },
    })
    expect(request({ ...ENTRY, asset: SOLANA_PYUSD }).offer.asset).toMatchObject({ symbol: 'PYUSD', tokenProgram: TOKEN_2022_PROGRAM })
    expect(request(with_({ memo: 'order 7' })).offer.svm).toEqual({ feePayer: FEE_PAYER, memo: 'order 7' })
    expect(request(with_({ memo: '' })).offer.svm).toEqual({ feePayer: FEE_PAYER })
    expect(request(with_({ memo: 'é'.repeat(128) })).offer.svm?.memo).toHaveLength(128)
  })

  it('is read in version 1 as in version 2', () => {
    const { amount: maxAmountRequired, ...entry } = ENTRY
    const registry = createRegistry({ assets: knownMints(), networks: [SOLANA] })
    const terms = readSvmTerms({ ...entry, maxAmountRequired }, { network: SOLANA, version: 1 }, registry)
    expect(terms).toMatchObject({ amount: 1_000n, payTo: MERCHANT })
    expect(readSvmTerms(entry, { network: SOLANA, version: 2 }, registry)).toMatchObject({ code: 'challenge_invalid' })
  })

  it('in a lookalike of a known mint is not known, however few letters differ', async () => {
    for (const asset of [SOLANA_USDC.toLowerCase(), SOLANA_USDC.replace('4zMM', '4zmm'), await somebody('mint')])
      expect(rejectionOf({ ...ENTRY, asset })).toMatch(/^(asset_unknown: .* is not configured|challenge_invalid: .* unusable asset)/)
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['a memo that is too long', with_({ memo: 'é'.repeat(129) }), 'wants a memo of more than 256 bytes'],
    ['no fee payer', { ...ENTRY, extra: {} }, 'unusable extra.feePayer'],
    ['a fee payer that is none', with_({ feePayer: '0x1234' }), 'unusable extra.feePayer'],
    ['a mint as fee payer', with_({ feePayer: SOLANA_USDC }), 'names a fee payer that cannot sign'],
    ['the system program as fee payer', with_({ feePayer: '1'.repeat(32) }), 'names a fee payer that cannot sign'],
    ['another token program', with_({ tokenProgram: TOKEN_2022_PROGRAM }), 'another token program'],
    ['a mint as recipient', { ...ENTRY, payTo: SOLANA_USDC }, 'pays to the mint of a token'],
    ['nobody as recipient', { ...ENTRY, payTo: '1'.repeat(32) }, 'pays to the zero address'],
    [
      'a token account as recipient',
      { ...ENTRY, payTo: tokenAccountOf({ owner: MERCHANT, mint: SOLANA_USDC, tokenProgram: TOKEN_PROGRAM }) },
      'pays to an address that no key can be behind',
    ],
    ['an EVM recipient', { ...ENTRY, payTo: `0x${'12'.repeat(20)}` }, 'unusable payTo'],
    ['no amount', { ...ENTRY, amount: '0' }, 'has no amount'],
    ['an amount beyond 64 bits', { ...ENTRY, amount: '18446744073709551616' }, 'has no amount'],
    ['an amount in decimals', { ...ENTRY, amount: '0.001' }, 'has no amount'],
    ['a number as amount', { ...ENTRY, amount: 1000 }, 'has no amount'],
    ['no window', { ...ENTRY, maxTimeoutSeconds: 0 }, 'unusable maxTimeoutSeconds'],
  ])('with %s is refused', (_, entry, reason) => {
    expect(rejectionOf(entry)).toContain(`challenge_invalid: Offer 1 `)
    expect(rejectionOf(entry)).toContain(reason)
  })

  it('is no channel, even where all else is in order', () => {
    const registry = createRegistry({ assets: knownMints(), networks: [SOLANA] })
    const channel = with_({ receiverAuthorizer: `0x${'12'.repeat(20)}`, withdrawDelay: 900 })
    const entry = { value: { ...channel, scheme: 'batch-settlement' }, raw: '{}' }
    const read = readChannelOffer(entry, { index: 0, version: 2 }, registry, { maxWithdrawDelay_s: 3_600 })
    expect(read).toMatchObject({ code: 'scheme_not_supported', reason: 'Offer 1 asks for a channel on Solana.' })
  })

  it('on a network of Solana that is not wanted is refused', () => {
    const mainnet = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'
    expect(rejectionOf({ ...ENTRY, network: mainnet })).toBe(
      `network_not_allowed: Offer 1 asks for ${mainnet}, which is not among the networks that may be paid on.`,
    )
  })
})
