import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { at, authorityOf, overTls, readPath, readTarget, readUrl, readWithin } from '../../src/proxy/target.ts'

const origin = { scheme: 'https', host: 'api.example.com', port: 443 } as const

describe('target', () => {
  it.each([
    ['http://API.Example.COM/a', 'http://api.example.com/a'],
    ['http://example.com.:80/a', 'http://example.com/a'],
    ['https://example.com:443/', 'https://example.com/'],
    ['https://example.com:8443', 'https://example.com:8443/'],
    ['http://example.com/a/../b/./c?q=1&r=%2f#frag', 'http://example.com/b/c?q=1&r=%2f'],
    ['http://bücher.example/', 'http://xn--bcher-kva.example/'],
    ['http://0x7f.1/', 'http://127.0.0.1/'],
    ['http://2130706433/', 'http://127.0.0.1/'],
    ['http://[::FFFF:1]:81/', 'http://[::ffff:1]:81/'],
    ['http://example.com\\a', 'http://example.com/a'],
    ['http://example.com/%2e%2e/a', 'http://example.com/a'],
  ])('%s is the one URL %s', (text, url) => {
    expect(readUrl(text)).toMatchObject({ kind: 'target', url })
  })

  it('takes the URL apart once', () => {
    expect(readUrl('http://[::1]:8080/a/b?c=d')).toEqual({
      kind: 'target',
      url: 'http://[::1]:8080/a/b?c=d',
      origin: { scheme: 'http', host: '::1', port: 8080 },
      path: '/a/b?c=d',
      authority: '[::1]:8080',
      label: 'http://[::1]:8080/a/b',
    })
  })

  it.each([
    ['ftp://a/', 'Only http:// and https:// URLs can be asked for.'],
    ['javascript:alert(1)', 'Only http:// and https:// URLs can be asked for.'],
    ['http:a', 'Only http:// and https:// URLs can be asked for.'],
    ['http:///a', 'Only http:// and https:// URLs can be asked for.'],
    ['http://a@b/', 'A URL with credentials in it is not forwarded; use a header.'],
    ['http://:p@b/', 'A URL with credentials in it is not forwarded; use a header.'],
    ['http://a b/', 'The URL cannot be read.'],
    ['http://a:99999/', 'The URL cannot be read.'],
    ['http://./', 'The URL names no host.'],
    ['http://../', 'The URL names no host.'],
    ['http://a..b/', 'The URL names no host.'],
    ['http://a../', 'The URL names no host.'],
  ])('%s is refused: %s', (text, detail) => {
    expect(readUrl(text)).toEqual({ kind: 'fault', code: 'request_invalid', detail })
  })

  it.each(['api.example.com', 'API.example.com', 'api.example.com.', 'api.example.com:443'])(
    'Host %s is the host of the connection',
    (host) => {
      expect(readWithin(origin, '/a?b', host)).toMatchObject({ kind: 'target', url: 'https://api.example.com/a?b' })
    },
  )

  it.each([undefined, '', 'example.com', 'api.example.com:80', 'x@api.example.com', 'api.example.com/x', 'api.example.com.evil.example'])(
    'Host %s is not, and the answer is 421',
    (host) => {
      expect(readWithin(origin, '/', host)).toMatchObject({ kind: 'fault', code: 'host_mismatch' })
    },
  )

  it('an absolute target inside a connection must name its origin too', () => {
    expect(readWithin(origin, 'https://api.example.com/x', 'api.example.com')).toMatchObject({
      kind: 'target',
      url: 'https://api.example.com/x',
    })
    expect(readWithin(origin, 'http://api.example.com/x', 'api.example.com')).toMatchObject({ code: 'host_mismatch' })
    expect(readWithin(origin, 'https://other.example/x', 'api.example.com')).toMatchObject({ code: 'host_mismatch' })
  })

  it('a path that looks like another host stays a path', () => {
    expect(readWithin(origin, '//evil.example/x', 'api.example.com')).toMatchObject({
      kind: 'target',
      url: 'https://api.example.com//evil.example/x',
    })
  })

  it('reads by the door that the request came through', () => {
    expect(readTarget({ door: { mode: 'forward' }, requestTarget: 'http://a/', host: undefined })).toMatchObject({ url: 'http://a/' })
    expect(readTarget({ door: { mode: 'intercept', origin }, requestTarget: '/', host: 'other' })).toMatchObject({ code: 'host_mismatch' })
  })

  it('over TLS: port 80 becomes 443, others stay, the path is the same', () => {
    expect(overTls(at({ scheme: 'http', host: 'a', port: 80 }, { pathname: '/p', search: '?q=/?' }))).toMatchObject({
      url: 'https://a/p?q=/?',
      label: 'https://a/p',
    })
    expect(overTls(at({ scheme: 'http', host: 'a', port: 8080 }, { pathname: '/', search: '' }))).toMatchObject({ url: 'https://a:8080/' })
  })

  it('writes authorities with the port only where it is not the usual one', () => {
    expect([authorityOf(origin), authorityOf({ ...origin, port: 80 }), authorityOf({ scheme: 'http', host: '::1', port: 80 })]).toEqual([
      'api.example.com',
      'api.example.com:80',
      '[::1]',
    ])
  })

  it('paths that need no parser are read as the parser reads them', () => {
    const piece = fc.oneof(
      fc.constantFrom('/', '//', '.', '..', '/./', '/../', '?', '%2e', '%41', '\\', '#', ' ', "'", '"', '|', '^', ';', '@', ':', 'ä'),
      fc.string({ maxLength: 4 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = `/${pieces.join('')}`
        const url = URL.parse(`http://x${text}`)
        const read = readPath(text)
        expect(read && [read.pathname, read.search]).toEqual(url?.host === 'x' ? [url.pathname, url.search] : undefined)
      }),
      { numRuns: 2_000 },
    )
  })

  it('an origin that was read before is read the same again', () => {
    for (const path of ['/', '/a?b=c', '/a/../b', '/%2e/c', '/d#e']) {
      for (const base of ['http://a.example', 'https://a.example:8443', 'http://0x7f.1', 'http://a.example.:80']) {
        const first = readUrl(base + path)
        expect(readUrl(base + path)).toEqual(first)
        expect(first).toMatchObject({ kind: 'target', url: new URL(base.replace('example.:', 'example:') + path).href.replace(/#.*/, '') })
      }
    }
    for (const text of ['http://a:99999/', 'http://a:99999/']) expect(readUrl(text)).toMatchObject({ kind: 'fault' })
  })

  it('reading a canonical URL again changes nothing', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (text) => {
        const once = readUrl(text)
        if (once.kind === 'target') expect(readUrl(once.url)).toEqual(once)
      }),
    )
    fc.assert(
      fc.property(fc.string(), (text) => {
        const read = readUrl(`http://${text}`)
        if (read.kind === 'target') expect(readUrl(read.url)).toEqual(read)
        else expect(read.code).toBe('request_invalid')
      }),
    )
  })
})
