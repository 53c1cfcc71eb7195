import { describe, expect, it } from 'vitest'
import type { PolicyInfo } from '../../src/admin/deps.ts'
import { tiersSchema } from '../../src/policy/tiers.ts'
import { type Answer, expectProblem, startFixture } from './fixture.ts'

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
    [{ type: 'flat_limit', limit: '5.00' }, 'this version checks tiered policies only'],
  ])('refuses what it cannot check, with the path: %j', async (body, words) => {
    await using fixture = await startFixture({ policy: inForce })
    expect(await expectProblem(await fixture.ask('/v1/policy/check', { body }), 'request_invalid', 400)).toContain(words)
  })
})
