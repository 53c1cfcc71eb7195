import { describe, expect, it } from 'vitest'
import type { Approval } from '../../src/approval/approval.ts'
import { DENIAL_TOLD_MS, EXPIRY_TOLD_MS } from '../../src/limits.ts'
import { verdictOf, vetoOf } from '../../src/payment/verdict.ts'
import { approvalOf } from './approval-fixture.ts'

const NOW = Date.parse('2026-06-27T12:00:00Z')
const no = { person: 'ops', verdict: 'deny', reason: 'too dear', channel: 'cli', at: NOW } as const
const yes = { ...no, verdict: 'approve' } as const
const decided = (changes: Partial<Approval>) => approvalOf({ decidedAt: NOW, expiresAt: NOW, ...changes })

describe('what an approval says to a repeat', () => {
  it.each([
    ['denied', decided({ state: 'denied', votes: [no] }), 'approval_denied', DENIAL_TOLD_MS],
    ['vetoed', decided({ state: 'vetoed', kind: 'veto', votes: [no] }), 'vetoed', DENIAL_TOLD_MS],
    ['expired undecided', decided({ state: 'expired' }), 'approval_expired', EXPIRY_TOLD_MS],
    ['overdue and not swept yet', decided({ state: 'pending', decidedAt: null }), 'approval_expired', EXPIRY_TOLD_MS],
    ['expired with one yes of two', decided({ state: 'expired', required: 2, votes: [yes] }), 'approval_expired', EXPIRY_TOLD_MS],
  ] as const)('%s: a refusal, for its while and no longer', (_name, approval, code, span_ms) => {
    expect(verdictOf(approval, NOW + span_ms - 1)?.code).toBe(code)
    expect(verdictOf(approval, NOW + span_ms)).toBeUndefined()
  })

  it.each([
    ['pending', decided({ state: 'pending', expiresAt: NOW + 1 })],
    ['approved', decided({ state: 'approved', votes: [yes] })],
    ['passed', decided({ state: 'passed', kind: 'veto' })],
    ['used', decided({ state: 'used' })],
    ['withdrawn', decided({ state: 'withdrawn' })],
    ['expired after it was approved', decided({ state: 'expired', votes: [yes] })],
    ['expired after its window passed', decided({ state: 'expired', kind: 'veto' })],
  ] as const)('%s: none', (_name, approval) => {
    expect(verdictOf(approval, NOW)).toBeUndefined()
  })

  it('gives the person’s reason, cleaned, and none where there is none', () => {
    expect(vetoOf(decided({ votes: [{ ...no, reason: 'no\u202e \u001b[31mway' }] })).detail).toBe('A person vetoed this payment: no way')
    expect(vetoOf(decided({ votes: [{ ...no, reason: ' ' }] })).detail).toBe('A person vetoed this payment.')
  })
})
