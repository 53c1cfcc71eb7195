/** Alerts at work: the books, what owners should know, and the state of the ledger, from the start to the end. */
import type { Notices } from '../approval/notices.ts'
import type { Contacts } from '../approval/people.ts'
import type { Post } from '../approval/webhook.ts'
import type { House } from '../house.ts'
import { haltedReason } from '../ledger/administration.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { createBooks } from './books.ts'
import { createLedgerWatch } from './ledger-watch.ts'
import { createOwnerAlerts } from './owner-alerts.ts'

export interface Means {
  readonly contacts: Contacts
  readonly notices: Pick<Notices, 'alert' | 'hurry'>
  readonly post: Post
  /** False for a worker, whose primary tells what is told once for all processes. */
  readonly beside?: boolean
}

/** `started` stops it, before the ledger is closed. Resolves when what is paid from now on will be told. */
export async function startAlerts(
  { ledger, records, clock, ids, telemetry }: Pick<House, 'ledger' | 'records' | 'clock' | 'ids' | 'telemetry'>,
  { contacts, notices, post, beside = true }: Means,
  started: AsyncDisposableStack,
): Promise<void> {
  const { events } = telemetry
  const alerts = createOwnerAlerts({ ledger, alert: (alert) => notices.alert(alert), clock, events })
  started.defer(() => alerts.settled())
  started.defer(telemetry.listen(alerts))
  if (!beside) return
  const books = createBooks({ ledger: records, shared: contacts.shared, clock, events, onQueued: () => notices.hurry() })
  started.defer(() => books.stop())
  await books.start()
  const watch = createLedgerWatch({ reasons: () => faultsOf(ledger), contacts, post, clock, ids, events })
  started.defer(() => watch.stop())
  watch.start()
}

/** Why the ledger cannot be written. What people stopped is no fault. */
export async function faultsOf(ledger: Pick<Ledger, 'readiness' | 'halts'>): Promise<readonly string[]> {
  const reasons = await ledger.readiness()
  if (reasons.length === 0) return []
  const halted = (await ledger.halts()).map(haltedReason)
  return reasons.filter((reason) => !halted.includes(reason))
}
