/** People for the payment flow's tests: the real service on a ledger's own store; the test says whom notices reach, and when time passes. */
import type { Alert } from '../../src/approval/alert.ts'
import type { Approval } from '../../src/approval/approval.ts'
import type { ApprovalNews, RunningApprovals } from '../../src/approval/approvals.ts'
import { createApprovals } from '../../src/approval/service.ts'
import type { Ids } from '../../src/clock.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { People } from '../../src/payment/people.ts'
import type { Events } from '../../src/telemetry/events.ts'
import type { Patience } from './patience.ts'

export interface PeopleOptions {
  readonly hold_ms?: number
  readonly vetoHold_ms?: number
  /** How many messages are sent for each piece of news; 0: there is nobody to tell. */
  readonly reachable?: number
}

export interface PeopleRig {
  readonly people: People
  readonly approvals: RunningApprovals
  /** What people were told, in order. */
  readonly told: { readonly news: ApprovalNews; readonly approval: Approval }[]
  readonly alerts: Alert[]
  /** The process is about to stop. */
  stop(): void
}

interface Surroundings {
  readonly ledger: Pick<Ledger, 'approvals'>
  readonly ids: Ids
  readonly events: Events
  readonly patience: Patience
}

export function createPeople({ ledger, ids, events, patience }: Surroundings, options: PeopleOptions = {}): PeopleRig {
  const { hold_ms = 30_000, vetoHold_ms = 60_000, reachable = 1 } = options
  const told: PeopleRig['told'] = []
  const alerts: Alert[] = []
  const stopping = new AbortController()
  const approvals = createApprovals({
    ...{ store: ledger.approvals, clock: patience.clock, ids, events, pause: patience.pause },
    notify: async (approval, news) => {
      told.push({ news, approval })
      return { queued: reachable }
    },
  })
  return {
    ...{ approvals, told, alerts },
    people: {
      ...{ approvals, hold_ms, vetoHold_ms, stopping: stopping.signal },
      approvalUrl: (id) => `https://ops.example/approvals/${id}`,
      alert: async (alert) => void alerts.push(alert),
    },
    stop: () => stopping.abort(),
  }
}
