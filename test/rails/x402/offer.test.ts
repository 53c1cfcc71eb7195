import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_ASKED_WINDOW_S, MAX_OFFER_CHARS } from '../../../src/limits.ts'
import type { Offer, RejectedOffer } from '../../../src/rails/rail.ts'
import { createRegistry, knownAssets } from '../../../src/rails/x402/assets.ts'
import { readOffer } from '../../../src/rails/x402/offer.ts'
import { ENTRY_PERMIT2, ENTRY_UPTO, ENTRY_V1, ENTRY_V2, FACILITATOR, NETWORK, PAY_TO, USDC } from './challenges.ts'

const registry = createRegistry({ assets: knownAssets(), networks: [NETWORK, 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'] })

function read(value: unknown, version: 1 | 2 = 2): Offer | RejectedOffer {
  return readOffer({ value, raw: JSON.stringify(value) ?? '' }, { index: 0, version }, registry)
}

function without(name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(ENTRY_V2).filter(([key]) => key !== name))
}

function expectRejected(result: Offer | RejectedOffer, code: RejectedOffer['code'], reason: string | RegExp): void {
  expect(result).toEqual({ index: 0, code, reason: typeof reason === 'string' ? `Offer 1 ${reason}.` : expect.stringMatching(reason) })
}

describe('an offer', () => {
  const rebuilt = {
    rail: 'x402',
    scheme: 'exact',
    network: NETWORK,
    amount: 10_000n,
    payTo: PAY_TO,
    askedWindow_s: 60,
    flow: 'authorization',
    index: 0,
    asset: { symbol: 'USDC', address: USDC, decimals: 6, currency: 'USD', rate: 1_000_000n, eip712: { name: 'USDC', version: '2' } },
  }

  it('of version 2 is rebuilt from vetted values, its text kept beside it', () => {
    expect(read(ENTRY_V2)).toMatchObject({ ...rebuilt, protocolVersion: 2, raw: JSON.stringify(ENTRY_V2) })
  })

  it('of version 1 is rebuilt the same, its network by CAIP-2', () => {
    expect(read(ENTRY_V1, 1)).toMatchObject({ ...rebuilt, protocolVersion: 1 })
  })

  it('takes addresses in lower case, in capitals or checksummed, and gives them checksummed', () => {
    for (const payTo of [PAY_TO.toLowerCase(), `0x${PAY_TO.slice(2).toUpperCase()}`, PAY_TO]) {
      expect(read({ ...ENTRY_V2, payTo, asset: USDC.toLowerCase() })).toMatchObject({ payTo: PAY_TO, asset: { address: USDC } })
    }
  })

  it('needs no name, version, method or flow from the server, nor any extra', () => {
    for (const extra of [undefined, null, {}, { name: null, version: null, assetTransferMethod: null, paymentFlow: null }]) {
      expect(read({ ...ENTRY_V2, extra })).toMatchObject({ amount: 10_000n, flow: 'authorization' })
    }
  })

  it('ignores decimals, symbols and all else that the server says of the token', () => {
    expect(read({ ...ENTRY_V2, extra: { ...ENTRY_V2.extra, decimals: 0, symbol: 'FREE' }, price: '$0' })).toMatchObject(rebuilt)
  })

  it('says where the server settles before it serves', () => {
    expect(read({ ...ENTRY_V2, extra: { ...ENTRY_V2.extra, paymentFlow: 'upfront' } })).toMatchObject({ flow: 'upfront' })
  })
})

describe('an amount', () => {
  it.each(['1', '9007199254740993', (2n ** 256n - 1n).toString()])('of %s atomic units is read exactly', (amount) => {
    expect(read({ ...ENTRY_V2, amount })).toMatchObject({ amount: BigInt(amount) })
  })

  it.each([
    ...['1e3', '0x10', '-1', '+1', '01', '1.0', '', ' 1', '1 ', '1\n', '١٢', '１', '1_000', '1n', 'NaN', `1${'0'.repeat(90)}`],
    ...[10_000, 1.5, null, true, ['10000'], { toString: '10000' }],
  ])('written as %j is refused', (amount) => {
    expectRejected(read({ ...ENTRY_V2, amount }), 'challenge_invalid', 'has no amount in whole atomic units')
  })

  it.each(['0', (2n ** 256n).toString()])('of %s is refused', (amount) => {
    expectRejected(read({ ...ENTRY_V2, amount }), 'challenge_invalid', 'has an amount of zero or beyond 256 bits')
  })

  it('is looked for under the name of the offer’s own version only', () => {
    expectRejected(read(ENTRY_V1, 2), 'challenge_invalid', 'names its network otherwise than by CAIP-2')
    expectRejected(read({ ...ENTRY_V1, network: NETWORK }, 2), 'challenge_invalid', 'has no amount in whole atomic units')
    expectRejected(read(ENTRY_V2, 1), 'challenge_invalid', 'has no amount in whole atomic units')
  })
})

describe('a window', () => {
  it.each([1, 60, MAX_ASKED_WINDOW_S])('of %s seconds may be asked for', (maxTimeoutSeconds) => {
    expect(read({ ...ENTRY_V2, maxTimeoutSeconds })).toMatchObject({ askedWindow_s: maxTimeoutSeconds })
  })

  it.each([0, -1, '60', 1e15, 60.5, null, [60], MAX_ASKED_WINDOW_S + 1])('written as %j is refused', (maxTimeoutSeconds) => {
    expectRejected(read({ ...ENTRY_V2, maxTimeoutSeconds }), 'challenge_invalid', 'has an unusable maxTimeoutSeconds')
  })

  it('that is missing is refused', () => {
    expectRejected(read(without('maxTimeoutSeconds')), 'challenge_invalid', 'has an unusable maxTimeoutSeconds')
  })
})

describe('a recipient', () => {
  const wrongChecksum = `${PAY_TO.slice(0, -1)}c`
  it.each([
    ['the zero address', `0x${'0'.repeat(40)}`, 'pays to the zero address'],
    ['the token itself', USDC, 'pays to the contract of a token'],
    ['the token itself in small letters', USDC.toLowerCase(), 'pays to the contract of a token'],
    ['an address with a wrong checksum', wrongChecksum, 'pays to an address whose checksum is wrong'],
    ['a role', 'merchant', 'has an unusable payTo'],
    ['a short address', '0x209693', 'has an unusable payTo'],
    ['an address with a blank', ` ${PAY_TO}`, 'has an unusable payTo'],
    ['nothing', undefined, 'has an unusable payTo'],
  ])('that is %s is refused', (_, payTo, reason) => {
    expectRejected(read({ ...ENTRY_V2, payTo }), 'challenge_invalid', reason)
  })
})

describe('a token', () => {
  it('that is not configured is refused, whatever it calls itself', () => {
    const asset = '0x1111111111111111111111111111111111111111'
    const reason = `asks for the token ${asset} on ${NETWORK}, which is not configured`
    expectRejected(read({ ...ENTRY_V2, asset }), 'asset_unknown', reason)
  })

  it('of another network is refused on this one', () => {
    expectRejected(read({ ...ENTRY_V2, asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913' }), 'asset_unknown', /not configured/)
  })

  it('on a network that is allowed but not EVM is refused', () => {
    const network = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'
    const misconfigured = createRegistry({ assets: knownAssets().map((asset) => ({ ...asset, network })), networks: [network] })
    const entry = { ...ENTRY_V2, network }
    expectRejected(read(entry), 'asset_unknown', /not configured/)
    expectRejected(readOffer({ value: entry, raw: '' }, { index: 0, version: 2 }, misconfigured), 'asset_unknown', /not configured/)
  })

  it.each([
    [{ name: 'USD Coin', version: '2' }, 'gives USDC another EIP-712 name than "USDC"'],
    [{ name: 'usdc' }, 'gives USDC another EIP-712 name than "USDC"'],
    [{ name: '' }, 'gives USDC another EIP-712 name than "USDC"'],
    [{ version: '1' }, 'gives USDC another EIP-712 version than "2"'],
  ])('with another EIP-712 domain %j is refused', (extra, reason) => {
    expectRejected(read({ ...ENTRY_V2, extra }), 'challenge_invalid', reason)
  })

  it('with a domain of another type is refused', () => {
    expectRejected(read({ ...ENTRY_V2, extra: { version: 2 } }), 'challenge_invalid', 'has an unusable extra.version')
  })
})

describe('a network', () => {
  it('that is not listed is refused by its CAIP-2 name', () => {
    const reason = 'asks for eip155:8453, which is not among the networks that may be paid on'
    expectRejected(read({ ...ENTRY_V2, network: 'eip155:8453' }), 'network_not_allowed', reason)
    expectRejected(read({ ...ENTRY_V1, network: 'base' }, 1), 'network_not_allowed', reason)
  })

  it.each(['base-sepolia', 'eip155', 'eip155:', ':84532', 'eip155:84532 ', 'EIP155:84532', 'eip155:84532:1'])(
    'in version 2 is CAIP-2 or refused: %s',
    (network) => {
      expectRejected(read({ ...ENTRY_V2, network }), 'challenge_invalid', 'names its network otherwise than by CAIP-2')
    },
  )

  it.each(['Base-Sepolia', 'base-sepolia ', 'mainnet', 'constructor', '__proto__'])(
    'in version 1 is one of a closed list or refused: %s',
    (network) => {
      expectRejected(read({ ...ENTRY_V1, network }, 1), 'network_not_allowed', 'names a network that is not known here')
    },
  )

  it.each(['eip155:084532', 'eip155:0x14a34', 'eip155:84532n'])(
    'in another spelling of the same number is not the listed one: %s',
    (network) => {
      expectRejected(read({ ...ENTRY_V2, network }), 'network_not_allowed', /not among the networks/)
    },
  )
})

describe('an offer by permit2', () => {
  const upto = (facilitatorAddress: unknown, more = {}) => ({ ...ENTRY_UPTO, extra: { ...ENTRY_UPTO.extra, facilitatorAddress, ...more } })

  it('of scheme exact says how it is paid, and names nobody who may settle it', () => {
    const offer = read(ENTRY_PERMIT2)
    expect(offer).toMatchObject({ scheme: 'exact', method: 'permit2', amount: 10_000n })
    expect(offer).not.toHaveProperty('facilitator')
  })

  it('of scheme upto names the one who may settle it, checksummed, and needs no method', () => {
    for (const named of [FACILITATOR, FACILITATOR.toLowerCase()]) {
      for (const assetTransferMethod of ['permit2', undefined, null]) {
        const offer = read(upto(named, { assetTransferMethod }))
        expect(offer).toMatchObject({ scheme: 'upto', method: 'permit2', facilitator: FACILITATOR, amount: 10_000n })
      }
    }
  })

  it.each([
    ['none', undefined, 'names no facilitator that may settle it'],
    ['no address', 'anyone', 'names no facilitator that may settle it'],
    ['several', [FACILITATOR], 'names no facilitator that may settle it'],
    ['a wrong checksum', FACILITATOR.replace('857b', '857B'), 'names a facilitator whose checksum is wrong'],
    ['the zero address', `0x${'0'.repeat(40)}`, 'names the zero address as its facilitator'],
  ])('of scheme upto whose facilitator is %s is refused', (_, named, reason) => {
    expectRejected(read(upto(named)), 'challenge_invalid', reason)
  })

  it('of scheme upto that asks for another method, or to be settled before it serves, is not supported', () => {
    const method = read(upto(FACILITATOR, { assetTransferMethod: 'eip3009' }))
    expectRejected(method, 'scheme_not_supported', 'asks for another transfer method of upto than permit2')
    const flow = read(upto(FACILITATOR, { paymentFlow: 'upfront' }))
    expectRejected(flow, 'scheme_not_supported', 'asks for a payment flow that is not supported')
  })

  it('is none in version 1', () => {
    const extra = { assetTransferMethod: 'permit2', facilitatorAddress: FACILITATOR }
    expectRejected(read({ ...ENTRY_V1, extra }, 1), 'scheme_not_supported', 'asks for another transfer method than eip3009')
    expectRejected(read({ ...ENTRY_V1, scheme: 'upto', extra }, 1), 'scheme_not_supported', 'asks for another scheme than exact')
  })
})

describe('a way of paying', () => {
  it.each(['batch-settlement', 'auth-capture', 'Exact', 'Upto', ''])('by scheme %s is not supported', (scheme) => {
    expectRejected(read({ ...ENTRY_V2, scheme }), 'scheme_not_supported', 'asks for another scheme than exact and upto')
  })

  it.each(['erc7710', 'EIP3009', 'Permit2', '', 1, {}])('by transfer method %j is not supported', (assetTransferMethod) => {
    expectRejected(
      read({ ...ENTRY_V2, extra: { assetTransferMethod } }),
      'scheme_not_supported',
      'asks for another transfer method than eip3009 and permit2',
    )
  })

  it.each(['escrow', 'later', 1, {}])('by payment flow %j is not supported', (paymentFlow) => {
    expectRejected(read({ ...ENTRY_V2, extra: { paymentFlow } }), 'scheme_not_supported', 'asks for a payment flow that is not supported')
  })
})

describe('an entry', () => {
  it.each([null, 'exact', 7, [], {}, { scheme: 'exact' }, { scheme: 'exact', network: 84532 }, { ...ENTRY_V2, extra: 'x' }])(
    'that is no offer is refused: %j',
    (value) => {
      expectRejected(read(value), 'challenge_invalid', 'has no scheme, no network or a broken extra')
    },
  )

  it('of version 2 that would not fit into a payment header is refused', () => {
    const value = { ...ENTRY_V2, extra: { note: 'x'.repeat(MAX_OFFER_CHARS) } }
    expectRejected(read(value), 'challenge_invalid', `is longer than ${MAX_OFFER_CHARS} characters`)
  })

  it('of any shape gives an offer or a reason, and the reason holds nothing that the server wrote', () => {
    const value = fc.oneof(fc.constant('CANARY'), fc.jsonValue(), fc.constant(undefined))
    const change = fc.dictionary(fc.constantFrom(...Object.keys(ENTRY_V2), 'CANARY'), value)
    const extra = fc.dictionary(fc.constantFrom('name', 'version', 'assetTransferMethod', 'paymentFlow', 'CANARY'), value)
    fc.assert(
      fc.property(change, extra, fc.constantFrom<1 | 2>(1, 2), (changed, more, version) => {
        const entry = { ...(version === 1 ? ENTRY_V1 : ENTRY_V2), extra: more, ...changed }
        const result = read(entry, version)
        if ('code' in result) expect(result.reason).not.toContain('CANARY')
        else expect(result).toMatchObject({ network: NETWORK, asset: { address: USDC } })
      }),
      { numRuns: 2000 },
    )
  })
})
