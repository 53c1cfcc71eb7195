/** A session for tests of the pure parts. */
import type { Session } from '../../src/session/session.ts'

export const NOW = Date.parse('2026-06-27T12:00:00Z')

export function session(over: Partial<Session> = {}): Session {
  return {
    id: 'ses_1',
    name: null,
    agent: 'reporter',
    purpose: 'test',
    currency: 'USD',
    cap: 10_000_000n,
    spent: 0n,
    held: 0n,
    payments: 0,
    createdAt: NOW,
    expiresAt: NOW + 3_600_000,
    status: 'open',
    limits: {},
    scope: {},
    networks: ['eip155:84532'],
    assets: ['USDC'],
    wallet: null,
    owner: 'ops',
    parent: null,
    singleUse: false,
    labels: {},
    refill: null,
    refills: 0,
    ...over,
  }
}
