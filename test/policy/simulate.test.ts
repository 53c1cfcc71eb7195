import { describe, expect, it } from 'vitest'
import { type Beside, type RecordedPayment, Simulator } from '../../src/policy/simulate.ts'
import { ALICE, FOUR_TIERS, rules, tier } from './fixtures.ts'

const NOON = Date.parse('2026-06-27T12:00:00Z')
const RULES = rules({
  categories: [
    { host: 'api.example.com', category: 'search' },
    { host: 'hire.example', category: 'agent_hire' },
  ],
  verified: [{ host: 'api.example.com', payTo: ALICE }],
})
const ENFORCE = { tiers: FOUR_TIERS, rules: RULES, version: 'new', mode: 'enforce' } as const

let ids = 0
function recorded(more: Partial<RecordedPayment> = {}): RecordedPayment {
  return {
    ...{ id: `pay_${++ids}`, sessionId: 'ses_1', agent: 'researcher', method: 'GET', url: 'https://api.example.com/search?q=1' },
    ...{ origin: 'https://api.example.com', tool: null, task: null, justification: null, tier: 'autonomous', trust: 'verified' },
    ...{ wouldBe: null, state: 'settled', code: null, delivered: true, decidedAt: NOON, context: null },
    terms: { rail: 'x402', amount: 500_000n, currency: 'USD', network: 'eip155:84532', payTo: ALICE },
    ...more,
  }
}

const KNOWN: Beside = { scope: {}, tier: { approval: 'none' }, counted: true }

function simulated(policy: ConstructorParameters<typeof Simulator>[0], payments: readonly RecordedPayment[], beside: Beside = KNOWN) {
  const simulator = new Simulator(policy, true)
  for (const payment of payments) simulator.add(payment, beside)
  return simulator.result()
}

describe('Simulator', () => {
  it('the policy that decided changes nothing', () => {
    expect(simulated(ENFORCE, [recorded(), recorded()])).toMatchObject({
      ...{ judged: 2, unchanged: 2, changed: 0, uncertain: 0, changes: [] },
      before: { allow: 2, spent: { USD: '1.00' } },
      after: { allow: 2, atLeast: { USD: '1.00' }, atMost: { USD: '1.00' } },
    })
  })

  it('what was only asked for ahead is counted apart: its payment is on record by itself', () => {
    const terms = { rail: 'authorize', amount: 89_000_000n, currency: 'USD', network: 'eip155:84532', payTo: 'hire.example' }
    const asked = recorded({ terms, tier: 'collaborative', state: 'denied', code: 'approval_pending' })
    expect(simulated(ENFORCE, [asked])).toMatchObject({
      ...{ judged: 0, changed: 0 },
      notJudged: [{ reason: 'It was only asked for ahead, and paid nothing.', payments: 1 }],
      after: { atMost: {} },
    })
  })

  it('a stricter policy names each payment that it would have refused, and what would not have been spent', () => {
    const strict = {
      ...ENFORCE,
      tiers: [
        tier({
          name: 'small',
          conditions: { maxAmount: '0.10', categories: ['search'], recipientTrust: 'verified', frequency: { max: 9, per: '1h' } },
        }),
      ],
    }
    const { changes, after } = simulated(strict, [recorded()])
    expect(changes).toMatchObject([
      { before: { decision: 'allow', tier: 'autonomous' }, after: { decision: 'deny', code: 'no_tier_matches' }, certain: true },
    ])
    expect(after).toMatchObject({ deny: 1, atMost: {} })
  })

  it('what was refused and would pass adds its price; what people would decide is a span', () => {
    const refused = recorded({ state: 'denied', code: 'no_tier_matches', tier: '' })
    const hire = recorded({
      ...refused,
      url: 'https://hire.example/',
      origin: 'https://hire.example',
      trust: 'unknown',
      terms: { rail: 'x402', amount: 89_000_000n, currency: 'USD', network: 'eip155:84532', payTo: ALICE },
    })
    const { before, after, changed } = simulated(ENFORCE, [refused, hire])
    expect(changed).toBe(2)
    expect(before).toMatchObject({ deny: 2, spent: { USD: '0.00' } })
    expect(after).toMatchObject({ allow: 1, ask: 1, atLeast: { USD: '0.50' }, atMost: { USD: '89.50' } })
  })

  it('counts frequencies as the other policy would have, payments before the span included', () => {
    const [autonomous] = FOUR_TIERS
    if (!autonomous) throw new Error('no tier')
    const narrow = {
      ...ENFORCE,
      tiers: [{ ...autonomous, conditions: { ...autonomous.conditions, frequency: { max: 2, per_ms: 60_000 } } }],
    }
    const simulator = new Simulator(narrow, true)
    simulator.add(recorded({ decidedAt: NOON - 30_000 }), { ...KNOWN, counted: false })
    for (const at of [0, 1_000, 31_000]) simulator.add(recorded({ decidedAt: NOON + at }), KNOWN)
    const { changes, judged } = simulator.result()
    expect(judged).toBe(3)
    expect(changes.map(({ at, after }) => [at, after.code])).toEqual([['2026-06-27T12:00:01.000Z', 'frequency_exceeded']])
  })

  it('does not judge what it cannot know, and says why', () => {
    const { judged, notJudged } = simulated(ENFORCE, [
      recorded({ terms: null, state: 'denied', code: 'challenge_invalid' }),
      recorded({ state: 'denied', code: 'spending_limit_exceeded' }),
    ])
    expect(judged).toBe(0)
    expect(notJudged).toEqual([
      { reason: 'No price was recorded: it was refused before an offer was chosen.', payments: 1 },
      { reason: 'It was refused with spending_limit_exceeded, which is not the policy’s alone.', payments: 1 },
    ])
    expect(simulated(ENFORCE, [recorded()], { ...KNOWN, scope: undefined }).notJudged).toMatchObject([{ payments: 1 }])
  })

  it('a recipient that the other policy does not list is known from its earlier payments, and uncertain where those were not read', () => {
    const unlisted = {
      ...ENFORCE,
      rules: { ...RULES, recipients: { verified: [], blocked: [] } },
      tiers: [tier({ conditions: { maxAmount: 1, categories: ['search'], recipientTrust: 'known', frequency: { max: 9, per: '1h' } } })],
    }
    expect(simulated(unlisted, [recorded(), recorded()]).after).toMatchObject({ deny: 1, allow: 1 })
    const partial = new Simulator(unlisted, false)
    partial.add(recorded(), KNOWN)
    expect(partial.result()).toMatchObject({ uncertain: 1, changes: [{ certain: false }] })
  })

  it('what mode report let pass is judged as paid', () => {
    const { changes } = simulated(ENFORCE, [
      recorded({ url: 'https://other.example/', origin: 'https://other.example', trust: 'unknown', wouldBe: 'no_tier_matches: x' }),
    ])
    expect(changes).toMatchObject([{ before: { decision: 'allow' }, after: { decision: 'deny' } }])
  })

  it('the session’s scope still binds', () => {
    expect(simulated(ENFORCE, [recorded()], { ...KNOWN, scope: { categories: ['data'] } }).changes).toMatchObject([
      { after: { code: 'out_of_scope' } },
    ])
  })
})
