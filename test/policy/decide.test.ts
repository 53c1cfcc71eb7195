import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { failuresOf } from '../../src/policy/conditions.ts'
import { type DecideInput, decide } from '../../src/policy/decide.ts'
import type { Classification, Concern, PolicyMode } from '../../src/policy/decision.ts'
import type { Trust } from '../../src/session/history.ts'
import { ALICE, BOB, classification, FOUR_TIERS, input, NOON, tier } from './fixtures.ts'

const quote = (amount: bigint) => ({ amount, currency: 'USD', host: 'api.example.com' })
const policy = (mode: PolicyMode, tiers = FOUR_TIERS) => ({ tiers, version: 'abc', mode })

describe('decide', () => {
  it('allows in the first tier whose conditions all hold, and says what is to be counted', () => {
    expect(decide(input())).toEqual({
      kind: 'allow',
      tier: 'autonomous',
      rule: 'tiers.autonomous',
      reason: 'Tier autonomous covers $0.50 for search at api.example.com. api.example.com is listed with this recipient.',
      policyVersion: 'abc',
      frequency: { tier: 'autonomous', max: 1000, per_ms: 3_600_000 },
    })
  })

  it('the first of two tiers that match is the one', () => {
    const tiers = [tier({ name: 'first' }), tier({ name: 'second' })]
    expect(decide(input({ policy: policy('enforce', tiers) })).tier).toBe('first')
    expect(decide(input({ policy: policy('enforce', tiers.toReversed()) })).tier).toBe('second')
  })

  it('lets people take part where the tier says so', () => {
    const supervised = decide(
      input({ quote: quote(20_000_000n), classification: classification({ categories: ['compute'], trust: 'known' }) }),
    )
    expect(supervised).toMatchObject({ kind: 'notify', tier: 'supervised', vetoWindow_ms: 30_000 })
    const asked = decide(
      input({ quote: quote(900_000_000n), classification: classification({ categories: ['agent_hire'], trust: 'unknown' }) }),
    )
    expect(asked).toMatchObject({ kind: 'ask', tier: 'collaborative', timeout_ms: 14_400_000, approvers: 1 })
  })

  it('a blocked tier that matches wins over all others, wherever it stands', () => {
    const blocked = tier({ name: 'never', conditions: { categories: ['gambling'] }, approval: 'blocked' })
    const both = classification({ categories: ['search', 'gambling'] })
    for (const tiers of [
      [tier(), blocked],
      [blocked, tier()],
    ]) {
      expect(decide(input({ classification: both, policy: policy('enforce', tiers) }))).toEqual({
        kind: 'deny',
        code: 'tier_prohibited',
        tier: 'never',
        rule: 'tiers.never',
        reason: 'Payments like this one are prohibited by tier never: $0.50 for search, gambling to a recipient who is verified.',
        policyVersion: 'abc',
      })
    }
  })

  it('a policy without tiers allows nothing', () => {
    expect(decide(input({ policy: policy('enforce', []) }))).toMatchObject({
      kind: 'deny',
      code: 'no_tier_matches',
      tier: '',
      rule: 'default',
      reason: 'No tier allows $0.50 at api.example.com. The policy has no tier that allows anything.',
    })
  })

  it('says for each tier why it does not apply, and to whom a stranger has to turn', () => {
    const decision = decide(
      input({ quote: quote(2_000_000n), classification: classification({ trust: 'unknown', trustReason: 'Never seen.' }) }),
    )
    expect(decision).toMatchObject({ kind: 'deny', code: 'no_tier_matches' })
    expect(decision.reason).toBe(
      [
        'No tier allows $2.00 at api.example.com.',
        'autonomous: $2.00 is more than its $1.00.',
        'supervised: the payment is for search, and the tier is for compute, data_access, saas_tools.',
        'collaborative: the payment is for search, and the tier is for agent_hire, service_procurement, subscription.',
        'An operator has to list the recipient under recipients.verified before it can be paid.',
      ].join(' '),
    )
  })

  it('a stranger in a tier that wants trust is told that an operator has to list it', () => {
    const decision = decide(input({ classification: classification({ trust: 'unknown' }) }))
    expect(decision).toMatchObject({ kind: 'deny', code: 'no_tier_matches' })
    expect(decision.reason).toContain('autonomous: the recipient is unknown, and the tier wants verified.')
    expect(decision.reason).toContain('An operator has to list the recipient under recipients.verified')
  })

  it('a payment without a category is told that an operator has to give one', () => {
    const decision = decide(input({ classification: classification({ categories: [] }) }))
    expect(decision.reason).toContain('An operator has to give the host a category under categories.')
  })

  it('where only the hours do not match, says when they begin', () => {
    const frequency = { max: 10, per: '1h' }
    const conditions = { maxAmount: 1, categories: ['search'], recipientTrust: 'any', frequency, hours: 'Mon-Fri 08:00-10:00 UTC' }
    const tiers = [tier({ name: 'morning', conditions }), tier({ name: 'dear', conditions: { ...conditions, maxAmount: '0.10' } })]
    const decision = decide(input({ policy: policy('enforce', tiers) }))
    const resetsAt = Date.parse('2026-06-30T08:00:00.000Z')
    expect(decision).toMatchObject({ kind: 'deny', code: 'no_tier_matches', resetsAt })
    expect(decision.reason).toContain('The hours of tier morning begin at 2026-06-30T08:00:00.000Z.')
    const neither = decide(input({ policy: policy('enforce', tiers.slice(1)) }))
    expect(neither).toMatchObject({ code: 'no_tier_matches' })
    expect(neither).not.toHaveProperty('resetsAt')
  })

  it('too many payments in a tier that would cover it are frequency_exceeded, with the time of the next', () => {
    const oldestAt = Date.parse('2026-06-27T12:00:00Z')
    expect(decide(input({ history: { frequency: { autonomous: { count: 1000, oldestAt } } } }))).toEqual({
      kind: 'deny',
      code: 'frequency_exceeded',
      tier: 'autonomous',
      rule: 'tiers.autonomous.frequency',
      reason:
        'Tier autonomous would cover $0.50 at api.example.com, but 1000 payments were made in it within the last hour, and 1000 are allowed. The next one fits at 2026-06-27T13:00:00.000Z.',
      policyVersion: 'abc',
      resetsAt: oldestAt + 3_600_000,
    })
  })

  it('of two tiers that are used up it names the one that is free first', () => {
    const tiers = [tier({ name: 'slow' }), tier({ name: 'soon' })]
    const frequency = { slow: { count: 10, oldestAt: 2_000 }, soon: { count: 10, oldestAt: 1_000 } }
    expect(decide(input({ history: { frequency }, policy: policy('enforce', tiers) }))).toMatchObject({
      code: 'frequency_exceeded',
      tier: 'soon',
      resetsAt: 3_601_000,
    })
  })

  it('a frequency that is used up is not the reason where something else fails too', () => {
    const frequency = { autonomous: { count: 1000, oldestAt: 0 } }
    expect(decide(input({ quote: quote(2_000_000n), history: { frequency } }))).toMatchObject({ code: 'no_tier_matches' })
  })

  it('a tier that is used up gives way to the next that covers the payment', () => {
    const tiers = [tier({ name: 'first' }), tier({ name: 'second' })]
    const frequency = { first: { count: 10, oldestAt: 0 } }
    expect(decide(input({ history: { frequency }, policy: policy('enforce', tiers) }))).toMatchObject({ kind: 'allow', tier: 'second' })
  })

  it('a recipient that changed is recipient_changed where the one before would have been paid', () => {
    const trustReason = `api.example.com asks to pay ${BOB}, but its pinned recipient is ${ALICE}.`
    const changed = classification({ trust: 'unknown', recipientChanged: true, trustBefore: 'verified', trustReason })
    expect(decide(input({ classification: changed }))).toEqual({
      kind: 'deny',
      code: 'recipient_changed',
      tier: 'autonomous',
      rule: 'tiers.autonomous.recipientTrust',
      reason: `${trustReason} Tier autonomous would cover the payment if the recipient were the same. An operator has to list the new one under recipients.verified.`,
      policyVersion: 'abc',
    })
  })

  it('a recipient that changed is no_tier_matches where the one before would not have been paid either', () => {
    const changed = classification({ trust: 'unknown', recipientChanged: true, trustBefore: 'known' })
    expect(decide(input({ classification: changed }))).toMatchObject({ code: 'no_tier_matches' })
  })
})

