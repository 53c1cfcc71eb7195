import { describe, expect, it } from 'vitest'
import { classify, priceQuery, ruleFor } from '../../src/policy/classify.ts'
import { ALICE, BOB, NO_PAST, payable, rules } from './fixtures.ts'

const CATEGORIES = [
  { host: 'api.example.com', path: '/v1/search*', method: 'GET', category: 'search' },
  { host: 'api.example.com', tool: 'embedder', category: 'embeddings' },
  { host: '*.example.com', category: 'api_calls' },
  { host: '*', category: 'other' },
]

describe('ruleFor', () => {
  it.each([
    [payable(), 'search'],
    [payable({ path: '/v1/searching' }), 'search'],
    [payable({ path: '/v1/%73earch' }), 'search'],
    [payable({ method: 'get' }), 'search'],
    [payable({ method: 'POST' }), 'api_calls'],
    [payable({ path: '/v2', tool: 'embedder' }), 'embeddings'],
    [payable({ path: '/v2', tool: 'constructor' }), 'api_calls'],
    [payable({ host: 'b.example' }), 'other'],
  ])('the first rule that matches gives the category', (payment, category) => {
    expect(ruleFor(payment, CATEGORIES)?.category).toBe(category)
  })

  it.each(['/v1/search%2f..%2fcompute', '/v1/search%5C..%5Ccompute', '/v1/search/..;/compute', '/v2/%2e%2e%2fv1/search'])(
    'no rule names %s: a server may read another path in it than the rules do',
    (path) => {
      expect(ruleFor(payable({ path }), CATEGORIES)).toBeUndefined()
    },
  )

  it('is undefined where no rule matches', () => {
    expect(ruleFor(payable({ host: 'example.com' }), CATEGORIES.slice(0, 3))).toBeUndefined()
  })
})

