import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { issuesOf } from '../../src/session/issues.ts'
import {
  completed,
  defaultSessionSchema,
  limitsSchema,
  refillSchema,
  type SessionSpec,
  scopeSchema,
  sessionRequestSchema,
  sessionSpecSchema,
} from '../../src/session/spec.ts'

const LEAST = { agent: 'reporter', purpose: 'liquidity report', cap: '25.00', ttl: '1h' }

function paths(value: unknown): string[] {
  const parsed = sessionSpecSchema.safeParse(value)
  return parsed.success ? [] : issuesOf(parsed.error).map(({ path }) => path)
}

describe('sessionSpecSchema', () => {
  it('reads every field', () => {
    const spec: SessionSpec = sessionSpecSchema.parse({
      ...LEAST,
      currency: 'USD',
      limits: {
        perPayment: '5.00',
        payments: 500,
        perRecipient: { '*': '10.00', 'API.example.com': 2, '0xABCDEF0123456789012345678901234567890123': '0' },
        perCategory: { search: '1.00' },
        perTool: { web_search: '3.00' },
        perUser: { '*': '5.00' },
        perWindow: [{ max: '5.00', per: '10m' }],
        perTask: { payments: 20, requests: 200 },
      },
      scope: {
        hosts: ['*.example.com'],
        methods: ['get'],
        paths: ['/v1/*'],
        categories: ['search'],
        tools: ['web_search'],
        enforce: 'all',
        onDrift: 'deny',
      },
      networks: ['base-sepolia'],
      assets: ['USDC'],
      wallet: null,
      owner: 'ops',
      parent: null,
      singleUse: true,
      labels: { costCentre: 'R-12' },
      refill: { amount: '0.50', every: '1h', max: '2.00' },
    })
    expect(spec).toStrictEqual({
      agent: 'reporter',
      purpose: 'liquidity report',
      cap: 25_000_000n,
      ttl_ms: 3_600_000,
      currency: 'USD',
      limits: {
        perPayment: 5_000_000n,
        payments: 500,
        perRecipient: { '*': 10_000_000n, 'api.example.com': 2_000_000n, '0xabcdef0123456789012345678901234567890123': 0n },
        perCategory: { search: 1_000_000n },
        perTool: { web_search: 3_000_000n },
        perUser: { '*': 5_000_000n },
        perWindow: [{ max: 5_000_000n, per_ms: 600_000 }],
        perTask: { payments: 20, requests: 200 },
      },
      scope: {
        hosts: ['*.example.com'],
        methods: ['GET'],
        paths: ['/v1/*'],
        categories: ['search'],
        tools: ['web_search'],
        enforce: 'all',
        onDrift: 'deny',
      },
      networks: ['eip155:84532'],
      assets: ['USDC'],
      wallet: null,
      owner: 'ops',
      parent: null,
      singleUse: true,
      labels: { costCentre: 'R-12' },
      refill: { amount: 500_000n, every_ms: 3_600_000, max: 2_000_000n },
    })
  })

  it('absent stays absent, so that no bound appears that nobody set', () => {
    expect(sessionSpecSchema.parse(LEAST)).toStrictEqual({
      agent: 'reporter',
      purpose: 'liquidity report',
      cap: 25_000_000n,
      ttl_ms: 3_600_000,
      limits: {},
      scope: {},
      labels: {},
      parent: null,
      singleUse: false,
      refill: null,
    })
  })

  it('empty stays empty and zero stays zero, because both refuse', () => {
    const spec = sessionSpecSchema.parse({
      ...LEAST,
      cap: 0,
      limits: { perPayment: 0, payments: 0, perTool: {}, perWindow: [] },
      scope: { hosts: [], tools: [] },
      networks: [],
      assets: [],
    })
    expect(spec).toMatchObject({
      cap: 0n,
      limits: { perPayment: 0n, payments: 0, perTool: {}, perWindow: [] },
      scope: { hosts: [], tools: [] },
      networks: [],
      assets: [],
    })
  })

  it('a session without a cap or a lifetime is refused', () => {
    expect(paths({ agent: 'a', purpose: 'p' })).toEqual(['cap', 'ttl'])
    expect(paths({ ...LEAST, cap: null, ttl: null })).toEqual(['cap', 'ttl'])
  })

  it.each([
    [{ capp: 1 }, 'capp'],
    [{ limits: { perpayment: 1 } }, 'limits.perpayment'],
    [{ scope: { host: [] } }, 'scope.host'],
    [{ limits: { perWindow: [{ max: 1, per: '1h', x: 1 }] } }, 'limits.perWindow[0].x'],
  ])('an unknown key is refused, because what was meant would not hold: %j', (more, path) => {
    expect(paths({ ...LEAST, ...more })).toEqual([path])
  })

  it.each([
    [{ cap: '-1' }, 'cap'],
    [{ cap: 1e21 }, 'cap'],
    [{ ttl: 3600 }, 'ttl'],
    [{ ttl: '400d' }, 'ttl'],
    [{ agent: '' }, 'agent'],
    [{ agent: 'a\u0000' }, 'agent'],
    [{ purpose: 'p'.repeat(1_001) }, 'purpose'],
    [{ currency: 'usd' }, 'currency'],
    [{ limits: { payments: -1 } }, 'limits.payments'],
    [{ limits: { payments: 1.5 } }, 'limits.payments'],
    [{ limits: { perWindow: [{ max: 1, per: '0s' }] } }, 'limits.perWindow[0].per'],
    [{ limits: { perTool: { a: 'x' } } }, 'limits.perTool.a'],
    [{ scope: { methods: ['GET '] } }, 'scope.methods[0]'],
    [{ scope: { enforce: 'some' } }, 'scope.enforce'],
    [{ networks: ['mainnet'] }, 'networks[0]'],
    [{ labels: { a: 1 } }, 'labels.a'],
    [{ labels: Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`l${at}`, 'x'])) }, 'labels'],
    [{ singleUse: 'yes' }, 'singleUse'],
    [{ limits: null }, 'limits'],
    [{ refill: { amount: '1', every: '500ms', max: '1' } }, 'refill.every'],
    [{ refill: { amount: '0', every: '1h', max: '1' } }, 'refill.amount'],
    [{ refill: { amount: '2', every: '1h', max: '1' } }, 'refill.max'],
    [{ refill: { amount: '1', every: '1h' } }, 'refill.max'],
    [{ refill: { amount: '1', every: '400d', max: '1' } }, 'refill.every'],
  ])('%j is refused at its path', (more, path) => {
    expect(paths({ ...LEAST, ...more })).toEqual([path])
  })

  it('a key called __proto__ is refused everywhere and changes nothing', () => {
    const evil = JSON.parse('{"limits":{"perTool":{"__proto__":"9"}},"labels":{"__proto__":"x"},"__proto__":{"cap":"99"}}')
    expect(paths({ ...LEAST, ...JSON.parse('{"limits":{"__proto__":{"perPayment":"9"}}}') })).toEqual(['limits.__proto__'])
    expect(paths(Object.defineProperties({ ...LEAST }, Object.getOwnPropertyDescriptors(evil)))).toEqual(
      expect.arrayContaining(['limits.perTool', 'labels', '__proto__']),
    )
    expect('cap' in {}).toBe(false)
  })

  it('lets only problems out, whatever the body', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (body, part) => {
        sessionSpecSchema.safeParse(body)
        sessionSpecSchema.safeParse({ ...LEAST, limits: part, scope: part, labels: part })
      }),
    )
  })

  it('what was said and what was not stay apart, for a child takes from its parent what is absent', () => {
    expect(sessionRequestSchema.parse({ cap: 1, ttl: '1h' })).toStrictEqual({ cap: 1_000_000n, ttl_ms: 3_600_000 })
    expect(sessionSpecSchema.parse({ cap: 1, ttl: '1h' })).toMatchObject({ agent: 'agent', purpose: 'not stated', parent: null })
    expect(completed({ cap: 1n, ttl_ms: 1, singleUse: true })).toMatchObject({ agent: 'agent', singleUse: true, refill: null })
  })

  it('can be published as a JSON Schema', () => {
    const schema = z.toJSONSchema(sessionSpecSchema, { io: 'input' })
    expect(schema.required).toEqual(['cap', 'ttl'])
    expect(schema.additionalProperties).toBe(false)
  })
})

