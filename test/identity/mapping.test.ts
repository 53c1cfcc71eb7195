import { describe, expect, it } from 'vitest'
import { matchesSubject, ruleFor, type WorkloadRule } from '../../src/identity/mapping.ts'
import { ISSUER } from './issuer.ts'

const rule = (subject: string, agent: string, issuer = ISSUER): WorkloadRule => ({
  ...{ issuer, subject, agent, parent: 'research' },
  session: { cap: 1n, ttl_ms: 1 },
})

describe('which agent a workload is', () => {
  it('is what the first rule of its issuer says', () => {
    const rules = [rule('system:serviceaccount:research:*', 'researcher'), rule('system:serviceaccount:research:planner', 'planner')]
    expect(ruleFor(rules, { issuer: ISSUER, subject: 'system:serviceaccount:research:planner' })?.agent).toBe('researcher')
  })

  it('is nobody’s for the same subject of another issuer, or a subject that no rule names', () => {
    const rules = [rule('system:serviceaccount:research:*', 'researcher')]
    expect(ruleFor(rules, { issuer: 'https://other.example', subject: 'system:serviceaccount:research:planner' })).toBeUndefined()
    expect(ruleFor(rules, { issuer: ISSUER, subject: 'system:serviceaccount:other:planner' })).toBeUndefined()
  })

  it.each([
    ['system:serviceaccount:research:*', 'system:serviceaccount:research:a:b', false],
    ['system:serviceaccount:*:planner', 'system:serviceaccount:x:research:planner', false],
    ['spiffe://example.org/ns/*/sa/planner', 'spiffe://example.org/ns/a/sa/planner', true],
    ['spiffe://example.org/ns/*/sa/planner', 'spiffe://example.org/ns/a/b/sa/planner', false],
    ['a.b', 'axb', false],
    ['*:a', ':a', true],
    ['a-*-*b', 'a--b', true],
    ['a-*-*b', 'a-b', false],
    // An issuer may let people write their own subjects: a regular expression took minutes for this one.
    ['*-*-*-*x', '-'.repeat(500), false],
    ['a*', 'ab', true],
    ['a*', 'ba', false],
  ])('%s names %s: %s', (glob, subject, named) => {
    expect(matchesSubject(glob, subject)).toBe(named)
  })
})
