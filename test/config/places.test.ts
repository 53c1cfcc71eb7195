import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { cidr, filePath, hookUrl, hostName, isLoopback, listen, port, secret, upstreamUrl, webUrl } from '../../src/config/places.ts'

const valid = (schema: z.ZodType, value: unknown) => schema.safeParse(value).success

describe('listen', () => {
  it.each([
    ['127.0.0.1:4020', { host: '127.0.0.1', port: 4020 }],
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['[::1]:4020', { host: '::1', port: 4020 }],
    ['localhost:4020', { host: 'localhost', port: 4020 }],
  ])('reads %s', (written, read) => {
    expect(listen.parse(written)).toEqual(read)
  })

  it.each(['4020', ':4020', '127.0.0.1', '::1:4020', '[127.0.0.1]:1', '[::g]:1', '127.0.0.1:65536', '127.0.0.1:-1', 'a b:1', 4020, null])(
    'refuses %j and says how to write it',
    (written) => {
      expect(listen.safeParse(written).error?.issues[0]?.message).toMatch(/write host and port like 127\.0\.0\.1:4020/)
    },
  )
})

describe('isLoopback', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
    ['127.evil.example', false],
    ['localhost.evil.example', false],
  ])('%s: %s', (host, loopback) => {
    expect(isLoopback({ host, port: 1 })).toBe(loopback)
  })
})

describe('paths and secrets', () => {
  it('are relative to the folder of the file', () => {
    expect(filePath('/etc/purser').parse('./data')).toBe('/etc/purser/data')
    expect(filePath('/etc/purser').parse('file:tls/key.pem')).toBe('/etc/purser/tls/key.pem')
    expect(filePath('/etc/purser').parse('/var/lib')).toBe('/var/lib')
    expect(valid(filePath('/'), '')).toBe(false)
    expect(secret('/etc/purser').parse('file:./wallet.key')).toEqual({ kind: 'file', path: '/etc/purser/wallet.key' })
    expect(secret('/etc/purser').parse('env:KEY')).toEqual({ kind: 'env', name: 'KEY' })
    expect(valid(secret('/'), 'env:')).toBe(false)
  })
})

describe('cidr', () => {
  it.each(['10.0.0.0/8', '127.0.0.1/32', 'fd00::/8', '::1/128'])('takes %s', (written) => {
    expect(cidr.parse(written)).toBe(written)
  })

  it.each(['10.0.0.0', '10.0.0.0/33', 'example.com/8', '/8', '', 8])('refuses %j', (written) => {
    expect(valid(cidr, written)).toBe(false)
  })
})

describe('ports and names', () => {
  it('have their bounds', () => {
    expect([0, 1, 443, 65_535, 65_536, 1.5, '443'].map((value) => valid(port, value))).toEqual([
      false,
      true,
      true,
      true,
      false,
      false,
      false,
    ])
    expect(['purser.example', '10.0.0.1', '*', '*.example'].map((value) => valid(hostName, value))).toEqual([true, true, false, false])
  })
})

describe('URLs', () => {
  it.each(['ftp://x', 'example.com', 'https://user:pass@example.com/', 'https://example.com/#x', 'javascript:alert(1)', '', 1])(
    '%j is refused everywhere',
    (written) => {
      for (const schema of [webUrl, hookUrl, upstreamUrl]) expect(valid(schema, written)).toBe(false)
    },
  )

  it('an upstream ends in a slash and has no query', () => {
    expect(upstreamUrl.parse('https://api.example.com')).toBe('https://api.example.com/')
    expect(upstreamUrl.parse('https://api.example.com/v1')).toBe('https://api.example.com/v1/')
    expect(valid(upstreamUrl, 'https://api.example.com/?key=1')).toBe(false)
    expect(valid(webUrl, 'https://rpc.example/?key=1')).toBe(true)
  })

  it('webhooks travel over TLS, or on loopback', () => {
    expect(['https://ops.example/', 'http://127.0.0.1:1/', 'http://[::1]/', 'http://localhost/'].every((url) => valid(hookUrl, url))).toBe(
      true,
    )
    expect(valid(hookUrl, 'http://ops.example/')).toBe(false)
  })
})
