import { describe, expect, it } from 'vitest'
import { outOfScope } from '../../src/session/scope.ts'

const TARGET = { host: 'api.example.com', port: 443, method: 'get', path: '/v1/search?q=/v2/x', tool: 'web_search', categories: ['search'] }

describe('outOfScope', () => {
  it('refuses nothing in a dimension that the scope does not declare', () => {
    expect(outOfScope({}, TARGET)).toBeUndefined()
    expect(outOfScope({ enforce: 'all', onDrift: 'deny' }, { host: 'x', method: 'DELETE' })).toBeUndefined()
  })

  it('lets pass what every declared dimension names', () => {
    const scope = { hosts: ['*.example.com'], methods: ['GET', 'POST'], paths: ['/v1/*'], categories: ['search'], tools: ['web_search'] }
    expect(outOfScope(scope, TARGET)).toBeUndefined()
  })

  it.each([
    [{ hosts: ['b.example'] }, 'Host api.example.com is not among the hosts of this session (b.example).'],
    [{ hosts: ['api.example.com:8443'] }, 'Host api.example.com is not among the hosts of this session (api.example.com:8443).'],
    [{ methods: ['POST'] }, 'Method get is not among the methods of this session (POST).'],
    [{ paths: ['/v2/*'] }, 'The path is not among the paths of this session (/v2/*).'],
    [{ tools: ['calculator'] }, 'Tool "web_search" is not among the tools of this session (calculator).'],
    [{ categories: ['compute', 'data'] }, 'The payment is for search; this session is for compute, data.'],
  ])('says what is outside: %j', (scope, sentence) => {
    expect(outOfScope(scope, TARGET)).toBe(sentence)
  })

  it.each([{ hosts: [] }, { methods: [] }, { paths: [] }, { tools: [] }, { categories: [] }])(
    'an empty list refuses everything: %j',
    (scope) => {
      expect(outOfScope(scope, TARGET)).toMatch(/none/)
    },
  )

  it('a payment without a category or tool is outside a scope that names some', () => {
    expect(outOfScope({ categories: ['search'] }, { ...TARGET, categories: [] })).toBe(
      'The payment has no category; this session is for search.',
    )
    expect(outOfScope({ tools: ['web_search'] }, { host: 'x', method: 'GET' })).toMatch(/names no tool/)
  })

  it('a path that a server may read as another one is within no scope that names paths', () => {
    expect(outOfScope({ paths: ['/v1/*'] }, { ...TARGET, path: '/v1/..%2fv2/secret' })).toMatch(/path/)
  })

  it('paths are not judged before one is known', () => {
    expect(outOfScope({ paths: [] }, { host: 'x', method: 'GET' })).toBeUndefined()
  })

  it('categories are not judged before a payment is known', () => {
    const { categories: _, ...request } = TARGET
    expect(outOfScope({ categories: [] }, request)).toBeUndefined()
  })
})
