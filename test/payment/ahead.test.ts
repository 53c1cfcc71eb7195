/** What was approved ahead is claimed by exactly the payment that it describes, once, and by nothing else. */
import { describe, expect, it } from 'vitest'
import type { AheadRequest } from '../../src/payment/ahead.ts'
import { createAuditIds } from '../../src/payment/audit-ids.ts'
import { createAuthorizeAhead } from '../../src/payment/authorize-ahead.ts'
import { aheadRowName } from '../../src/session/ahead-row.ts'
import { ASKING, deliver, type Governed, refusal, startGoverned } from './governed.ts'
import { PAY_TO, settled } from './rig.ts'

const start = () => startGoverned(ASKING, { people: { hold_ms: 0 } })

/** Asked ahead and approved. @returns the approval's id */
async function ahead(rig: Governed, more: Partial<AheadRequest> = {}): Promise<string> {
  const { ledger, clock, ids, policy } = rig.deps
  const auditIds = createAuditIds({ store: ledger.approvals, clock })
  const authorize = createAuthorizeAhead({
    ledger,
    clock,
    ids,
    policy,
    auditIds,
    approvals: rig.people.approvals,
    alert: async () => undefined,
    standalone: false,
  })
  const asked = { session: rig.session, amount: 1_000n, category: 'api_calls', recipient: PAY_TO, network: 'eip155:84532' }
  const { approvalId = '' } = await authorize({ ...asked, recipientTrust: 'verified', justification: null, ...more })
  await rig.people.approvals.vote(approvalId, { person: 'ops', verdict: 'approve', reason: '', channel: 'cli' })
  return approvalId
}

const stateOf = async (rig: Governed, id: string) => (await rig.people.approvals.approval(id))?.state

describe('an approval that was asked ahead', () => {
  it.each([{}, { recipient: 'API.example.com' }, { recipient: PAY_TO.toLowerCase() }])(
    'as %j is claimed by its payment, once, and stands in its record',
    async (more) => {
      await using rig = await start()
      const id = await ahead(rig, more)
      await deliver(rig, await rig.pay(() => settled()))
      expect(await stateOf(rig, id)).toBe('used')
      const { items } = await rig.ledger.payments({ state: 'settled' }, { limit: 10 })
      expect(items).toMatchObject([{ context: { auditId: expect.stringMatching(/^aud-/), approval: { id, votes: [{ person: 'ops' }] } } }])
      expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'approval_pending' })
      expect(rig.sent).toHaveLength(1)
    },
  )

  it.each<[string, Partial<AheadRequest>]>([
    ['larger amount', { amount: 1_001n }],
    ['smaller amount', { amount: 999n }],
    ['category', { category: 'search' }],
    ['host', { recipient: 'other.example.com' }],
    ['address', { recipient: `0x${'9'.repeat(40)}` }],
    ['network', { network: 'eip155:8453' }],
  ])('for another %s pays nothing', async (_what, more) => {
    await using rig = await start()
    rig.govern({ tiers: ASKING.map((tier) => ({ ...tier, conditions: { ...tier.conditions, categories: ['api_calls', 'search'] } })) })
    const id = await ahead(rig, more)
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'approval_pending' })
    expect([rig.sent, await stateOf(rig, id)]).toEqual([[], 'approved'])
  })

  it('for another session pays nothing', async () => {
    await using rig = await start()
    const id = await ahead(rig, { session: await rig.openSession() })
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'approval_pending' })
    expect([rig.sent, await stateOf(rig, id)]).toEqual([[], 'approved'])
  })

  it('without a session is claimed by the agent that asked, and by no other', async () => {
    await using rig = await start()
    const { agent } = rig.session
    const row = await rig.openSession({ name: aheadRowName(agent, rig.clock.now()), networks: [], assets: [] })
    const id = await ahead(rig, { session: row })
    const other = await rig.openSession({ agent: 'another' })
    expect(refusal(await rig.pay(() => settled(), { request: rig.request({ session: other }) }))).toMatchObject({
      code: 'approval_pending',
    })
    expect([rig.sent, await stateOf(rig, id)]).toEqual([[], 'approved'])
    await deliver(rig, await rig.pay(() => settled()))
    expect([rig.sent.length, await stateOf(rig, id)]).toEqual([1, 'used'])
  })

  it('without a session, for so much of another currency pays nothing', async () => {
    await using rig = await start()
    const { agent } = rig.session
    const row = await rig.openSession({ name: aheadRowName(agent, rig.clock.now()), networks: [], assets: [], currency: 'EUR' })
    const id = await ahead(rig, { session: row })
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'approval_pending' })
    expect([rig.sent, await stateOf(rig, id)]).toEqual([[], 'approved'])
  })

  it('never overrides a refusal of the policy in force, which leaves it unused', async () => {
    await using rig = await start()
    const id = await ahead(rig)
    rig.govern({ tiers: [] })
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'no_tier_matches' })
    expect([rig.sent, await stateOf(rig, id)]).toEqual([[], 'approved'])
  })
})