describe('classify', () => {
  it('puts category, trust and pin together', () => {
    const seen = classify(
      payable(),
      rules({ categories: CATEGORIES, verified: [{ host: 'api.example.com', jurisdiction: 'DE' }] }),
      NO_PAST,
    )
    expect(seen).toEqual({
      categories: ['search'],
      trust: 'verified',
      trustReason: 'api.example.com is listed; its recipient is pinned with the first payment.',
      recipientChanged: false,
      firstPayment: true,
      facts: ['No earlier payment of this agent at api.example.com is proven yet.'],
      jurisdiction: 'DE',
      blocked: false,
      pin: true,
    })
  })

  it('a payment that no rule names has no category', () => {
    expect(classify(payable(), rules(), NO_PAST)).toMatchObject({ categories: [], trust: 'unknown', blocked: false })
  })

  it('a recipient in a sanctioned jurisdiction falls into that category too', () => {
    const listed = rules({
      categories: CATEGORIES,
      verified: [{ host: 'api.example.com', jurisdiction: 'KP' }],
      jurisdictions: { sanctioned: ['KP'] },
    })
    expect(classify(payable(), listed, NO_PAST).categories).toEqual(['search', 'sanctioned_jurisdictions'])
  })

  it('a sanction is not escaped by another address of the host or another host of the address', () => {
    const listed = rules({
      verified: [{ host: 'api.example.com', payTo: ALICE, jurisdiction: 'KP' }],
      jurisdictions: { sanctioned: ['KP'] },
    })
    expect(classify(payable({ payTo: BOB }), listed, NO_PAST).categories).toEqual(['sanctioned_jurisdictions'])
    expect(classify(payable({ host: 'b.example' }), listed, NO_PAST).categories).toEqual(['sanctioned_jurisdictions'])
    expect(classify(payable({ host: 'b.example', payTo: BOB }), listed, NO_PAST).categories).toEqual([])
  })

  it('an agent that is not the listed one is an unverified agent', () => {
    const listed = rules({ verified: [{ host: 'api.example.com', payTo: ALICE, kind: 'agent' }] })
    expect(classify(payable(), listed, NO_PAST).categories).toEqual([])
    expect(classify(payable({ payTo: BOB }), listed, NO_PAST)).toMatchObject({
      categories: ['unverified_agents'],
      trust: 'unknown',
      recipientChanged: true,
      trustBefore: 'verified',
    })
  })

  it('the jurisdiction is that of the listing that holds, never of one for another address', () => {
    const listed = rules({
      verified: [
        { host: 'api.example.com', payTo: BOB, jurisdiction: 'FR' },
        { host: 'api.example.com', payTo: ALICE, jurisdiction: 'DE' },
      ],
    })
    expect(classify(payable(), listed, NO_PAST).jurisdiction).toBe('DE')
    expect(classify(payable({ payTo: '0x01' }), listed, NO_PAST)).not.toHaveProperty('jurisdiction')
  })

  it('blocks an address from a list at every host, whatever the case of its letters', () => {
    const listed = rules({
      verified: [{ host: '*', payTo: ALICE }],
      blockedAddresses: { addresses: new Set([ALICE.toLowerCase()]), digest: '' },
    })
    expect(classify(payable(), listed, NO_PAST)).toMatchObject({ blocked: true, trust: 'verified' })
    expect(classify(payable({ payTo: BOB }), listed, NO_PAST).blocked).toBe(false)
  })

  it('a payment is the first where none was delivered at this origin before', () => {
    const first = (past: Partial<typeof NO_PAST>) => classify(payable(), rules(), { ...NO_PAST, ...past }).firstPayment
    expect([first({}), first({ known: true }), first({ lastPayTo: BOB })]).toEqual([true, false, false])
  })

  it('compares the price with the past where the operator wants it, and says what changed', () => {
    const prices = { latest: [10_000n, 10_000n, 10_000n], earliest: [10_000n, 10_000n, 10_000n] }
    const past = { ...NO_PAST, known: true, prices }
    const priceDrift = { factor: 2_000_000n, over_ms: 1_000, on: 'deny' } as const
    const paid = (amount: bigint, given = rules({ priceDrift })) => classify(payable({ amount, currency: 'USD' }), given, past)
    expect(paid(10_000n)).toMatchObject({ facts: [] })
    expect(paid(10_000n)).not.toHaveProperty('drift')
    expect(paid(11_000n).facts).toEqual(['The last payment for this kind of resource cost $0.01; this one costs $0.011.'])
    expect(paid(30_000n)).toMatchObject({
      drift: { kind: 'sudden', on: 'deny' },
      facts: [expect.stringMatching(/^The price has drifted: it is \$0\.03/)],
    })
    expect(paid(30_000n, rules())).not.toHaveProperty('drift')
    expect(classify(payable(), rules({ priceDrift }), past)).not.toHaveProperty('drift')
  })

  it('another recipient than before is told to people', () => {
    const seen = classify(payable({ payTo: BOB }), rules(), { ...NO_PAST, lastPayTo: ALICE })
    expect(seen.facts).toEqual([`api.example.com asks to pay ${BOB}, but this agent paid ${ALICE} there before.`])
  })

  it('says that a recipient is blocked, by host or by address', () => {
    expect(classify(payable(), rules({ blocked: [{ host: '*.example.com' }] }), NO_PAST).blocked).toBe(true)
    expect(classify(payable(), rules({ blocked: [{ payTo: ALICE }] }), NO_PAST).blocked).toBe(true)
  })
})

describe('priceQuery', () => {
  it('asks for prices only where they are compared', () => {
    const kind = { method: 'GET', path: '/', currency: 'USD' }
    expect(priceQuery(kind, { priceDrift: { factor: 2_000_000n, over_ms: 5, on: 'report' } })).toEqual({ price: { ...kind, over_ms: 5 } })
    expect(priceQuery(kind, {})).toEqual({})
    expect(priceQuery(kind, { priceDrift: null })).toEqual({})
  })
})
