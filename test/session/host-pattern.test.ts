import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalHostPattern, climbs, coversHost, matchesHost, matchesPath, overlapsHost } from '../../src/session/host-pattern.ts'

describe('matchesHost', () => {
  it.each<[string, string, number | undefined]>([
    ['api.example.com', 'api.example.com', 443],
    ['api.example.com', 'API.Example.COM.', undefined],
    ['API.example.com.', 'api.example.com', 443],
    ['*.example.com', 'a.example.com', 443],
    ['*.example.com', 'a.b.example.com', 8443],
    ['*', 'anything.example', 443],
    ['*', '192.0.2.1', 443],
    ['192.0.2.1', '192.0.2.1', 443],
    ['api.example.com:8443', 'api.example.com', 8443],
    ['*:8443', 'api.example.com', 8443],
    ['[::1]', '[::1]', 443],
    ['[::1]', '::1', 443],
    ['[::1]:8443', '[::1]', 8443],
    ['*.example.com:8443', 'a.example.com', 8443],
  ])('%s matches %s on port %s', (pattern, host, port) => {
    expect(matchesHost(pattern, host, port)).toBe(true)
  })

  it.each<[string, string, number | undefined]>([
    ['api.example.com', 'example.com', 443],
    ['api.example.com', 'xapi.example.com', 443],
    ['*.example.com', 'example.com', 443],
    ['*.example.com', '.example.com', 443],
    ['*.example.com', 'notexample.com', 443],
    ['*.example.com', 'a.example.com.evil.test', 443],
    ['api.example.com:8443', 'api.example.com', 443],
    ['api.example.com:8443', 'api.example.com', undefined],
    ['[::1]:8443', '::1', 443],
    ['[::1]', '[::2]', 443],
    ['', 'api.example.com', 443],
  ])('%s does not match %s on port %s', (pattern, host, port) => {
    expect(matchesHost(pattern, host, port)).toBe(false)
  })
})

const somePattern = fc
  .tuple(fc.constantFrom('*', 'a.b', 'c.a.b', '*.a.b', '*.b', '*.c.a.b', 'x'), fc.constantFrom('', ':443', ':8443'))
  .map(([name, port]) => `${name}${port}`)
const someHost = fc.tuple(fc.constantFrom('a.b', 'c.a.b', 'd.c.a.b', 'b', 'x', 'z.b'), fc.constantFrom(443, 8443))