describe('defaultSessionSchema', () => {
  it('has a default for who and why, none for how much and how long', () => {
    expect(defaultSessionSchema.parse({ cap: 5, ttl: '24h' })).toMatchObject({ agent: 'default', cap: 5_000_000n, ttl_ms: 86_400_000 })
    const parsed = defaultSessionSchema.safeParse({})
    expect(parsed.success ? [] : issuesOf(parsed.error).map(({ path }) => path)).toEqual(['cap', 'ttl'])
  })

  it('is nobody’s child and no single payment', () => {
    expect(defaultSessionSchema.safeParse({ cap: 5, ttl: '24h', parent: 'ses_1' }).success).toBe(false)
    expect(defaultSessionSchema.parse({ cap: 5, ttl: '24h' })).toMatchObject({ parent: null, singleUse: false })
  })
})

describe('limitsSchema and scopeSchema', () => {
  it('read their part of a session alone', () => {
    expect(limitsSchema.parse({ perPayment: 1 })).toStrictEqual({ perPayment: 1_000_000n })
    expect(scopeSchema.parse({ methods: ['post'] })).toStrictEqual({ methods: ['POST'] })
    expect(refillSchema.parse({ amount: 1, every: '1s', max: 1 })).toStrictEqual({ amount: 1_000_000n, every_ms: 1_000, max: 1_000_000n })
  })
})
