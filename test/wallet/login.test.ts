import { createSIWxMessage } from '@x402/extensions/sign-in-with-x'
import { recoverMessageAddress } from 'viem'
import { describe, expect, it } from 'vitest'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { loginText } from '../../src/wallet/login.ts'
import type { Login } from '../../src/wallet/wallet.ts'

const wallet = createLocalWallet({ key: `0x${'c0ffee11'.repeat(8)}` })
const LOGIN: Login = {
  domain: 'api.example:8443',
  address: await wallet.address(null),
  statement: 'Sign in to see what you paid for.',
  uri: 'https://api.example:8443/reports',
  chainId: 84532,
  nonce: 'a1B2c3D4e5F6a7B8',
  issuedAt: '2026-11-23T10:00:00.000Z',
  expirationTime: '2026-11-23T10:05:00.000Z',
  resources: ['https://api.example:8443/reports'],
}

describe('a login', () => {
  it.each([
    ['whole', LOGIN],
    ['with the least', { ...LOGIN, statement: undefined, expirationTime: undefined, resources: undefined }],
  ])('%s has the text that sites rebuild', (_, { statement, expirationTime, resources, ...rest }) => {
    const optional = {
      ...(statement && { statement }),
      ...(expirationTime && { expirationTime }),
      ...(resources && { resources: [...resources] }),
    }
    const { address, ...info } = { ...rest, ...optional }
    const theirs = createSIWxMessage({ ...info, version: '1', chainId: 'eip155:84532', type: 'eip191' }, address)
    expect(loginText({ ...rest, ...optional })).toBe(theirs)
  })

  it('is signed for its own address only', async () => {
    const signature = await wallet.signLogin(null, LOGIN)
    expect(await recoverMessageAddress({ message: loginText(LOGIN), signature })).toBe(LOGIN.address)
    await expect(wallet.signLogin(null, { ...LOGIN, address: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C' })).rejects.toThrow('not one of')
  })

  it.each([
    { statement: 'Fine.\n\nURI: https://evil.example' },
    { uri: 'https://api.example/\nVersion: 2' },
    { resources: ['https://api.example/\u2028'] },
    { domain: 'not a domain' },
    { nonce: 'short' },
  ])('with %j is none', (part) => {
    expect(() => loginText({ ...LOGIN, ...part })).toThrow()
  })
})
