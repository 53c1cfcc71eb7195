import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { configure, type Governance } from '../../src/governance/configure.ts'
import type { GovernanceNotice, OnNotice } from '../../src/governance/notices.ts'
import type { AuthorizeRequest, GovernanceOptions, WrittenTier } from '../../src/governance/options.ts'
import { testClock } from '../clock.ts'

const TIERS: readonly WrittenTier[] = [
  {
    name: 'autonomous',
    conditions: {
      maxAmount: 1.0,
      categories: ['api_calls', 'embeddings', 'search'],
      recipientTrust: 'verified',
      frequency: { max: 2, per: '1h' },
    },
    approval: 'none',
    audit: 'batch_daily',
    micaCompliance: 'simplified',
  },
  {
    name: 'supervised',
    conditions: { maxAmount: '50.00', categories: ['compute', 'data_access'], recipientTrust: 'known', frequency: { max: 20, per: '1h' } },
    approval: 'notify_with_veto',
    vetoWindow: '30s',
    audit: 'per_transaction',
  },
  {
    name: 'collaborative',
    conditions: { maxAmount: 5000, categories: ['agent_hire'], recipientTrust: 'any', frequency: { max: 5, per: '24h' } },
    approval: 'explicit_human',
    timeout: '4h',
    audit: 'per_transaction_enhanced',
    micaCompliance: 'enhanced',
  },
  {
    name: 'prohibited',
    conditions: { categories: ['gambling'], recipientTrust: 'unknown' },
    approval: 'blocked',
    audit: 'attempt_logged',
    alert: 'immediate_to_owner',
  },
]

const HIRE: AuthorizeRequest = {
  amount: 89,
  category: 'agent_hire',
  recipient: 'translator.example',
  recipientTrust: 'known',
  justification: 'translate the contract',
}
const EMBEDDING: AuthorizeRequest = { amount: 0.02, category: 'embeddings', recipient: 'api.example.com', recipientTrust: 'verified' }

function governed(more: Pick<GovernanceOptions, 'dataDir' | 'onNotice'> = {}) {
  const clock = testClock()
  const governance: Governance = configure({ agentId: 'agent-1', network: 'base-sepolia', tiers: TIERS, ...more }, { clock })
  return { clock, governance }
}

