import { describe, expect, it } from 'vitest'
import { nameConstraints, permittedSubtrees } from '../../src/proxy/name-constraints.ts'

describe('nameConstraints', () => {
  it('excludes every IPv4 and IPv6 address', () => {
    expect(nameConstraints().toString('hex')).toBe(`3032a130300a8708${'00'.repeat(8)}30228720${'00'.repeat(32)}`)
  })

  it('permits the named subtrees, and excludes addresses all the same', () => {
    const der = nameConstraints(['a.example']).toString('hex')
    expect(der).toContain(`a00d300b8209${Buffer.from('a.example').toString('hex')}a1`)
    expect(der.endsWith('00'.repeat(32))).toBe(true)
  })

  it('writes long lists with lengths of two bytes', () => {
    const names = Array.from({ length: 100 }, (_, i) => `host-${i}.example`)
    const der = nameConstraints(names)
    expect(der[1]).toBe(0x82)
    expect(der.readUInt16BE(2)).toBe(der.length - 4)
  })
})

describe('permittedSubtrees', () => {
  it.each([
    [['api.example.com'], ['api.example.com']],
    [
      ['*.example.com', 'b.example:8443', 'A.example.'],
      ['A.example.', 'b.example', 'example.com'],
    ],
    [['bücher.example'], ['xn--bcher-kva.example']],
    [['a.example', 'a.example:443'], ['a.example']],
  ])('bounds %j to their domains', (hosts, subtrees) => {
    expect(permittedSubtrees(hosts)).toEqual(subtrees.map((name) => name.toLowerCase().replace(/\.$/, '')).sort())
  })

  it.each([[['*']], [['api.example.com', '*']], [['10.0.0.1']], [['com']], [['*.com']], [['a*.example.com']], [[]]])(
    'gives no bound for %j, which has no concrete domain',
    (hosts) => {
      expect(permittedSubtrees(hosts)).toBeUndefined()
    },
  )
})