describe('the order of refusals', () => {
  const all = {
    hints: { payNever: true, maxAmount: 1n },
    classification: classification({ blocked: true, categories: ['gambling'], trust: 'unknown' }),
    scopeReason: 'Out of scope.',
  } satisfies Partial<DecideInput>

  it.each([
    ['payment_not_allowed', 'request.pay', all],
    ['request_ceiling_exceeded', 'request.maxAmount', { ...all, hints: { payNever: false, maxAmount: 1n } }],
    ['recipient_blocked', 'recipients.blocked', { ...all, hints: { payNever: false } }],
    ['out_of_scope', 'session.scope', { ...all, hints: { payNever: false }, classification: { ...all.classification, blocked: false } }],
    [
      'tier_prohibited',
      'tiers.prohibited',
      { ...all, hints: { payNever: false }, classification: { ...all.classification, blocked: false }, scopeReason: undefined },
    ],
  ] as const)('%s', (code, rule, over) => {
    expect(decide(input(over))).toMatchObject({ kind: 'deny', code, rule })
  })

  it('each refusal says what it is about', () => {
    expect(decide(input({ hints: { payNever: true } })).reason).toBe('The resource costs money, and the request said Purser-Pay: never.')
    expect(decide(input({ hints: { payNever: false, maxAmount: 499_999n } })).reason).toBe(
      'It costs $0.50, and the request allows $0.499999.',
    )
    expect(decide(input({ classification: classification({ blocked: true }) })).reason).toBe(
      'The operator has blocked the recipient of this payment at api.example.com.',
    )
    expect(decide(input({ scopeReason: 'Not for this.' })).reason).toBe('Not for this.')
  })

  it('a ceiling that is met exactly is met, and a ceiling of zero refuses everything', () => {
    expect(decide(input({ hints: { payNever: false, maxAmount: 500_000n } })).kind).toBe('allow')
    expect(decide(input({ quote: quote(1n), hints: { payNever: false, maxAmount: 0n } }))).toMatchObject({
      code: 'request_ceiling_exceeded',
    })
  })
})

