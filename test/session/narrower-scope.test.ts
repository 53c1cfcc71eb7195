import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { beyond, narrowedScope, widerScope } from '../../src/session/narrower-scope.ts'
import { outOfScope } from '../../src/session/scope.ts'
import type { SessionScope } from '../../src/session/session.ts'

const listOf = (...words: string[]) => fc.subarray(words)
const someScope: fc.Arbitrary<SessionScope> = fc.record(
  {
    hosts: listOf('*', '*.a.example', 'b.a.example', 'b.a.example:8443', 'c.example'),
    methods: listOf('GET', 'POST'),
    paths: listOf('*', '/v1/*', '/v1/search', '/v1/*/lines', '/v1/a*'),
    categories: listOf('search', 'compute'),
    tools: listOf('web', 'shell'),
    enforce: fc.constantFrom('payments', 'all'),
    onDrift: fc.constantFrom('report', 'escalate', 'deny'),
  },
  { requiredKeys: [] },
)
const someTarget = fc.record({
  host: fc.constantFrom('a.example', 'b.a.example', 'c.example', 'd.example'),
  port: fc.constantFrom(443, 8443),
  method: fc.constantFrom('GET', 'POST', 'PUT'),
  path: fc.constantFrom('/v1/search', '/v1/a/lines', '/v1/a/b/lines', '/v2/search', '/v1/ab'),
  tool: fc.constantFrom('web', 'shell', 'other'),
  categories: listOf('search', 'compute', 'other'),
})

describe('the scope of a child', () => {
  it('is its parent’s where it says nothing', () => {
    const parent: SessionScope = { hosts: ['a.example'], tools: [], enforce: 'all', onDrift: 'deny' }
    expect(narrowedScope(parent, {})).toEqual(parent)
    expect(narrowedScope(parent, { methods: ['GET'] })).toEqual({ ...parent, methods: ['GET'] })
  })

  it.each<[SessionScope, SessionScope, string, string]>([
    [{ hosts: ['*.a.example'] }, { hosts: ['a.example'] }, 'scope.hosts', 'the parent does not have a.example (it has *.a.example)'],
    [{ hosts: ['a.example:443'] }, { hosts: ['a.example'] }, 'scope.hosts', 'the parent does not have a.example (it has a.example:443)'],
    [{ methods: [] }, { methods: ['GET'] }, 'scope.methods', 'the parent does not have GET (it has none)'],
    [{ paths: ['/v1/*'] }, { paths: ['/v1/a', '/*'] }, 'scope.paths', 'the parent does not have /* (it has /v1/*)'],
    [{ categories: ['search'] }, { categories: ['search', 'x'] }, 'scope.categories', 'the parent does not have x (it has search)'],
    [{ tools: ['web'] }, { tools: ['shell'] }, 'scope.tools', 'the parent does not have shell (it has web)'],
    [{ enforce: 'all' }, { enforce: 'payments' }, 'scope.enforce', 'the parent judges all requests, so its children do too'],
    [{ onDrift: 'deny' }, { onDrift: 'escalate' }, 'scope.onDrift', 'escalate is milder than the deny of the parent'],
  ])('under %j the wider %j is named', (parent, asked, path, message) => {
    expect(widerScope(parent, asked)).toEqual([{ path, message }])
  })

  it('lets nothing through that its parent would not, and is never judged more mildly', () => {
    fc.assert(
      fc.property(someScope, someScope, someTarget, (parent, asked, target) => {
        if (widerScope(parent, asked).length > 0) return
        const child = narrowedScope(parent, asked)
        if (outOfScope(child, target) === undefined) expect(outOfScope(parent, target)).toBeUndefined()
        if (parent.enforce === 'all') expect(child.enforce).toBe('all')
        const order = ['report', 'escalate', 'deny']
        if (parent.onDrift) expect(order.indexOf(child.onDrift ?? 'report')).toBeGreaterThanOrEqual(order.indexOf(parent.onDrift))
      }),
      { numRuns: 3_000 },
    )
  })

  it('everything that a parent without a scope is asked for is within it', () => {
    fc.assert(fc.property(someScope, (asked) => widerScope({}, asked).length === 0))
    expect(beyond('networks', { wanted: undefined, allowed: [] })).toEqual([])
  })
})
