import { describe, expect, it } from 'vitest'
import type { PolicyInfo } from '../../src/admin/deps.ts'
import { tiersSchema } from '../../src/policy/tiers.ts'
import { policyText } from '../../src/policy/written.ts'
import { FOUR_TIERS, rules } from '../policy/fixtures.ts'
import { type Answer, buy, expectProblem, startFixture } from './fixture.ts'

const AUTONOMOUS = {
  name: 'autonomous',
  conditions: { maxAmount: '1.00', categories: ['search'], recipientTrust: 'verified', frequency: { max: 1000, per: '1h' } },
  approval: 'none',
}
const PROHIBITED = { name: 'prohibited', conditions: { categories: ['gambling'] }, approval: 'blocked' }

const inForce = (): PolicyInfo => ({
  mode: 'report',
  version: 'abc123',
  tiers: tiersSchema.parse([AUTONOMOUS, PROHIBITED]),
  sentences: ['autonomous: paid at once.'],
  lint: [{ level: 'note', tier: 'autonomous', message: 'Good to know.' }],
})

describe('policy', () => {
  it('shows the policy in force in data and in sentences', async () => {
    await using fixture = await startFixture({ policy: inForce })
    const token = await fixture.token('auditor')
    expect(await (await fixture.ask('/v1/policy', { token })).json()).toEqual({
      mode: 'report',
      version: 'abc123',
      tiers: [
        { ...AUTONOMOUS, approvers: 1 },
        { ...PROHIBITED, approvers: 1 },
      ],
      sentences: ['autonomous: paid at once.'],
      lint: [{ level: 'note', tier: 'autonomous', message: 'Good to know.' }],
    })
  })

  it.each([{}, { type: 'tiered' }])('checks other tiers without touching the policy in force: %j', async (more) => {
    await using fixture = await startFixture({ policy: inForce })
    const answer = await fixture.ask('/v1/policy/check', { body: { ...more, tiers: [PROHIBITED] } })
    const { lint, sentences }: Answer = await answer.json()
    expect([answer.status, lint]).toEqual([200, []])
    expect(sentences[0]).toBe('prohibited: Payments for gambling: never paid.')
    expect((await (await fixture.ask('/v1/policy')).json()) satisfies Answer).toMatchObject({ version: 'abc123' })
  })

  it('names what is odd about other tiers', async () => {
    await using fixture = await startFixture({ policy: inForce })
    const never = { ...AUTONOMOUS, conditions: { ...AUTONOMOUS.conditions, categories: [] } }
    const { lint }: Answer = await (await fixture.ask('/v1/policy/check', { body: { tiers: [never] } })).json()
    expect(lint).toMatchObject([{ level: 'warning', tier: 'autonomous', message: expect.stringContaining('categories is empty') }])
  })

  it.each([
    [{ tiers: [{ name: 'x' }] }, 'tiers[0].approval'],
    [{}, 'tiers'],
    [{ type: 'flat_limit', limit: 'much' }, 'limit'],
    [{ type: 'flat_limit' }, 'limit'],
    [{ type: 'round', tiers: [] }, 'type'],
  ])('refuses what it cannot check, with the path: %j', async (body, words) => {
    await using fixture = await startFixture({ policy: inForce })
    expect(await expectProblem(await fixture.ask('/v1/policy/check', { body }), 'request_invalid', 400)).toContain(words)
  })
})

const FOUR = JSON.parse(policyText({ mode: 'enforce', tiers: FOUR_TIERS, rules: rules() })).tiers

describe('policy check', () => {
  it('the four tiers are in proportion, in the shape of the contract', async () => {
    await using fixture = await startFixture({ policy: inForce })
    const checked: Answer = await (await fixture.ask('/v1/policy/check', { body: { tiers: FOUR } })).json()
    expect(checked).toMatchObject({ compliant: true, regulatory_confidence: 'high', lint: [{ level: 'note' }] })
    expect(checked.checks).toEqual({
      nature_differentiated: true,
      scale_differentiated: true,
      complexity_differentiated: true,
      audit_proportionate: true,
      prohibited_categories_defined: true,
    })
    expect(checked).not.toHaveProperty('reason')
  })

  it('a flat limit is not, with the reason, the risk and what to do', async () => {
    await using fixture = await startFixture({ policy: inForce })
    const answer = await fixture.ask('/v1/policy/check', { body: { type: 'flat_limit', limit: 100 } })
    expect(await answer.json()).toMatchObject({
      compliant: false,
      regulatory_confidence: 'low',
      regulatory_risk: 'high',
      reason: expect.stringContaining('A flat limit of $100.00'),
      remediation: expect.stringContaining('categories'),
      lint: [],
    })
  })
})

describe('policies of the past', () => {
  it('are listed newest first, and each is shown as it was written', async () => {
    await using fixture = await startFixture()
    await fixture.ledger.announcePolicy('one', policyText({ mode: 'report', tiers: FOUR_TIERS, rules: rules() }))
    fixture.clock.advance(1_000)
    await fixture.ledger.announcePolicy('two', policyText({ mode: 'enforce', tiers: [], rules: rules() }))
    const { items }: Answer = await (await fixture.ask('/v1/policy/versions')).json()
    expect(items.map(({ version }: { version: string }) => version)).toEqual(['two', 'one'])
    const one: Answer = await (await fixture.ask('/v1/policy/versions/one')).json()
    expect(one).toMatchObject({
      version: 'one',
      policy: { mode: 'report', tiers: FOUR },
      sentences: expect.arrayContaining(['Everything else is refused.']),
    })
    await expectProblem(await fixture.ask('/v1/policy/versions/three'), 'not_found', 404)
  })

  it('explain why one payment was decided so', async () => {
    await using fixture = await startFixture()
    await fixture.ledger.announcePolicy('abc', policyText({ mode: 'enforce', tiers: FOUR_TIERS, rules: rules() }))
    const { id: sessionId } = await fixture.open()
    const payment = await buy(fixture, { sessionId, amount: 20_000n })
    const { steps, policyVersion }: Answer = await (await fixture.ask(`/v1/policy/explain/${payment.id}`)).json()
    expect([policyVersion, steps[0], steps.at(-1)]).toEqual(['abc', expect.stringContaining('costs $0.02'), 'It is settled.'])
    expect(steps.join('\n')).toMatch(/Tier autonomous .* applied\./)
    await expectProblem(await fixture.ask('/v1/policy/explain/pay_none'), 'not_found', 404)
  })
})