describe.each(['open', 'report'] as const)('mode %s', (mode) => {
  it.each([
    ['no tier', { classification: classification({ trust: 'unknown' }) }, 'no_tier_matches', ''],
    ['a blocked tier', { classification: classification({ categories: ['gambling'], trust: 'unknown' }) }, 'tier_prohibited', 'prohibited'],
    ['the scope', { scopeReason: 'Not for this.' }, 'out_of_scope', ''],
  ] as const)('lets pass what %s refuses, and keeps what enforce would have said', (_, over, code, name) => {
    const enforced = decide(input(over))
    expect(decide(input({ ...over, policy: policy(mode) }))).toEqual({
      kind: 'allow',
      tier: name,
      rule: `mode.${mode}`,
      reason: `Mode ${mode} lets pass what enforce would not: ${enforced.reason}`,
      policyVersion: 'abc',
      wouldBe: { kind: 'deny', code, tier: name, reason: enforced.reason },
    })
  })

  it('lets pass what would wait for people', () => {
    const over = { quote: quote(20_000_000n), classification: classification({ categories: ['compute'], trust: 'known' }) }
    expect(decide(input({ ...over, policy: policy(mode) }))).toMatchObject({
      kind: 'allow',
      wouldBe: { kind: 'notify', tier: 'supervised' },
    })
  })

  it('says nothing of enforce where enforce would allow too', () => {
    expect(decide(input({ policy: policy(mode) }))).toEqual(decide(input()))
  })

  it.each([
    ['a blocked recipient', { classification: classification({ blocked: true }) }, 'recipient_blocked'],
    ['the ceiling of the request', { hints: { payNever: false, maxAmount: 1n } }, 'request_ceiling_exceeded'],
    ['Purser-Pay: never', { hints: { payNever: true } }, 'payment_not_allowed'],
  ] as const)('never relaxes %s', (_, over, code) => {
    expect(decide(input({ ...over, policy: policy(mode) }))).toMatchObject({ kind: 'deny', code })
  })
})

