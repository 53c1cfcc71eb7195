import { describe, expect, it } from 'vitest'
import { openWallet } from '../src/open-wallet.ts'

const KEY = `0x${'c0ffee11'.repeat(8)}`
const ref = (text: string) => ({ kind: 'text', reveal: () => text }) as const

describe('openWallet', () => {
  it('opens a local key', async () => {
    const wallet = await openWallet({ wallet: { kind: 'local', key: { kind: 'env', name: 'KEY' } } }, { KEY })
    expect(await wallet.address(null)).toMatch(/^0x[0-9a-fA-F]{40}$/)
  })

  it('opens a signer’s without asking it, and without a key', async () => {
    const address = '0x1111111111111111111111111111111111111111'
    const wallet = await openWallet({ wallet: { kind: 'signer', socket: '/nowhere/socket', address } }, {})
    expect(await wallet.address(null)).toBe(address)
    expect(await wallet.readiness?.()).toEqual([expect.stringContaining('there is no socket /nowhere/socket')])
  })

  it('says nothing of what is no key', async () => {
    await expect(openWallet({ wallet: { kind: 'local', key: ref('canary') } }, {})).rejects.toThrow(/^a wallet key is/)
  })
})
