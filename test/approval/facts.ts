/** What people are shown, and approvals as the service's callers make them; a test changes only what it is about. */
import type { Approval, Shown } from '../../src/approval/approval.ts'
import { approvalDigest } from '../../src/approval/digest.ts'
import { openedApproval, openedWindow } from '../../src/approval/rules.ts'
import type { Ids } from '../../src/clock.ts'

export const MINUTE = 60_000

export function shownOf(changes: Partial<Shown> = {}): Shown {
  return {
    method: 'POST',
    url: 'https://agents.example.com/hire',
    host: 'agents.example.com',
    bodyDigest: 'b'.repeat(64),
    rail: 'x402',
    scheme: 'exact',
    flow: 'authorization',
    network: 'eip155:84532',
    asset: { symbol: 'USDC', address: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', decimals: 6 },
    amountAtomic: 89_000_000n,
    amount: 89_000_000n,
    currency: 'USD',
    payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
    purpose: 'liquidity report',
    owner: 'ops',
    justification: 'the report needs an analyst',
    tool: null,
    task: 'report-7',
    categories: ['agent_hire'],
    trust: 'known',
    tier: 'collaborative',
    reason: 'Agents are hired by people.',
    policyVersion: 'abc',
    remaining: 500_000_000n,
    changes: ['The price was $79 the last time.'],
    untrusted: 'An analyst for a day',
    ...changes,
  }
}

export interface Basis {
  readonly ids: Ids
  readonly now: number
  readonly sessionId?: string
  readonly agent?: string
  readonly shown?: Partial<Shown>
}

export function factsOf({ ids, now, sessionId = 'ses_1', agent = 'researcher', shown = {} }: Basis) {
  const seen = shownOf(shown)
  const digest = approvalDigest({ ...seen, sessionId })
  return { id: ids('apr'), sessionId, agent, digest, paymentId: ids('pay'), shown: seen, createdAt: now }
}

/** A pending approval: for an hour, one person. */
export function approvalOf(basis: Basis, changes: Partial<Approval> = {}): Approval {
  return { ...openedApproval(factsOf(basis), { required: 1, timeout_ms: 60 * MINUTE }), ...changes }
}

/** A pending window of 30 s that has not started. */
export function windowOf(basis: Basis, changes: Partial<Approval> = {}): Approval {
  return { ...openedWindow(factsOf(basis), 30_000), ...changes }
}