describe('for every payment and policy', () => {
  const CATEGORIES = ['search', 'gambling', 'compute', 'agent_hire', 'sanctioned_jurisdictions']
  const TRUSTS: Trust[] = ['unknown', 'known', 'verified']
  const trust = fc.constantFrom(...TRUSTS)
  const seen: fc.Arbitrary<Classification> = fc.record({
    categories: fc.subarray(CATEGORIES),
    trust,
    trustReason: fc.constant('As drawn.'),
    recipientChanged: fc.constant(false),
    firstPayment: fc.boolean(),
    facts: fc.constant([]),
    blocked: fc.boolean(),
    pin: fc.constant(false),
  })
  const allowing = fc
    .record({
      maxAmount: fc.integer({ min: 0, max: 60 }),
      categories: fc.subarray(CATEGORIES),
      recipientTrust: fc.constantFrom('any', ...TRUSTS),
      frequency: fc.record({ max: fc.integer({ min: 0, max: 3 }), per: fc.constant('1h') }),
    })
    .map((conditions) => tier({ conditions }))
  const blocking = fc
    .record({ categories: fc.subarray(CATEGORIES), recipientTrust: fc.constantFrom('any', ...TRUSTS) })
    .map((conditions) => tier({ conditions, approval: 'blocked' }))
  const tiers = fc
    .array(fc.oneof(allowing, blocking), { maxLength: 5 })
    .map((drawn) => drawn.map((one, at) => ({ ...one, name: `t${at}` })))
  const drawn = fc.record({
    quote: fc.bigInt({ min: 1n, max: 70_000_000n }).map(quote),
    classification: seen,
    history: fc.record({
      frequency: fc
        .array(fc.integer({ min: 0, max: 4 }), { minLength: 5, maxLength: 5 })
        .map((counts) => Object.fromEntries(counts.map((count, at) => [`t${at}`, { count, oldestAt: 0 }]))),
    }),
    tiers,
  })

  it('nothing is allowed that a blocked tier matches or the blocked list names', () => {
    fc.assert(
      fc.property(drawn, ({ tiers: all, ...rest }) => {
        const decision = decide(input({ ...rest, policy: policy('enforce', all) }))
        const facts = {
          amount: rest.quote.amount,
          currency: 'USD',
          classification: rest.classification,
          frequency: rest.history.frequency,
          now: NOON,
        }
        const stopped = rest.classification.blocked || all.some((one) => one.approval === 'blocked' && failuresOf(one, facts).length === 0)
        if (stopped) expect(decision.kind).toBe('deny')
        if (decision.kind === 'allow') expect(failuresOf(all.find(({ name }) => name === decision.tier) ?? tier(), facts)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it('more trust never turns a yes into a no, as long as no blocked tier names those who are trusted', () => {
    fc.assert(
      fc.property(drawn, fc.tuple(trust, trust), ({ tiers: all, ...rest }, [a, b]) => {
        const [less, more] = TRUSTS.indexOf(a) < TRUSTS.indexOf(b) ? [a, b] : [b, a]
        const usual = all.filter(
          ({ approval, conditions }) => approval !== 'blocked' || ['any', 'unknown'].includes(conditions.recipientTrust ?? 'any'),
        )
        const kindWith = (given: Trust) =>
          decide(input({ ...rest, classification: { ...rest.classification, trust: given }, policy: policy('enforce', usual) })).kind
        if (kindWith(less) === 'allow') expect(kindWith(more)).toBe('allow')
      }),
      { numRuns: 500 },
    )
  })

  it('a cheaper payment is allowed wherever a dearer one is', () => {
    fc.assert(
      fc.property(drawn, fc.bigInt({ min: 1n, max: 70_000_000n }), ({ tiers: all, ...rest }, other) => {
        const kindAt = (amount: bigint) => decide(input({ ...rest, quote: quote(amount), policy: policy('enforce', all) })).kind
        const [cheap, dear] = other < rest.quote.amount ? [other, rest.quote.amount] : [rest.quote.amount, other]
        if (kindAt(dear) === 'allow') expect(kindAt(cheap)).toBe('allow')
      }),
      { numRuns: 500 },
    )
  })

  it('the same payment always gets the same decision, and every decision a reason and a version', () => {
    fc.assert(
      fc.property(drawn, fc.constantFrom<PolicyMode>('open', 'report', 'enforce'), ({ tiers: all, ...rest }, mode) => {
        const once = decide(input({ ...rest, policy: policy(mode, all) }))
        expect(decide(input({ ...rest, policy: policy(mode, all) }))).toEqual(once)
        expect(once.reason).toMatch(/^[A-Z].*\.$/)
        expect(once.policyVersion).toBe('abc')
        expect(once.rule).not.toBe('')
      }),
    )
  })
})

describe('what is odd about a payment', () => {
  const concern = (on: Concern['on']): Concern => ({ on, code: 'out_of_scope', rule: 'session.drift', sentence: 'It is odd.' })
  const drift = { kind: 'sudden', usual: 1n, on: 'deny', sentence: 'The price has drifted.' } as const

  it('is reported in the reason, and nothing else changes', () => {
    const plain = decide(input())
    expect(decide(input({ concerns: [concern('report')] }))).toEqual({ ...plain, reason: `${plain.reason} It is odd.` })
  })

  it('is put before a person: by the tier that asks, where one covers it', () => {
    const both = classification({ categories: ['search', 'agent_hire'] })
    expect(decide(input({ classification: both, concerns: [concern('escalate')] }))).toMatchObject({
      kind: 'ask',
      tier: 'collaborative',
      rule: 'session.drift',
      timeout_ms: 14_400_000,
      frequency: { tier: 'collaborative', max: 5 },
      reason: expect.stringMatching(/It is odd\.$/),
    })
  })

  it('is put before a person in its own tier, where no tier that asks covers it', () => {
    const asked = { kind: 'ask', tier: 'autonomous', rule: 'session.drift', approvers: 1, frequency: { tier: 'autonomous', max: 1000 } }
    expect(decide(input({ concerns: [concern('escalate')] }))).toMatchObject({ ...asked, timeout_ms: 14_400_000 })
    const alone = policy('enforce', [tier()])
    expect(decide(input({ concerns: [concern('escalate')], policy: alone }))).toMatchObject({
      kind: 'ask',
      tier: 'one',
      timeout_ms: 3_600_000,
    })
  })

  it('a tier that asks anyway asks as it is', () => {
    const hire = classification({ categories: ['agent_hire'], trust: 'unknown' })
    const given = { quote: quote(900_000_000n), classification: hire }
    expect(decide(input({ ...given, concerns: [concern('escalate')] }))).toMatchObject({
      kind: 'ask',
      tier: 'collaborative',
      rule: 'tiers.collaborative',
    })
  })

  it('is refused with its own code, before anybody is asked', () => {
    expect(decide(input({ concerns: [concern('escalate'), concern('deny')] }))).toEqual({
      kind: 'deny',
      code: 'out_of_scope',
      tier: 'autonomous',
      rule: 'session.drift',
      reason: 'It is odd. Tier autonomous would cover $0.50 at api.example.com otherwise.',
      policyVersion: 'abc',
    })
    expect(decide(input({ classification: classification({ drift }) }))).toMatchObject({
      kind: 'deny',
      code: 'price_drift',
      rule: 'priceDrift',
    })
  })

  it('never makes a payment possible that no tier covers', () => {
    const none = classification({ categories: [] })
    expect(decide(input({ classification: none, concerns: [concern('escalate')] }))).toMatchObject({
      kind: 'deny',
      code: 'no_tier_matches',
    })
  })

  it.each(['open', 'report'] as const)('passes in mode %s, on record', (mode) => {
    expect(decide(input({ concerns: [concern('deny')], policy: policy(mode) }))).toMatchObject({
      kind: 'allow',
      wouldBe: { kind: 'deny', code: 'out_of_scope', tier: 'autonomous' },
    })
  })
})

describe('what a request has to say', () => {
  const demanding = policy('enforce', [tier({ require: ['justification', 'task'] })])

  it('is named with the header to send', () => {
    expect(decide(input({ policy: demanding }))).toEqual({
      kind: 'deny',
      code: 'justification_required',
      tier: 'one',
      rule: 'tiers.one.require',
      reason: 'Tier one covers $0.50 at api.example.com only for a request that has Purser-Justification and Purser-Task.',
      policyVersion: 'abc',
    })
    const half = { payNever: false, task: 'report' }
    expect(decide(input({ policy: demanding, hints: half })).reason).toMatch(/only for a request that has Purser-Justification\.$/)
  })

  it('is enough', () => {
    const hints = { payNever: false, task: 'report', justification: 'needed for the report' }
    expect(decide(input({ policy: demanding, hints }))).toMatchObject({ kind: 'allow', tier: 'one' })
  })
})

describe('frequencies of sessions, recipients and tiers', () => {
  const conditions = { maxAmount: 1, categories: ['search'], recipientTrust: 'any', frequency: { max: 1, per: '1h', of: 'session' } }
  const tiers = [tier({ conditions })]

  it('tell the ledger whose payments to count', () => {
    expect(decide(input({ policy: policy('enforce', tiers) }))).toMatchObject({
      frequency: { tier: 'one', max: 1, per_ms: 3_600_000, of: 'session' },
    })
  })

  it('are counted without a bound where the mode lets pass what is beyond it', () => {
    const full = { frequency: { one: { count: 1, oldestAt: 0 } } }
    expect(decide(input({ history: full, policy: policy('report', tiers) }))).toMatchObject({
      kind: 'allow',
      tier: 'one',
      frequency: { of: 'session', max: Number.POSITIVE_INFINITY },
      wouldBe: { code: 'frequency_exceeded' },
    })
  })
})
