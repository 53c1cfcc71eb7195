import { describe, expect, it } from 'vitest'

describe('reflect', () => {
  it('lets the certificate library load, and never replaces a polyfill that is there', async () => {
    const polyfill = () => undefined
    Object.defineProperty(Reflect, 'getOwnMetadata', { value: polyfill, configurable: true, writable: true })
    await import('../../src/proxy/reflect.ts')
    expect(Reflect.get(Reflect, 'getOwnMetadata')).toBe(polyfill)
    for (const name of ['getMetadata', 'getOwnMetadata', 'defineMetadata'])
      expect(Reflect.get(Reflect, name)('design:paramtypes', {})).toBeUndefined()
    await expect(import('@peculiar/x509')).resolves.toHaveProperty('X509CertificateGenerator')
  })
})
