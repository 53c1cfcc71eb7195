import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTestnet, NETWORK_ALIASES, resolveNetwork } from '../../src/session/networks.ts'

describe('resolveNetwork', () => {
  it.each([
    ['base-sepolia', 'eip155:84532'],
    ['base', 'eip155:8453'],
    ['base-mainnet', 'eip155:8453'],
    ['ethereum-mainnet', 'eip155:1'],
    ['solana-devnet', 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1'],
    ['eip155:84532', 'eip155:84532'],
    ['stellar:pubnet', 'stellar:pubnet'],
  ])('%s is %s', (name, network) => {
    expect(resolveNetwork(name)).toBe(network)
  })

  it.each([
    '',
    'Base',
    'base ',
    'eip155:',
    'eip155:08453',
    'eip155:0x1',
    'eip155:1e3',
    'EIP155:1',
    'constructor',
    '__proto__',
    'toString',
    ':1',
    'a:b:c',
  ])('%j names no network', (name) => {
    expect(resolveNetwork(name)).toBeUndefined()
  })

  it('every alias stands for a CAIP-2 name that stands for itself', () => {
    for (const network of Object.values(NETWORK_ALIASES)) expect(resolveNetwork(network)).toBe(network)
  })

  it('never throws, and what it gives stands for itself', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        const network = resolveNetwork(name)
        expect(network === undefined || resolveNetwork(network) === network).toBe(true)
      }),
    )
  })
})

describe('isTestnet', () => {
  it.each([
    'eip155:84532',
    'eip155:11155111',
    'eip155:80002',
    'eip155:43113',
    'eip155:324705682',
    'eip155:31337',
    'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
  ])('%s has play money', (network) => {
    expect(isTestnet(network)).toBe(true)
  })

  it.each(['eip155:1', 'eip155:8453', 'eip155:137', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', 'eip155:999999', 'base-sepolia', ''])(
    '%j is never taken for a test network',
    (network) => {
      expect(isTestnet(network)).toBe(false)
    },
  )
})
