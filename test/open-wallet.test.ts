import { describe, expect, it } from 'vitest'
import { openWallet } from '../src/open-wallet.ts'

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

  it('says nothing of what is no key', async () => {
    await expect(openWallet({ wallet: { kind: 'local', key: ref('canary') } }, {})).rejects.toThrow(/^a wallet key is/)
  })
})
