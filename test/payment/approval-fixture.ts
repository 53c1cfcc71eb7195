/** An approval as a value, for what needs no store. */
import type { Approval } from '../../src/approval/approval.ts'

export function approvalOf(changes: Partial<Approval> = {}): Approval {
  return {
    ...{ id: 'apr_1', kind: 'approval', state: 'pending', sessionId: 'ses_1', agent: 'tester', digest: 'd', paymentId: 'pay_1' },
    shown: {
      ...{ method: 'GET', url: 'https://api.example.com/weather', host: 'api.example.com', bodyDigest: 'b', rail: 'x402', scheme: 'exact' },
      ...{ flow: 'authorization', network: 'eip155:84532', asset: { symbol: 'USDC', address: '0xA', decimals: 6 }, amountAtomic: 1_000n },
      ...{ amount: 1_000n, currency: 'USD', payTo: '0xB', purpose: 'test', owner: 'ops', justification: null, tool: null, task: null },
      ...{
        categories: [],
        trust: 'verified',
        tier: 'asking',
        reason: 'Tier asking.',
        policyVersion: 'v1',
        remaining: 1n,
        changes: [],
        untrusted: null,
      },
    },
    ...{ required: 1, votes: [], createdAt: 0, expiresAt: 1, window: null },
    ...{ noticedAt: null, escalateAt: null, decidedAt: null, usedAt: null, version: 1 },
    ...changes,
  }
}
