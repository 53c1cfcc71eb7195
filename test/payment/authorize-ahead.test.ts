import { describe, expect, it } from 'vitest'
import type { Alert } from '../../src/approval/alert.ts'
import { startAhead } from './ahead-rig.ts'

describe('authorizing ahead', () => {
  it.each([
    ['an embedding', { amount: 20_000n, category: 'embeddings' }, 'autonomous', 'approved'],
    ['a search', { amount: 500_000n, category: 'search' }, 'autonomous', 'approved'],
    ['a data set', { amount: 4_990_000n, category: 'data_access', recipientTrust: 'known' }, 'supervised', 'awaiting_veto'],
    ['compute', { amount: 47_000_000n, category: 'compute', recipientTrust: 'known' }, 'supervised', 'awaiting_veto'],
    [
      'the hire of an agent',
      { amount: 89_000_000n, category: 'agent_hire', recipientTrust: 'known' },
      'collaborative',
      'awaiting_approval',
    ],
    ['gambling', { amount: 1_000_000n, category: 'gambling', recipientTrust: 'unknown' }, 'prohibited', 'blocked'],
    ['a blocked recipient', { recipient: 'bad.example' }, '', 'blocked'],
    ['what no tier names', { category: 'toys' }, '', 'refused'],
  ] as const)('of %s is answered as the payment would be', async (_name, asked, tier, status) => {
    await using rig = await startAhead()
    expect(await rig.authorize(rig.request(asked))).toMatchObject({ tier, status, auditId: 'aud-2026-06-27-001', policyVersion: 'abc' })
  })

  it('alerts the owner of what a tier prohibits, where the tier says so, and of nothing else', async () => {
    const told: Alert[] = []
    await using rig = await startAhead({ alert: async (alert) => told.push(alert) })
    const gambling = { amount: 1_000_000n, category: 'gambling', recipient: 'casino.example', recipientTrust: 'unknown' } as const
    await rig.authorize(rig.request({ ...gambling, dryRun: true }))
    for (const asked of [{ category: 'toys' }, { recipient: 'bad.example' }, gambling]) await rig.authorize(rig.request(asked))
    expect(told).toMatchObject([
      {
        ...{ type: 'payment.prohibited', sessionId: 'ses_1', agent: 'researcher', owner: 'ops' },
        sentence: expect.stringMatching(/^researcher tried to pay \$1\.00 to casino\.example\b.*Nothing was paid\.$/),
      },
    ])
    const [refusal] = (await rig.ledger.payments({ tier: 'prohibited' }, { limit: 1 })).items
    expect(told[0]?.facts).toContainEqual(['Attempt', refusal?.id])
  })

  it('spends and holds nothing, and leaves its record under the audit id', async () => {
    await using rig = await startAhead()
    await rig.authorize(rig.request())
    await rig.authorize(rig.request({ category: 'toys' }))
    const session = await rig.ledger.session('ses_1')
    expect([session?.spent, session?.held, session?.payments]).toEqual([0n, 0n, 0])
    const { items } = await rig.ledger.receipts({}, { limit: 10 })
    expect(items.map(({ kind, code, context }) => [kind, code, context?.auditId])).toEqual([
      ['refusal', 'no_tier_matches', 'aud-2026-06-27-002'],
      ['conclusion', 'payment_not_allowed', 'aud-2026-06-27-001'],
    ])
  })

  it('caps and the kill switch refuse it as they would refuse the payment', async () => {
    await using poor = await startAhead({}, 10_000n)
    expect(await poor.authorize(poor.request())).toMatchObject({ tier: 'autonomous', status: 'refused', code: 'spending_limit_exceeded' })
    await using halted = await startAhead()
    await halted.ledger.halt({ scope: 'all', value: '', reason: 'an incident', at: halted.clock.now() })
    expect(await halted.authorize(halted.request())).toMatchObject({ status: 'refused', code: 'payments_halted' })
  })

  it('the scope of the session holds', async () => {
    await using rig = await startAhead()
    const session = { ...rig.session, scope: { categories: ['data_access'] } }
    expect(await rig.authorize(rig.request({ session }))).toMatchObject({ status: 'refused', code: 'out_of_scope' })
  })

  it('where a payment follows, its approval waits unclaimed for that payment', async () => {
    await using rig = await startAhead()
    const hire = rig.request({ amount: 89_000_000n, category: 'agent_hire' })
    const { approvalId = '' } = await rig.authorize(hire)
    await rig.ledger.approvals.approval(approvalId)
    expect(await rig.authorize(hire)).toMatchObject({ status: 'awaiting_approval', approvalId })
    const { items } = await rig.ledger.approvals.approvals({}, { limit: 10 })
    expect(items).toMatchObject([{ id: approvalId, state: 'pending', kind: 'approval', agent: 'researcher' }])
  })

  it('a dry run writes nothing and takes no number', async () => {
    await using rig = await startAhead()
    expect(await rig.authorize(rig.request({ dryRun: true }))).toMatchObject({ status: 'approved', auditId: null })
    expect(await rig.authorize(rig.request())).toMatchObject({ auditId: 'aud-2026-06-27-001' })
  })

  it('by a person is never approved by that person', async () => {
    await using rig = await startAhead()
    const { approvalId = '' } = await rig.authorize(rig.request({ amount: 89_000_000n, category: 'agent_hire', requester: 'olga' }))
    expect(await rig.ledger.approvals.approval(approvalId)).toMatchObject({ requester: 'olga' })
    const vote = (person: string) => rig.approvals.vote(approvalId, { person, verdict: 'approve', reason: '', channel: 'api' })
    await expect(vote('Olga')).rejects.toMatchObject({ refusal: { code: 'forbidden' } })
    expect(await vote('anna')).toMatchObject({ state: 'approved' })
  })

  it('that a cap refuses gives a claimed yes back', async () => {
    await using rig = await startAhead({ standalone: true }, 50_000_000n)
    const hire = rig.request({ amount: 89_000_000n, category: 'agent_hire' })
    const { approvalId = '' } = await rig.authorize(hire)
    await rig.approvals.vote(approvalId, { person: 'anna', verdict: 'approve', reason: '', channel: 'api' })
    expect(await rig.authorize(hire)).toMatchObject({ status: 'refused', code: 'spending_limit_exceeded', approvalId })
    await rig.ledger.topUp('ses_1', { amount: 50_000_000n, extend_ms: 0 })
    expect(await rig.authorize(hire)).toMatchObject({ status: 'approved', approvalId })
    expect(await rig.ledger.approvals.approval(approvalId)).toMatchObject({ state: 'used' })
  })
})
