import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatAuthority, parseAuthority } from '../../src/proxy/connect-target.ts'
import { anyText } from '../any-text.ts'

describe('parseAuthority', () => {
  it.each([
    ['API.example.com:443', 'api.example.com', 443],
    ['api.example.com.:8443', 'api.example.com', 8443],
    ['[::1]:443', '::1', 443],
    ['0x7f.1:1', '127.0.0.1', 1],
    ['a.example:65535', 'a.example', 65_535],
  ])('reads %s', (text, host, port) => {
    expect(parseAuthority(text)).toEqual({ host, port })
  })

  it.each([
    '',
    ':443',
    'a.example',
    'a.example:',
    'a.example:0',
    'a.example:0443',
    'a.example:65536',
    'a.example:99999',
    'a.example:443443',
    'a.example:-1',
    'a.example:+1',
    'a.example: 443',
    'a.example:443 ',
    'a.example:４４３',
    'a.example:1e2',
    'a.example:https',
    'a:b:443',
    '::1:443',
    '[::1]',
    '[::1]443',
    '[a.example]:443',
    'user@a.example:443',
    'http://a.example:443',
    'a.example:443/',
    'a.example/x:443',
    '/:443',
    '%00:443',
  ])('knows that %j is no host and port', (text) => {
    expect(parseAuthority(text)).toBeUndefined()
  })

  it('takes the usual port where none is given, and only then', () => {
    expect(parseAuthority('a.example', 443)).toEqual({ host: 'a.example', port: 443 })
    expect(parseAuthority('a.example:80', 443)).toEqual({ host: 'a.example', port: 80 })
    expect(parseAuthority('a.example:', 443)).toBeUndefined()
  })

  it('reads back what formatAuthority writes, and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(), fc.webAuthority({ withPort: true, withIPv4: true, withIPv6: true })), (text) => {
        const target = parseAuthority(text)
        if (target) expect(parseAuthority(formatAuthority(target))).toEqual(target)
      }),
    )
  })
})
