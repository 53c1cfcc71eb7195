import { findDefaultAsset } from '@x402/evm'
import { getAddress } from 'viem'
import { describe, expect, it } from 'vitest'
import { chainIdOf, createRegistry, knownAssets } from '../../../src/rails/x402/assets.ts'
import { NETWORK, USDC } from './challenges.ts'

describe('known assets', () => {
  it('hold the dollar coins of Base and Base Sepolia with their own EIP-712 names', () => {
    const named = knownAssets().filter(({ network }) => network === 'eip155:8453' || network === NETWORK)
    expect(named.map(({ network, symbol, decimals, eip712, rate }) => ({ network, symbol, decimals, eip712, rate }))).toEqual([
      { network: 'eip155:8453', symbol: 'USDC', decimals: 6, eip712: { name: 'USD Coin', version: '2' }, rate: 1_000_000n },
      { network: NETWORK, symbol: 'USDC', decimals: 6, eip712: { name: 'USDC', version: '2' }, rate: 1_000_000n },
    ])
  })

  it('hold no token that can be paid by Permit2 only', () => {
    const methods = knownAssets().map(
      ({ address, network }) => findDefaultAsset(address, `eip155:${chainIdOf(network)}`)?.assetTransferMethod ?? 'eip3009',
    )
    expect(new Set(methods)).toEqual(new Set(['eip3009']))
    expect(knownAssets().some(({ network }) => network === 'eip155:4326')).toBe(false)
  })

  it('have checksummed addresses, each once on its network', () => {
    const places = knownAssets().map(({ network, address }) => `${network} ${address}`)
    expect(new Set(places).size).toBe(places.length)
    for (const { address, network } of knownAssets()) {
      expect(address).toBe(getAddress(address))
      expect(chainIdOf(network)).toBeGreaterThan(0)
    }
  })
})

describe('the registry', () => {
  const registry = createRegistry({ assets: knownAssets(), networks: [NETWORK] })

  it('finds an asset by network and address, whatever the case', () => {
    expect(registry.asset(NETWORK, USDC.toLowerCase())?.symbol).toBe('USDC')
    expect(registry.asset('eip155:8453', USDC)).toBeUndefined()
  })

  it('allows the networks that are listed, and none when none is', () => {
    expect(registry.allows(NETWORK)).toBe(true)
    expect(registry.allows('eip155:8453')).toBe(false)
    expect(createRegistry({ assets: [], networks: [] }).allows(NETWORK)).toBe(false)
  })
})

describe('chain ids', () => {
  it.each([
    ['eip155:84532', 84532],
    ['eip155:1', 1],
    ['eip155:0', undefined],
    ['eip155:01', undefined],
    ['eip155:9999999999999999', undefined],
    ['solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', undefined],
  ])('of %s is %s', (network, id) => {
    expect(chainIdOf(network)).toBe(id)
  })
})
