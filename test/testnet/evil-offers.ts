/** Offers with something wrong in one field: the amount, the asset, the network, the recipient, the window, the scheme. */

import { USDC } from './chain.ts'
import { BOTH, challengeCase, type EvilChallenge, type RefusalCode, type Verdict } from './challenge-case.ts'
import { AMOUNT_KEY, challengeWith, envelopeOf, type Json, offerOf, type Terms, type Version } from './wire.ts'

type Change = (offer: Json, version: Version) => unknown

function offerCase(verdict: Verdict, change: Change, code?: RefusalCode): EvilChallenge {
  const build = (version: Version, terms: Terms) => {
    const offers = [change(offerOf(version, terms), version)].flat()
    return challengeWith(version, envelopeOf(version, { offers, resource: terms.resource }))
  }
  return challengeCase(verdict, BOTH, build, code)
}

const invalid = (change: Change) => offerCase('refused', change, 'challenge_invalid')
const amount = (value: unknown) => invalid((offer, version) => ({ ...offer, [AMOUNT_KEY[version]]: value }))
const set =
  (key: string, value: unknown): Change =>
  (offer) => ({ ...offer, [key]: value })
const extra =
  (more: Json): Change =>
  (offer) => ({ ...offer, extra: { name: 'USDC', version: '2', ...more } })
const byVersion =
  (key: string, first: unknown, second: unknown): Change =>
  (offer, version) => ({ ...offer, [key]: version === 1 ? first : second })
const without =
  (key: string): Change =>
  (offer) =>
    Object.fromEntries(Object.entries(offer).filter(([name]) => name !== key))

const AMOUNTS: Record<string, EvilChallenge> = {
  'amount-exponent': amount('1e3'),
  'amount-hex': amount('0x3e8'),
  'amount-blanks': amount(' 1000 '),
  'amount-newline': amount('1000\n'),
  'amount-plus': amount('+1000'),
  'amount-minus': amount('-1000'),
  'amount-leading-zero': amount('01000'),
  'amount-point': amount('1000.0'),
  'amount-fraction': amount('0.001'),
  'amount-comma': amount('1,000'),
  'amount-underscore': amount('1_000'),
  'amount-bigint-suffix': amount('1000n'),
  'amount-empty': amount(''),
  'amount-blank': amount(' '),
  'amount-zero': amount('0'),
  'amount-nan': amount('NaN'),
  'amount-infinity': amount('Infinity'),
  'amount-2-to-the-256': amount(String(2n ** 256n)),
  'amount-90-digits': amount('9'.repeat(90)),
  'amount-arabic-digits': amount('١٠٠٠'),
  'amount-full-width-digits': amount('１０００'),
  'amount-number': amount(1000),
  'amount-float': amount(1000.5),
  'amount-list': amount(['1000']),
  'amount-object': amount({ toString: '1000' }),
  'amount-null': amount(null),
  'amount-true': amount(true),
  'amount-missing': invalid((offer, version) => without(AMOUNT_KEY[version])(offer, version)),
  'amount-enormous': offerCase('unpaid', (offer, version) => ({ ...offer, [AMOUNT_KEY[version]]: String(2n ** 256n - 1n) })),
}

const STRANGER = `0x${'5e'.repeat(20)}`

const ASSETS: Record<string, EvilChallenge> = {
  'asset-unknown': offerCase('refused', set('asset', STRANGER), 'asset_unknown'),
  'asset-unknown-named-usdc': offerCase(
    'refused',
    (offer) => ({ ...offer, asset: STRANGER, extra: { name: 'USDC', version: '2', decimals: 6, symbol: 'USDC' } }),
    'asset_unknown',
  ),
  'asset-zero': offerCase('refused', set('asset', `0x${'00'.repeat(20)}`), 'asset_unknown'),
  'asset-symbol': offerCase('refused', set('asset', 'USDC')),
  'asset-short': offerCase('refused', set('asset', USDC.slice(0, 40))),
  'asset-missing': offerCase('refused', without('asset')),
  'asset-lower-case': offerCase('payable', set('asset', USDC.toLowerCase())),
  /** Says 18 decimals of a token that has six: the price is what six decimals make of it. */
  'decimals-lie': offerCase('payable', extra({ decimals: 18 })),
  /** One token if there were 18 decimals, a trillion dollars in truth. */
  'decimals-18-amount': offerCase('unpaid', (offer, version) => ({
    ...offer,
    [AMOUNT_KEY[version]]: String(10n ** 18n),
    extra: { name: 'USDC', version: '2', decimals: 18 },
  })),
  'domain-name-wrong': offerCase('refused', extra({ name: 'Fake Dollar' })),
  'domain-version-wrong': offerCase('refused', extra({ version: '1' })),
  'domain-missing': offerCase('either', without('extra')),
}

