import { describe, expect, it } from 'vitest'
import { tiersSchema } from '../../src/policy/tiers.ts'
import type { SessionScope } from '../../src/session/session.ts'
import { COMPLETE, type Rig, settled, startRig } from './rig.ts'

const HUMAN = tiersSchema.parse([
  {
    name: 'autonomous',
    conditions: { maxAmount: '5', categories: ['api_calls'], recipientTrust: 'verified', frequency: { max: 100, per: '1h' } },
    approval: 'none',
  },
  {
    name: 'collaborative',
    conditions: { maxAmount: '50', categories: ['api_calls'], recipientTrust: 'any', frequency: { max: 100, per: '1h' } },
    approval: 'explicit_human',
    timeout: '4h',
  },
])

async function begun(onDrift: SessionScope['onDrift']): Promise<Rig> {
  const scope = onDrift === undefined ? {} : { onDrift }
  const rig = await startRig({ session: { scope }, policy: { tiers: HUMAN }, people: { hold_ms: 0 } })
  for (let count = 0; count < 10; count++) {
    const outcome = await rig.pay(() => settled(), { request: rig.request({ url: `https://api.example.com/${count}` }) })
    if (outcome.kind !== 'answer') throw new Error(JSON.stringify(outcome, (_, value) => (typeof value === 'bigint' ? `${value}` : value)))
    await outcome.delivered(COMPLETE)
  }
  return rig
}

const elsewhere = (rig: Rig) => rig.pay(() => settled(), { request: rig.request({ url: 'https://other.example.com/x' }) })
const SENTENCE = 'The start of this session showed no payment to other.example.com.'

describe('drift inside a session', () => {
  it('is reported where the scope says nothing: it is paid, with the finding on record', async () => {
    await using rig = await begun(undefined)
    expect(await elsewhere(rig)).toMatchObject({ kind: 'answer' })
    const { items } = await rig.ledger.payments({ session: rig.session.id }, { limit: 1 })
    expect(items[0]).toMatchObject({ reason: expect.stringContaining(SENTENCE), context: { facts: expect.arrayContaining([SENTENCE]) } })
    expect(rig.people.alerts).toEqual([])
  })

  it('is refused where the scope says deny, and its owner hears of it once', async () => {
    await using rig = await begun('deny')
    expect(await elsewhere(rig)).toMatchObject({ refusal: { code: 'out_of_scope', rule: 'session.scope.onDrift' } })
    expect(await elsewhere(rig)).toMatchObject({ refusal: { code: 'out_of_scope' } })
    expect(rig.people.alerts).toMatchObject([{ type: 'session.drift', owner: 'ops', sentence: expect.stringContaining(SENTENCE) }])
    expect(rig.sent).toHaveLength(10)
  })

  it('is put before people where the scope says escalate, who see the finding', async () => {
    await using rig = await begun('escalate')
    expect(await elsewhere(rig)).toMatchObject({ refusal: { code: 'approval_pending', tier: 'collaborative' } })
    expect(rig.people.told[0]?.approval.shown.changes).toContain(SENTENCE)
    expect(rig.sent).toHaveLength(10)
  })
})
