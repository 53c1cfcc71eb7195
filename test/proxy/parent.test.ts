import { describe, expect, it } from 'vitest'
import { createAddressGuard } from '../../src/proxy/address-guard.ts'
import { createParents, vetFor } from '../../src/proxy/parent.ts'

const HTTP = { host: 'plain.corp', port: 8080, secure: false }
const HTTPS = { host: 'corp', port: 3128, secure: false }

describe('createParents', () => {
  const parents = createParents({ http: HTTP, https: HTTPS, except: ['*.intern.example', 'wiki:8080', '10.0.0.0/8', 'fd00::/8'] })

  it.each([
    ['https', 'api.example.com', 443, HTTPS],
    ['http', 'api.example.com', 80, HTTP],
    ['https', 'a.intern.example', 443, undefined],
    ['https', 'intern.example', 443, HTTPS],
    ['http', 'wiki', 8080, undefined],
    ['http', 'wiki', 80, HTTP],
    ['https', '10.1.2.3', 443, undefined],
    ['https', '11.1.2.3', 443, HTTPS],
    ['https', 'fd12::1', 443, undefined],
    ['https', 'localhost', 443, undefined],
    ['https', 'shop.localhost', 443, undefined],
    ['http', '127.8.0.1', 80, undefined],
    ['http', '::1', 80, undefined],
  ] as const)('%s://%s:%i', (scheme, host, port, way) => {
    expect(parents.of({ scheme, host, port })).toBe(way)
  })

  it('a scheme without a parent is direct', () => {
    expect(createParents({ http: null, https: HTTPS, except: [] }).of({ scheme: 'http', host: 'x', port: 80 })).toBeUndefined()
  })
})

describe('what the guard sees of a way through a parent', () => {
  const guardOf = (addresses: readonly string[] | undefined, opened: readonly string[] = []) =>
    createAddressGuard({
      opened,
      ownDoors: () => [{ address: '0.0.0.0', port: 4021 }],
      resolve: async () => {
        if (!addresses) throw new Error('ENOTFOUND')
        return addresses.map((address) => ({ address, family: 4 }))
      },
    })
  const vet = (guard: ReturnType<typeof guardOf>, host = 'name.example', port = 443) => vetFor(HTTPS, guard, { host, port })

  it('a name that only the parent can resolve is left to it, and never leads into an opened network', async () => {
    expect(await vet(guardOf(undefined))).toEqual({ kind: 'vetted', address: 'corp', family: 4, opened: false })
    expect(await vet(guardOf(['10.0.0.1'], ['10.0.0.0/8']))).toMatchObject({ kind: 'vetted', opened: false })
  })

  it('a resolver that does not answer holds nothing up for long', async () => {
    const guard = { vet: () => new Promise<never>(() => undefined) }
    expect(await vetFor(HTTPS, guard, { host: 'slow.example', port: 443 })).toMatchObject({ kind: 'vetted', address: 'corp' })
  })

  it.each([
    ['a name that this machine resolves to a private address', () => vet(guardOf(['10.0.0.1'])), /not a public address/],
    ['a literal private address', () => vet(guardOf(undefined), '169.254.169.254'), /not a public address/],
    ['a metadata service by name', () => vet(guardOf(undefined), 'metadata.google.internal'), /reserved/],
    ['one of our own doors', () => vet(guardOf(['127.0.0.1'], ['127.0.0.0/8']), 'purser.example', 4021), /own doors/],
  ])('%s is refused', async (_, judge, reason) => {
    expect(await judge()).toEqual({ kind: 'refused', reason: expect.stringMatching(reason) })
  })

  it('a direct way is the guard’s alone', async () => {
    expect(await vetFor(undefined, guardOf(['93.184.216.34']), { host: 'x.example', port: 443 })).toMatchObject({
      address: '93.184.216.34',
    })
    expect(await vetFor(undefined, guardOf(undefined), { host: 'x.example', port: 443 })).toMatchObject({ kind: 'unresolved' })
  })
})
