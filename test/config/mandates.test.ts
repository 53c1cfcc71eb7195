import { describe, expect, it } from 'vitest'
import { mandatesSchema } from '../../src/config/mandates.ts'

const read = (value: unknown) => mandatesSchema('/etc/purser').safeParse(value)

describe('mandates', () => {
  it('are taken of issuers whose keys stand in a file beside the configuration', () => {
    const issuers = [{ issuer: 'https://wallet.example', keys: './wallet.jwks.json' }]
    expect(read({ issuers }).data).toEqual({
      audience: 'purser',
      issuers: [{ issuer: 'https://wallet.example', keys: '/etc/purser/wallet.jwks.json', unsafeIgnoreReference: false }],
    })
  })

  it('are taken of nobody where there are none', () => {
    expect(read(null).data).toBeNull()
  })

  it('say what is wrong, and where', () => {
    const twice = { issuer: 'a', keys: 'k' }
    const { error } = read({ issuers: [twice, twice, { issuer: 'b' }], trust: 'all' })
    const text = JSON.stringify(error?.issues)
    expect(text).toContain('known are audience, issuers')
    expect(JSON.stringify(read({ issuers: [twice, twice] }).error?.issues)).toContain('is listed twice')
  })
})
