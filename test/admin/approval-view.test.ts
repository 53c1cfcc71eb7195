import { describe, expect, it } from 'vitest'
import { ApprovalView, approvalView, OwnApprovalView, ownApprovalView } from '../../src/admin/approval-view.ts'
import { anApproval, aWindow, HIRE, HOSTILE_TEXTS } from '../approval/approvals-at-hand.ts'

const VOTE = { person: 'alice', verdict: 'deny', reason: 'too\ndear', channel: 'slack', at: Date.parse('2026-06-27T12:01:00Z') } as const

describe('approval-view', () => {
  it('shows amounts in both units, times in ISO, and the window of a veto', () => {
    expect(approvalView(anApproval({ votes: [VOTE], noticedAt: VOTE.at }))).toMatchObject({
      ...{ amount: '89.00', displayAmount: '$89.00', assetAmount: '89', amountAtomic: '89000000', asset: 'USDC' },
      ...{ createdAt: '2026-06-27T12:00:00.000Z', noticedAt: '2026-06-27T12:01:00.000Z', decidedAt: null, vetoWindow: null },
      votes: [{ person: 'alice', verdict: 'deny', reason: 'too dear', channel: 'slack', at: '2026-06-27T12:01:00.000Z' }],
    })
    expect(approvalView(aWindow())).toMatchObject({ kind: 'veto', vetoWindow: '30s', startedAt: null })
  })

  it('is what its schema says, and so is the agent’s', () => {
    for (const approval of [anApproval({ votes: [VOTE] }), aWindow()]) {
      expect(ApprovalView.parse(approvalView(approval))).toEqual(approvalView(approval))
      expect(OwnApprovalView.parse(ownApprovalView(approval))).toEqual(ownApprovalView(approval))
    }
  })

  it.each(HOSTILE_TEXTS)('words from outside stay one harmless line: %s', (_name, text) => {
    const shown = { ...HIRE, untrusted: text, justification: text, tool: text, task: text, purpose: text }
    const { untrusted, justification, tool, task, purpose } = approvalView(anApproval({ shown, votes: [{ ...VOTE, reason: text }] }))
    for (const value of [untrusted, justification, tool, task, purpose]) expect(value).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  })

  it('an agent learns what people said and not who, and nothing to pay elsewhere by', () => {
    const own = ownApprovalView(anApproval({ votes: [VOTE] }))
    expect(own.said).toEqual(['too dear'])
    for (const hidden of ['alice', HIRE.payTo, HIRE.asset.address, HIRE.network]) expect(JSON.stringify(own)).not.toContain(hidden)
  })
})
