/** Sessions, moves and a token for the tests of this room. */
import type { Funding } from '../../src/ledger/fundings.ts'
import type { Asset } from '../../src/money.ts'
import type { Session } from '../../src/session/session.ts'

export const USDC: Asset = {
  ...{ network: 'eip155:84532', address: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', symbol: 'USDC', decimals: 6 },
  ...{ currency: 'USD', rate: 1_000_000n, eip712: { name: 'USDC', version: '2' } },
}
export const TREASURY = '0x1111111111111111111111111111111111111111'
export const OWN = '0x2222222222222222222222222222222222222222'
export const OPENED = 1_782_000_000_000
const HOUR_MS = 3_600_000

export function session(more: Partial<Session> = {}): Session {
  return {
    ...{ id: 'ses_a', name: null, agent: 'tester', purpose: 'test', currency: 'USD', cap: 10_000_000n, spent: 0n, held: 0n, payments: 0 },
    ...{ createdAt: OPENED, expiresAt: OPENED + HOUR_MS, status: 'open', limits: {}, scope: {}, refill: null, refills: 0 },
    ...{ networks: [USDC.network], assets: ['USDC'], wallet: 'ses_a', owner: 'ops', parent: null, singleUse: false, labels: {} },
    ...more,
  }
}

export function move(number: number, more: Partial<Funding> = {}): Funding {
  const back = more.kind === 'sweep'
  return {
    ...{ sessionId: 'ses_a', number, kind: 'fund', network: USDC.network, token: USDC.address, amountAtomic: 10_000_000n },
    ...{ from: back ? OWN : TREASURY, to: back ? TREASURY : OWN, nonce: `0x${`${number}`.padStart(64, '0')}`, plannedAt: OPENED },
    ...{ state: 'done', signedAt_s: null, validBefore_s: null, transaction: null, sentAt: null, endedAt: null, reason: null },
    ...more,
  }
}
