import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalHost } from '../../src/proxy/canonical-host.ts'
import { anyText } from '../any-text.ts'

describe('canonicalHost', () => {
  it.each([
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['ｅｘａｍｐｌｅ.com', 'example.com'],
    ['under_score.example', 'under_score.example'],
    ['2130706433', '127.0.0.1'],
    ['0x7f.1', '127.0.0.1'],
    ['017700000001', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['[::1]', '::1'],
    ['::1', '::1'],
    ['[::FFFF:127.0.0.1]', '::ffff:7f00:1'],
    ['%31.1.1.1', '1.1.1.1'],
  ])('reads %j as %s', (text, host) => {
    expect(canonicalHost(text)).toBe(host)
  })

  it.each([
    '',
    '.',
    'a..b',
    'example.com..',
    'user@host',
    'host/path',
    'host\\path',
    'host?q',
    'host#f',
    'host:80',
    'ho st',
    'ho\tst',
    'host\r\nx: y',
    'host\u0000',
    '[1.2.3.4]',
    '[example.com]',
    '[::1',
    '::1]',
    'fe80::1%eth0',
    '[fe80::1%25eth0]',
    '1.2.3.4.5',
    '256.256.256.256',
    '0x100000000',
    'a%2fb',
    'a%00b',
    'a／b',
    'a：80',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}aa`,
  ])('knows that %j is no host', (text) => {
    expect(canonicalHost(text)).toBeUndefined()
  })

  it('is stable, and its result is an address or a name that needs no escaping', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(), fc.domain(), fc.ipV4Extended(), fc.ipV6()), (text) => {
        const host = canonicalHost(text)
        if (host === undefined) return
        expect(canonicalHost(host)).toBe(host)
        if (isIP(host) === 0) expect(host).toMatch(/^[!-~]+$/)
        if (isIP(host) !== 6) expect(host).not.toMatch(/[/?#@\\:[\]]/)
      }),
      { numRuns: 2_000 },
    )
  })
})
