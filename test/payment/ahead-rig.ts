/** Authorizing ahead over a real ledger in memory and real approvals. */
import { DatabaseSync } from 'node:sqlite'
import type { RunningApprovals } from '../../src/approval/approvals.ts'
import { createApprovals } from '../../src/approval/service.ts'
import { randomIds } from '../../src/clock.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { migrate } from '../../src/ledger/sqlite/migrations/migrate.ts'
import { composeLedger } from '../../src/ledger/sqlite.ts'
import type { AheadDeps, AheadRequest } from '../../src/payment/ahead.ts'
import { createAuditIds } from '../../src/payment/audit-ids.ts'
import { createAuthorizeAhead } from '../../src/payment/authorize-ahead.ts'
import type { Session } from '../../src/session/session.ts'
import { testClock } from '../clock.ts'
import { FOUR_TIERS, rules } from '../policy/fixtures.ts'

export interface AheadRig extends AsyncDisposable {
  readonly deps: AheadDeps
  readonly approvals: RunningApprovals
  readonly ledger: Ledger
  readonly session: Session
  readonly clock: ReturnType<typeof testClock>
  authorize: ReturnType<typeof createAuthorizeAhead>
  request(more?: Partial<AheadRequest>): AheadRequest
}

export async function startAhead(more: Partial<AheadDeps> = {}, cap = 100_000_000n): Promise<AheadRig> {
  const clock = testClock()
  const db = new DatabaseSync(':memory:', { readBigInts: true })
  migrate(db)
  const ledger = await composeLedger(db, { clock, ids: randomIds, runId: 'run_1' })
  const session = await ledger.openSession({
    ...{ id: 'ses_1', name: null, tokenHash: 'hash', agent: 'researcher', purpose: 'report', currency: 'USD', cap },
    ...{ createdAt: clock.now(), expiresAt: clock.now() + 3_600_000, limits: {}, scope: {}, networks: [], assets: [] },
    ...{ wallet: null, owner: 'ops', parent: null, singleUse: false, labels: {}, refill: null },
  })
  const policy = { mode: 'enforce', tiers: FOUR_TIERS, rules: rules({ blocked: [{ host: 'bad.example' }] }), version: 'abc' } as const
  const warned = () => undefined
  const approvals = createApprovals({
    store: ledger.approvals,
    clock,
    ids: randomIds,
    events: { warned, approvalWaited: warned },
    notify: async () => ({ queued: 1 }),
  })
  const deps: AheadDeps = {
    ...{ ledger, approvals, policy: () => policy, clock, ids: randomIds, standalone: false, alert: async () => undefined },
    auditIds: createAuditIds({ store: ledger.approvals, clock }),
    ...more,
  }
  return {
    ...{ deps, approvals, ledger, session, clock, authorize: createAuthorizeAhead(deps) },
    request: (asked = {}) => ({
      ...{ session, amount: 20_000n, category: 'embeddings', recipient: 'api.example.com', recipientTrust: 'verified' },
      ...{ justification: null, network: 'eip155:84532' },
      ...asked,
    }),
    async [Symbol.asyncDispose]() {
      await approvals[Symbol.asyncDispose]()
      await ledger[Symbol.asyncDispose]()
    },
  }
}
