import { describe, expect, it } from 'vitest'
import { treasuryIssue, treasurySchema } from '../../src/config/treasury.ts'
import { completedWallet, secretsOfWallet, walletSchema } from '../../src/config/wallet.ts'

const WRITTEN = { key: 'env:KEY', network: 'base-sepolia', token: 'USDC' }
const ENV = { kind: 'env', name: 'KEY' } as const

describe('a treasury', () => {
  it('is a key, a network and a token; somebody else may pay the gas', () => {
    const read = treasurySchema('/etc').parse({ ...WRITTEN, relayer: { key: 'env:KEY', password: 'env:KEY' } })
    expect(read).toEqual({ key: ENV, network: 'eip155:84532', token: 'USDC', relayer: { key: ENV, password: ENV } })
  })

  it('names its secrets by the path at which they are written, and its token is none', () => {
    const treasury = { ...WRITTEN, password: 'env:KEY', relayer: { key: 'env:KEY' } }
    const wallet = completedWallet(walletSchema('/etc').parse({ kind: 'derived', seed: 'env:KEY', treasury }), '/data')
    const paths = ['wallet.seed', 'wallet.treasury.key', 'wallet.treasury.password', 'wallet.treasury.relayer.key']
    expect(secretsOfWallet(wallet).map(([path]) => path)).toEqual(paths)
  })

  it.each([
    [{ ...WRITTEN, key: undefined }],
    [{ ...WRITTEN, network: undefined }],
    [{ ...WRITTEN, token: undefined }],
    [{ ...WRITTEN, cap: '5.00' }],
    [{ ...WRITTEN, relayer: {} }],
  ])('%j is none', (written) => {
    expect(treasurySchema('/etc').safeParse(written).success).toBe(false)
  })

  it('needs an address for each session, so that only a derived wallet has one', () => {
    for (const wallet of [{ kind: 'local', key: 'env:KEY' }, { key: 'env:KEY' }])
      expect(walletSchema('/etc').safeParse({ ...wallet, treasury: WRITTEN }).success).toBe(false)
  })

  it.each([
    ['eip155:84532', undefined],
    ['eip155:8453', 'eip155:8453 needs an rpc'],
    ['eip155:1', 'eip155:1 is not among networks'],
    ['solana:abc', 'sessions are funded on EVM networks only'],
  ])('on %s: %s', (network, issue) => {
    expect(treasuryIssue({ network }, [{ id: 'eip155:84532', rpc: 'http://rpc' }, { id: 'eip155:8453' }])).toBe(issue)
  })
})
