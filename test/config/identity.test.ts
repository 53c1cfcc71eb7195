import { describe, expect, it } from 'vitest'
import { identitySchema } from '../../src/config/identity.ts'
import { issuesOf } from '../../src/session/issues.ts'

const schema = identitySchema('/etc/purser')
const AGENT = {
  subject: 'system:serviceaccount:research:*',
  agent: 'researcher',
  parent: 'research',
  session: { cap: '2.00', ttl: '15m', limits: { perPayment: '0.50' } },
}
const ISSUER = { kind: 'kubernetes', issuer: 'https://kubernetes.default.svc', audience: 'purser', agents: [AGENT] }
const BUDGETS = { research: { cap: '25', ttl: '30d' } }
const written = (issuer: object, budgets: object = BUDGETS) => ({ issuers: [issuer], budgets })

function faults(value: unknown): string[] {
  const parsed = schema.safeParse(value)
  return parsed.success ? [] : issuesOf(parsed.error).map(({ path, message }) => `${path}: ${message}`)
}

describe('identity', () => {
  it('lets nobody in where it says nothing', () => {
    expect(schema.parse({})).toEqual({ issuers: [], rules: [], budgets: {} })
  })

  it('reads issuers, the rules of their agents, and budgets', () => {
    const jwks = 'https://kubernetes.default.svc/openid/v1/jwks'
    const read = schema.parse(written({ ...ISSUER, jwks, tokenFile: 'token', caFile: 'ca.pem', algorithms: ['RS256'] }))
    expect(read.issuers).toEqual([
      {
        ...{ kind: 'oidc', issuer: ISSUER.issuer, audience: 'purser', algorithms: ['RS256'] },
        keys: { from: 'url', url: jwks, tokenFile: '/etc/purser/token', caFile: '/etc/purser/ca.pem' },
      },
    ])
    expect(read.rules).toEqual([
      { ...AGENT, issuer: ISSUER.issuer, session: { cap: 2_000_000n, ttl_ms: 900_000, limits: { perPayment: 500_000n } } },
    ])
    expect(read.budgets.research).toMatchObject({ cap: 25_000_000n })
  })

  it('reads keys in a file, reviews, SVIDs and certificates', () => {
    const agents = [AGENT]
    const issuers = [
      { ...ISSUER, jwksFile: 'jwks.json' },
      { ...ISSUER, tokenReview: 'https://kubernetes.default.svc/apis/authentication.k8s.io/v1/tokenreviews', tokenFile: 'token' },
      { kind: 'spiffe', issuer: 'spiffe://example.org', audience: 'purser', jwksFile: 'bundle.json', agents },
      { kind: 'certificate', agents },
    ]
    const read = schema.parse({ issuers, budgets: BUDGETS })
    expect(read.issuers.map(({ kind, keys }) => [kind, keys.from])).toEqual([
      ['oidc', 'file'],
      ['oidc', 'review'],
      ['spiffe', 'file'],
    ])
    expect(read.rules.map(({ issuer }) => issuer)).toEqual([ISSUER.issuer, ISSUER.issuer, 'spiffe://example.org', 'certificate'])
  })

  it.each([
    ['no keys', ISSUER, 'name one of jwks'],
    ['two kinds of keys', { ...ISSUER, jwks: 'https://a.example', jwksFile: 'x' }, 'name one of jwks'],
    ['keys over plain http', { ...ISSUER, jwks: 'http://a.example/jwks' }, 'plain http'],
    ['no audience', { ...ISSUER, audience: undefined, jwksFile: 'x' }, 'audience'],
    ['a symmetric algorithm', { ...ISSUER, jwksFile: 'x', algorithms: ['HS256'] }, 'algorithms'],
    ['no agents', { ...ISSUER, jwksFile: 'x', agents: [] }, 'name at least one'],
    ['a budget that is nowhere', { ...ISSUER, jwksFile: 'x', agents: [{ ...AGENT, parent: 'other' }] }, 'neither one of identity.budgets'],
    ['no cap', { ...ISSUER, jwksFile: 'x', agents: [{ ...AGENT, session: { ttl: '1h' } }] }, 'cap'],
    ['a long life', { ...ISSUER, jwksFile: 'x', agents: [{ ...AGENT, session: { cap: '1', ttl: '25h' } }] }, 'at most 24h'],
    ['many stars', { ...ISSUER, jwksFile: 'x', agents: [{ ...AGENT, subject: 'a*b*c*d*e*f' }] }, 'at most 4 stars'],
    ['a review without a credential', { ...ISSUER, tokenReview: 'https://a.example' }, 'needs a tokenFile'],
    ['a trust domain with a path', { ...ISSUER, kind: 'spiffe', issuer: 'spiffe://a.example/x', jwksFile: 'x' }, 'trust domain'],
    ['another kind', { ...ISSUER, kind: 'basic' }, 'kind is'],
  ])('refuses %s', (_name, issuer, fault) => {
    expect(faults(written(issuer)).join('\n')).toContain(fault)
  })

  it('takes the id of an operator’s session for a budget', () => {
    expect(faults(written({ ...ISSUER, jwksFile: 'x', agents: [{ ...AGENT, parent: 'ses_1' }] }, {}))).toEqual([])
  })
})
