import { describe, expect, it } from 'vitest'
import { tiersSchema } from '../../src/policy/tiers.ts'
import { refusal, startGoverned } from './governed.ts'
import { settled } from './rig.ts'

const prohibiting = (alert: object) =>
  tiersSchema.parse([{ name: 'never', conditions: { categories: ['api_calls'] }, approval: 'blocked', ...alert }])

describe('a prohibited payment', () => {
  it('is refused at once, on record, and the owner hears of it where the tier says so', async () => {
    await using rig = await startGoverned(prohibiting({ alert: 'immediate_to_owner' }))
    const said = refusal(await rig.pay(() => settled()))
    expect(said).toMatchObject({ code: 'tier_prohibited', tier: 'never' })
    expect(rig.people.alerts).toMatchObject([{ type: 'payment.prohibited', owner: 'ops', agent: 'tester', at: rig.clock.now() }])
    expect(rig.people.alerts[0]?.facts).toContainEqual(['Attempt', said?.paymentId])
    expect(await rig.ledger.payment(said?.paymentId ?? '')).toMatchObject({ state: 'denied', code: 'tier_prohibited' })
    expect(rig.people.told).toEqual([])
    expect(rig.sent).toEqual([])
  })

  it('alerts nobody where the tier does not say so, nor for other refusals', async () => {
    await using rig = await startGoverned(prohibiting({}))
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'tier_prohibited' })
    rig.govern({ tiers: [] })
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'no_tier_matches' })
    expect(rig.people.alerts).toEqual([])
  })

  it('stays refused where the alert cannot be written down', async () => {
    await using rig = await startGoverned(prohibiting({ alert: 'immediate_to_owner' }))
    const failing = () => Promise.reject(new Error('no store'))
    Object.assign(rig.deps.people, { alert: failing })
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'tier_prohibited' })
    expect(rig.sent).toEqual([])
  })
})
