import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openWallet } from '../src/open-wallet.ts'
import { DOMAIN, FROM, PAY_TO, START_S, writePool } from './wallet/presigned-at-hand.ts'

const KEY = `0x${'c0ffee11'.repeat(8)}`
const ref = (text: string) => ({ kind: 'text', reveal: () => text }) as const

describe('openWallet', () => {
  it('opens a local key', async () => {
    const wallet = await openWallet({ wallet: { kind: 'local', key: { kind: 'env', name: 'KEY' } } }, { KEY })
    expect(await wallet.address(null)).toMatch(/^0x[0-9a-fA-F]{40}$/)
  })

  it('opens a seed, and wallets that paid before', async () => {
    const env = { KEY, WORDS: `${'abandon '.repeat(11)}about` }
    const seed = { kind: 'env', name: 'WORDS' } as const
    const previous = [{ key: { kind: 'env', name: 'KEY' } }, { address: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C' }] as const
    const wallet = await openWallet({ wallet: { kind: 'derived', seed, previous } }, env)
    expect(wallet.ofSession?.('ses_1')).toBe('ses_1')
    expect(await wallet.payers?.(null)).toMatchObject({ length: 3, 0: '0x9858EfFD232B4033E47d90003D41EC34EcaEda94' })
  })

  it('opens a signer’s without asking it, and without a key', async () => {
    const address = '0x1111111111111111111111111111111111111111'
    const wallet = await openWallet({ wallet: { kind: 'signer', socket: '/nowhere/socket', address } }, {})
    expect(await wallet.address(null)).toBe(address)
    expect(await wallet.readiness?.()).toEqual([expect.stringContaining('there is no socket /nowhere/socket')])
  })

  it('opens a pool without a key, which pays nothing where there is no ledger that knows what was used', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'purser-open-pool-'))
    try {
      const files = [await writePool(join(folder, 'pool.json'))]
      const pool = { kind: 'pool', files, address: FROM, longest_ms: 86_400_000 } as const
      const wallet = await openWallet({ wallet: { ...pool, previous: [{ address: PAY_TO }] } }, {})
      expect(await wallet.address(null)).toBe(FROM)
      const wanted = {
        domain: DOMAIN,
        to: PAY_TO,
        value: 1_000n,
        now_s: START_S,
        until_s: START_S,
        shown: '0.001 USDC',
        symbol: 'USDC',
      } as const
      await expect(wallet.presigned?.take(wanted)).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('has one key for Solana beside any of them, which sessions with keys of their own share', async () => {
    const seed = { kind: 'env', name: 'WORDS' } as const
    const solana = { key: { kind: 'env', name: 'SOLANA' } } as const
    const env = { WORDS: `${'abandon '.repeat(11)}about`, SOLANA: '07'.repeat(32) }
    const wallet = await openWallet({ wallet: { kind: 'derived', seed, solana } }, env)
    const address = await wallet.solana?.address(null)
    expect(address).toMatch(/^[1-9A-HJ-NP-Za-km-z]{32,44}$/)
    expect(await wallet.solana?.address('ses_1')).toBe(address)
  })

  it('says nothing of what is no key', async () => {
    await expect(openWallet({ wallet: { kind: 'local', key: ref('canary') } }, {})).rejects.toThrow(/^a wallet key is/)
  })
})
