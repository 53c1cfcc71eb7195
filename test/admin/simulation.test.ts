import { describe, expect, it } from 'vitest'
import type { PolicyInfo } from '../../src/admin/deps.ts'
import { policyText } from '../../src/policy/written.ts'
import { FOUR_TIERS, rules } from '../policy/fixtures.ts'
import { type Answer, buy, deny, expectProblem, MERCHANT, startFixture } from './fixture.ts'

const RULES = rules({
  categories: [{ host: 'api.example.com', category: 'search' }],
  verified: [{ host: 'api.example.com', payTo: MERCHANT }],
})
const inForce = (): PolicyInfo => ({ mode: 'enforce', version: 'abc', tiers: FOUR_TIERS, rules: RULES, sentences: [], lint: [] })
const FOUR = JSON.parse(policyText({ mode: 'enforce', tiers: FOUR_TIERS, rules: RULES })).tiers
const SMALL = [{ ...FOUR[0], conditions: { ...FOUR[0].conditions, maxAmount: '0.10' } }]

async function recorded() {
  const fixture = await startFixture({ policy: inForce })
  await fixture.ledger.announcePolicy('abc', policyText({ mode: 'enforce', tiers: FOUR_TIERS, rules: RULES }))
  const { id: sessionId } = await fixture.open()
  await buy(fixture, { sessionId, amount: 50_000n })
  fixture.clock.advance(60_000)
  const second = await buy(fixture, { sessionId, amount: 500_000n })
  await deny(fixture, { sessionId, host: 'other.example' })
  return { fixture, second }
}

describe('policy simulate', () => {
  it('names each decision that would change, and what that would have cost', async () => {
    const { fixture, second } = await recorded()
    await using _ = fixture
    const answer: Answer = await (
      await fixture.ask('/v1/policy/simulate', { body: { tiers: SMALL }, token: await fixture.token('auditor') })
    ).json()
    expect(answer).toMatchObject({
      judged: 3,
      changed: 1,
      truncated: false,
      before: { allow: 2, deny: 1, spent: { USD: '0.55' } },
      after: { allow: 1, deny: 2, atMost: { USD: '0.05' } },
    })
    expect(answer.changes).toMatchObject([
      { paymentId: second.id, before: { tier: 'autonomous', state: 'settled' }, after: { decision: 'deny', code: 'no_tier_matches' } },
    ])
    expect(answer.caveats.length).toBeGreaterThan(2)
  })

  it('the policy in force changes nothing, and nothing is written', async () => {
    const { fixture } = await recorded()
    await using _ = fixture
    const before = (await fixture.ledger.receipts({}, { limit: 100 })).items.length
    expect(await (await fixture.ask('/v1/policy/simulate', { body: { tiers: FOUR } })).json()).toMatchObject({ judged: 3, changed: 0 })
    expect((await fixture.ledger.receipts({}, { limit: 100 })).items.length).toBe(before)
  })

  it('takes other rules, and only the span that is asked for', async () => {
    const { fixture, second } = await recorded()
    await using _ = fixture
    const since = new Date(fixture.clock.now()).toISOString()
    const body = { tiers: FOUR, categories: [], since }
    const answer: Answer = await (await fixture.ask('/v1/policy/simulate', { body })).json()
    expect([answer.judged, answer.from, answer.changes.map(({ paymentId }: { paymentId: string }) => paymentId)]).toEqual([
      2,
      since,
      [second.id],
    ])
  })

  it('takes other lists of blocked addresses, whatever their case, and those in force where none are given', async () => {
    const { fixture } = await recorded()
    await using _ = fixture
    const codes = async (body: object) => {
      const answer: Answer = await (await fixture.ask('/v1/policy/simulate', { body: { tiers: FOUR, ...body } })).json()
      return answer.changes.map(({ after }: { after: { code: string } }) => after.code)
    }
    expect(await codes({ blockedAddresses: [MERCHANT.toUpperCase().replace('X', 'x')] })).toContain('recipient_blocked')
    expect(await codes({ blockedAddresses: [] })).toEqual([])
    await expectProblem(
      await fixture.ask('/v1/policy/simulate', { body: { tiers: FOUR, blockedAddresses: ['nobody'] } }),
      'request_invalid',
      400,
    )
  })

  it('refuses tiers that cannot be read, with the path', async () => {
    await using fixture = await startFixture()
    expect(
      await expectProblem(await fixture.ask('/v1/policy/simulate', { body: { tiers: [{ name: 'x' }] } }), 'request_invalid', 400),
    ).toContain('tiers[0].approval')
  })
})