const NETWORKS: Record<string, EvilChallenge> = {
  'network-mainnet': offerCase('refused', byVersion('network', 'base', 'eip155:8453'), 'network_not_allowed'),
  'network-ethereum': offerCase('refused', byVersion('network', 'ethereum', 'eip155:1'), 'network_not_allowed'),
  'network-solana': offerCase('refused', byVersion('network', 'solana', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp')),
  'network-nonsense': offerCase('refused', byVersion('network', 'moon', 'moon:1')),
  'network-leading-zero': offerCase('refused', byVersion('network', 'base-sepolia ', 'eip155:084532')),
  'network-of-the-other-version': offerCase('either', byVersion('network', 'eip155:84532', 'base-sepolia')),
  'network-missing': offerCase('refused', without('network')),
  /** The first offer is for another network, the second is honest. */
  'network-mainnet-first': offerCase('payable', (offer, version) => [{ ...offer, network: version === 1 ? 'base' : 'eip155:8453' }, offer]),
}

const RECIPIENTS: Record<string, EvilChallenge> = {
  'payee-zero': invalid(set('payTo', `0x${'00'.repeat(20)}`)),
  'payee-token': offerCase('refused', set('payTo', USDC)),
  'payee-short': invalid(set('payTo', '0x1234')),
  'payee-name': invalid(set('payTo', 'merchant')),
  'payee-missing': invalid(without('payTo')),
  'payee-list': invalid(set('payTo', [STRANGER])),
}

const WINDOWS: Record<string, EvilChallenge> = {
  'window-year': invalid(set('maxTimeoutSeconds', 31_536_000)),
  /** The official client adds this text to the time of day: its signature lives for millennia. */
  'window-string': invalid(set('maxTimeoutSeconds', '60')),
  'window-zero': invalid(set('maxTimeoutSeconds', 0)),
  'window-negative': invalid(set('maxTimeoutSeconds', -60)),
  'window-fraction': invalid(set('maxTimeoutSeconds', 60.5)),
  'window-enormous': invalid(set('maxTimeoutSeconds', 1e15)),
  'window-null': invalid(set('maxTimeoutSeconds', null)),
  'window-missing': invalid(without('maxTimeoutSeconds')),
  /** A day is honest, and far longer than any signature of a careful payer. */
  'window-day': offerCase('payable', set('maxTimeoutSeconds', 86_400)),
}

const SCHEMES: Record<string, EvilChallenge> = {
  'scheme-upto': { ...offerCase('refused', set('scheme', 'upto'), 'scheme_not_supported'), versions: [1] },
  // Names nobody who may settle it.
  'scheme-upto-open': { ...invalid(set('scheme', 'upto')), versions: [2] },
  'scheme-unknown': offerCase('refused', set('scheme', 'deferred'), 'scheme_not_supported'),
  'scheme-upper-case': offerCase('refused', set('scheme', 'EXACT')),
  'scheme-missing': offerCase('refused', without('scheme')),
  'method-permit2': { ...offerCase('refused', extra({ assetTransferMethod: 'permit2' }), 'scheme_not_supported'), versions: [1] },
  // Permitted for the decided price; this server takes no permits, so that the payment is out and rejected.
  'method-permit2-untaken': { ...offerCase('unpaid', extra({ assetTransferMethod: 'permit2' })), versions: [2] },
  'method-unknown': offerCase('refused', extra({ assetTransferMethod: 'erc7710' }), 'scheme_not_supported'),
  'flow-unknown': offerCase('refused', extra({ paymentFlow: 'surprise' })),
  'flow-upfront': offerCase('either', extra({ paymentFlow: 'upfront' })),
}

export const EVIL_OFFERS: Readonly<Record<string, EvilChallenge>> = {
  ...AMOUNTS,
  ...ASSETS,
  ...NETWORKS,
  ...RECIPIENTS,
  ...WINDOWS,
  ...SCHEMES,
}