describe('configure', () => {
  it('a small payment to a verified recipient is approved at once, under an audit id of the day', async () => {
    const { governance } = governed()
    await using _ = governance
    expect(await governance.authorize(EMBEDDING)).toMatchObject({ tier: 'autonomous', status: 'approved', auditId: 'aud-2026-06-27-001' })
    expect(await governance.authorize({ ...EMBEDDING, amount: '0.50' })).toMatchObject({
      status: 'approved',
      auditId: 'aud-2026-06-27-002',
    })
  })

  it('the hire of an agent waits for a person, is approved once, and leaves who said yes', async () => {
    const { governance } = governed()
    await using _ = governance
    const asked = await governance.authorize(HIRE)
    expect(asked).toMatchObject({
      tier: 'collaborative',
      status: 'awaiting_approval',
      auditId: 'aud-2026-06-27-001',
      approvalId: expect.any(String),
    })
    expect(await governance.authorize(HIRE)).toMatchObject({ status: 'awaiting_approval', approvalId: asked.approvalId })
    const [waiting] = await governance.pending()
    expect(waiting).toMatchObject({
      id: asked.approvalId,
      shown: { amount: 89_000_000n, justification: 'translate the contract', tier: 'collaborative' },
    })
    await governance.approve(asked.approvalId ?? '', { person: 'alice', reason: 'worth it' })
    expect(await governance.authorize({ ...HIRE, amount: 90 })).toMatchObject({ status: 'awaiting_approval' })
    const approved = await governance.authorize(HIRE)
    expect(approved).toMatchObject({ tier: 'collaborative', status: 'approved', approvalId: asked.approvalId })
    expect(await governance.authorize(HIRE)).toMatchObject({ status: 'awaiting_approval' })
    const { items } = await governance.receipts({ tier: 'collaborative', kind: 'conclusion' })
    expect(items).toMatchObject([
      {
        state: 'void',
        amount: '89.00',
        context: { auditId: approved.auditId, approval: { id: asked.approvalId, votes: [{ person: 'alice', reason: 'worth it' }] } },
      },
    ])
  })

  it('the agent itself cannot approve', async () => {
    const { governance } = governed()
    await using _ = governance
    const { approvalId = '' } = await governance.authorize(HIRE)
    await expect(governance.approve(approvalId, { person: 'agent-1' })).rejects.toMatchObject({ refusal: { code: 'forbidden' } })
  })

  it('a no is told once to the same request, with its reason; after that people are asked again', async () => {
    const { governance } = governed()
    await using _ = governance
    const { approvalId = '' } = await governance.authorize(HIRE)
    await governance.deny(approvalId, { person: 'alice', reason: 'too dear' })
    const told = await governance.authorize(HIRE)
    expect(told).toMatchObject({ status: 'refused', code: 'approval_denied', approvalId })
    expect(told.reason).toContain('alice said: "too dear"')
    expect(await governance.authorize(HIRE)).toMatchObject({ status: 'awaiting_approval' })
  })

  it('a veto window runs from when somebody has seen it; silence passes it, a veto refuses it', async () => {
    const { governance, clock } = governed()
    await using _ = governance
    const DATA: AuthorizeRequest = { amount: 4.99, category: 'data_access', recipient: 'data.example', recipientTrust: 'known' }
    expect(await governance.authorize(DATA)).toMatchObject({ tier: 'supervised', status: 'awaiting_veto' })
    await governance.pending()
    clock.advance(29_000)
    expect(await governance.authorize(DATA)).toMatchObject({ status: 'awaiting_veto' })
    clock.advance(1_000)
    expect(await governance.authorize(DATA)).toMatchObject({ status: 'approved' })
    const { approvalId = '' } = await governance.authorize(DATA)
    await governance.pending()
    await governance.deny(approvalId, { person: 'alice' })
    expect(await governance.authorize(DATA)).toMatchObject({ status: 'refused', code: 'vetoed' })
  })

  it('onNotice hears what people have to decide, what they decided, and of what is prohibited', async () => {
    const notices: GovernanceNotice[] = []
    const { governance } = governed({ onNotice: (notice) => notices.push(notice) })
    await using _ = governance
    const { approvalId = '' } = await governance.authorize(HIRE)
    await governance.approve(approvalId, { person: 'alice' })
    await governance.authorize({ amount: 1, category: 'gambling', recipient: 'casino.example' })
    expect(notices).toMatchObject([
      { type: 'approval.requested', approvalId, headline: expect.stringContaining('$89.00 to translator.example') },
      { type: 'approval.decided', approvalId },
      { type: 'payment.prohibited', headline: expect.stringContaining('casino.example') },
    ])
    expect(notices[0]?.facts).toContainEqual(expect.objectContaining({ value: 'translate the contract', from: 'agent' }))
    expect(notices[2]).not.toHaveProperty('approvalId')
  })

  it('onNotice that answers true begins a veto window; another answer or a fault does not', async () => {
    const DATA: AuthorizeRequest = { amount: 4.99, category: 'data_access', recipient: 'data.example', recipientTrust: 'known' }
    const tellings: [OnNotice, string][] = [
      [async () => true, 'approved'],
      [() => 'sent', 'awaiting_veto'],
      [() => Promise.reject(new Error('no mail')), 'awaiting_veto'],
    ]
    for (const [onNotice, status] of tellings) {
      const { governance, clock } = governed({ onNotice })
      await using _ = governance
      await governance.authorize(DATA)
      await new Promise((resolve) => setImmediate(resolve))
      await governance.receipts()
      clock.advance(30_000)
      expect(await governance.authorize(DATA)).toMatchObject({ status })
    }
  })

  it('gambling is blocked, an unnamed category is refused, and both leave a record', async () => {
    const { governance } = governed()
    await using _ = governance
    expect(await governance.authorize({ amount: 1, category: 'gambling', recipient: 'casino.example' })).toMatchObject({
      tier: 'prohibited',
      status: 'blocked',
      code: 'tier_prohibited',
    })
    expect(await governance.authorize({ amount: 1, category: 'toys', recipient: 'toys.example' })).toMatchObject({
      status: 'refused',
      code: 'no_tier_matches',
    })
    const { items } = await governance.receipts({ kind: 'refusal' })
    expect(items.map(({ code, context }) => [code, context?.auditId])).toEqual([
      ['no_tier_matches', 'aud-2026-06-27-002'],
      ['tier_prohibited', 'aud-2026-06-27-001'],
    ])
  })

  it('what was authorized counts in the tier’s frequency, until the window has passed, also when many ask at once', async () => {
    const { governance, clock } = governed()
    await using _ = governance
    const answers = await Promise.all([1, 2, 3, 4].map(() => governance.authorize(EMBEDDING)))
    expect(answers.map(({ status }) => status)).toEqual(['approved', 'approved', 'refused', 'refused'])
    expect(answers[2]).toMatchObject({ code: 'frequency_exceeded' })
    clock.advance(3_600_000)
    expect(await governance.authorize(EMBEDDING)).toMatchObject({ status: 'approved' })
  })

  it('a dry run only answers', async () => {
    const { governance } = governed()
    await using _ = governance
    expect(await governance.authorize({ ...HIRE, dryRun: true })).toMatchObject({ status: 'awaiting_approval', auditId: null })
    expect(await governance.pending()).toEqual([])
    expect((await governance.receipts()).items).toEqual([])
  })

  it('with a data folder, approvals and audit ids go on after a restart', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'purser-governance-'))
    const first = governed({ dataDir }).governance
    const { approvalId = '' } = await first.authorize(HIRE)
    await first.approve(approvalId, { person: 'alice' })
    await first.close()
    const second = governed({ dataDir }).governance
    expect(await second.authorize(HIRE)).toMatchObject({
      status: 'approved',
      approvalId,
      auditId: expect.stringMatching(/^aud-2026-06-27-00[2-9]$/),
    })
    await second.close()
    await rm(dataDir, { recursive: true })
  })

  it('options and requests that cannot be read are refused with their paths', async () => {
    expect(() => configure({ agentId: '', tiers: [{ name: 'a', approval: 'none' }] })).toThrow(/agentId.*tiers\S*0/)
    const { governance } = governed()
    await using _ = governance
    await expect(governance.authorize({ ...HIRE, amount: -1 })).rejects.toMatchObject({
      refusal: { code: 'request_invalid', detail: expect.stringContaining('amount') },
    })
    expect(governance.check().compliant).toBe(true)
  })
})
