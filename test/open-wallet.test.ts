import { describe, expect, it } from 'vitest'
import { openWallet } from '../src/open-wallet.ts'

const KEY = `0x${'c0ffee11'.repeat(8)}`
const ref = (text: string) => ({ kind: 'text', reveal: () => text }) as const

describe('openWallet', () => {
  it('opens a local key', async () => {
    const wallet = await openWallet({ wallet: { kind: 'local', key: { kind: 'env', name: 'KEY' } } }, { KEY })
    expect(await wallet.address(null)).toMatch(/^0x[0-9a-fA-F]{40}$/)
  })

  it('says nothing of what is no key', async () => {
    await expect(openWallet({ wallet: { kind: 'local', key: ref('canary') } }, {})).rejects.toThrow(/^a wallet key is/)
  })
})
