/** People: the approvals that wait for them and the notices that reach them, from the start to the end. */
import type { PeopleDeps } from './admin/deps.ts'
import { startAlerts } from './alerts/start.ts'
import type { RunningApprovals } from './approval/approvals.ts'
import { createLinks } from './approval/links.ts'
import { createNotices, type Notices } from './approval/notices.ts'
import { createApprovals } from './approval/service.ts'
import { createPost } from './approval/webhook.ts'
import { resolvePeople } from './config/people.ts'
import type { House } from './house.ts'
import type { People } from './payment/people.ts'
import { MAX_BUDGET_OWNERS } from './people-limits.ts'

export interface PeopleAtWork extends PeopleDeps {
  readonly approvals: RunningApprovals
  readonly notices: Notices
  /** What the payment flow needs of them. */
  readonly payers: People
}

export interface PeopleOptions {
  /** Where the admin door is; asked for each notice, because the door opens after this. */
  readonly adminUrl: () => string
  /** Fires when the process is about to stop. */
  readonly stopping: AbortSignal
  /** False for a worker: the books and the state of the ledger are told by its primary. */
  readonly beside?: boolean
}

/**
 * Starts it all; `started` stops it, before the ledger is closed.
 * @throws SecretError
 */
export async function startPeople(
  house: House,
  { adminUrl, stopping, beside = true }: PeopleOptions,
  started: AsyncDisposableStack,
): Promise<PeopleAtWork> {
  const { config, clock, ids, ledger, keys, telemetry } = house
  const { events } = telemetry
  const { slackSigningSecret, ...contacts } = await resolvePeople(config, house.env)
  const [links, post] = [createLinks(keys.token), createPost({ fetch: house.fetch })]
  const pageUrl = () => config.approvals.pageUrl ?? adminUrl()
  const notices: Notices = createNotices({
    ...{ store: ledger.approvals, contacts, links, post, clock, events, pageUrl },
    budgetOwners: (sessionId) => budgetOwners(house, sessionId),
    onDelivered: (id) => approvals.noticed(id),
    onUndeliverable: (id) => approvals.undeliverable(id),
  })
  const notify = (...news: Parameters<Notices['tell']>) => notices.tell(...news)
  const { hold_ms, vetoHold_ms, escalateAfter_ms } = config.approvals
  const approvals = createApprovals({ store: ledger.approvals, clock, ids, events, notify, escalateAfter_ms })
  for (const loop of [approvals, notices]) {
    loop.start()
    started.defer(() => loop.stop())
  }
  if (beside) started.defer(withdrawWithSessions(house, approvals))
  await startAlerts(house, { contacts, notices, post, beside }, started)
  const approvalUrl = (id: string) => `${pageUrl()}/#/approvals/${id}`
  return {
    ...{ approvals, notices, links, contacts, post, slackSigningSecret },
    secureCookies: config.approvals.pageUrl?.startsWith('https:') ?? config.admin.serverTls !== undefined,
    payers: { approvals, hold_ms, vetoHold_ms, approvalUrl, stopping, alert: (alert) => notices.alert(alert) },
  }
}

/** What a session was asked for dies with it (rule R15). */
function withdrawWithSessions({ ledger, telemetry }: House, approvals: RunningApprovals): () => void {
  return ledger.watch((change) => {
    if (change.kind !== 'session_ended') return
    approvals.sessionEnded(change.sessionId).catch((cause: unknown) => telemetry.events.faulted('withdrawing approvals', cause))
  })
}

/** Owners of the budgets above the session, from its parent upwards. */
async function budgetOwners({ ledger }: House, sessionId: string): Promise<readonly string[]> {
  const owners: string[] = []
  let at = await ledger.session(sessionId)
  while (at?.parent && owners.length < MAX_BUDGET_OWNERS) {
    at = await ledger.session(at.parent)
    if (at) owners.push(at.owner)
  }
  return owners
}