describe('coversHost and overlapsHost', () => {
  it.each([
    ['*', '*.example.com'],
    ['*', 'api.example.com:8443'],
    ['*.example.com', '*.api.example.com'],
    ['*.example.com', 'api.example.com'],
    ['api.example.com', 'api.example.com:8443'],
    ['[::1]', '[::1]:443'],
  ])('%s covers %s, and not the other way round', (outer, inner) => {
    expect([coversHost(outer, inner), coversHost(inner, outer), overlapsHost(inner, outer)]).toEqual([true, false, true])
  })

  it.each([
    ['*.example.com', 'example.com'],
    ['api.example.com:443', 'api.example.com:8443'],
    ['*.a.example', '*.b.example'],
  ])('%s and %s have nothing in common', (one, other) => {
    expect([coversHost(one, other), coversHost(other, one), overlapsHost(one, other)]).toEqual([false, false, false])
  })

  it('two patterns overlap although neither covers the other', () => {
    const [one, other] = ['api.example.com', '*.example.com:8443'] as const
    expect([coversHost(one, other), coversHost(other, one), overlapsHost(one, other)]).toEqual([false, false, true])
  })

  it('what covers a pattern matches every host that it matches; what overlaps none shares no host', () => {
    fc.assert(
      fc.property(somePattern, somePattern, someHost, (one, other, [host, port]) => {
        const [a, b] = [matchesHost(one, host, port), matchesHost(other, host, port)]
        if (coversHost(one, other) && b) expect(a).toBe(true)
        if (a && b) expect(overlapsHost(one, other)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('matchesPath', () => {
  it.each([
    ['/v1/search', '/v1/search'],
    ['/v1/search', '/v1/search?q=1'],
    ['/v1/search*', '/v1/search'],
    ['/v1/search*', '/v1/search/deep/er?q=*'],
    ['*', '/'],
    ['/*/items/*', '/v1/items/7'],
    ['/a*b*c', '/abbbc'],
    ['/v1/search', '/v1/%73earch'],
    ['/v1/%73earch', '/v1/search'],
    ['/a%2fb', '/a%2Fb'],
    ['/v1/gambling*', '//v1///gambling/slots'],
  ])('%s matches %s', (glob, path) => {
    expect(matchesPath(glob, path)).toBe(true)
  })

  it.each([
    ['/v1/search', '/v1/search/'],
    ['/v1/search', '/v1/searching'],
    ['/v1/search*', '/v2/search'],
    ['/v1/search*', '/?/v1/search'],
    ['/a*b', '/a'],
    ['/ab*bc', '/abc'],
    ['/a.c', '/abc'],
    ['/a/b', '/a%2Fb'],
    ['/V1', '/v1'],
  ])('%s does not match %s', (glob, path) => {
    expect(matchesPath(glob, path)).toBe(false)
  })

  it('agrees with the regular expression that a glob stands for', () => {
    const piece = fc.constantFrom('a', 'b', '/', '*', '.')
    const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(text, text, (glob, path) => {
        const expression = new RegExp(`^${glob.replace(/[./]/g, '\\$&').replaceAll('*', '.*')}$`)
        expect(matchesPath(glob, path)).toBe(expression.test(path.replace(/\/{2,}/g, '/')))
      }),
      { numRuns: 500 },
    )
  })

  it('ends at once for a glob that backtracking would drown in', () => {
    expect(matchesPath(`/${'a*'.repeat(200)}b`, `/${'a'.repeat(20_000)}`)).toBe(false)
  })
})

describe('canonicalHostPattern', () => {
  it.each([
    ['API.Example.com.', 'api.example.com'],
    ['*.Example.COM:443', '*.example.com:443'],
    ['*', '*'],
    ['*:8443', '*:8443'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['*.bücher.example', '*.xn--bcher-kva.example'],
    ['::1', '[::1]'],
    ['[0:0:0:0:0:0:0:1]:8443', '[::1]:8443'],
    ['127.0.0.1', '127.0.0.1'],
    ['localhost', 'localhost'],
  ])('%s is %s', (written, canonical) => {
    expect(canonicalHostPattern(written)).toBe(canonical)
  })

  it.each([
    '',
    '.',
    'https://x',
    'a b',
    'a/b',
    'a.*.com',
    '**',
    '*.',
    '*x.com',
    'a:0',
    'a:65536',
    'a:b',
    'user@host',
    'a..b',
    '[::1',
    '[g::]',
    '-a-',
    '?',
  ])('%j is no host pattern', (written) => {
    expect(canonicalHostPattern(written)).toBeUndefined()
  })

  it('gives a spelling that stays the same, and never throws', () => {
    fc.assert(
      fc.property(fc.string(), (written) => {
        const once = canonicalHostPattern(written)
        expect(once === undefined || canonicalHostPattern(once) === once).toBe(true)
      }),
    )
  })
})

describe('climbs', () => {
  it.each(['/a%2f..%2fb', '/a%2F%2e%2e%2Fb', '/a/..;x=1/b', '/a\\..\\b', '/a%5c..', '/..'])('%s may be read as another path', (path) => {
    expect(climbs(path)).toBe(true)
  })

  it.each(['/', '/a/b', '/a%2fb', '/a..b/c', '/.well-known/x', '/a;b/...', '/%252e'])('%s is read in one way', (path) => {
    expect(climbs(path)).toBe(false)
  })
})
