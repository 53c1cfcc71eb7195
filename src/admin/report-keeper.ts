/** The report of a day: made from the ledger, and kept for every day on which something was asked for, soon after its end. */
import { LRUCache } from 'lru-cache'
import type { Alert } from '../approval/alert.ts'
import { COST_CENTRE, DailyBook, type DailyReport, dayAt, dayOf } from '../audit/daily.ts'
import { type Pause, systemPause } from '../clock.ts'
import { refused } from '../errors.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { MAX_PAGE, MAX_REPORT_DAYS, MAX_REPORT_SESSIONS, REPORT_DELAY_MS, REPORT_INTERVAL_MS } from '../limits.ts'
import type { AdminDeps } from './deps.ts'
import { walkPages } from './pages.ts'
import { createPolicyArchive, type PolicyArchive } from './policy-archive.ts'

export type ReportDeps = Pick<AdminDeps, 'ledger' | 'clock' | 'signer'>

/** As of now. @throws PurserError `request_invalid` for a day that has not begun. */
export async function reportOn(
  date: string,
  { ledger, clock, signer }: ReportDeps,
  archive: PolicyArchive = createPolicyArchive(ledger),
): Promise<DailyReport> {
  const day = dayOf(date)
  const { since, until } = day
  if (since > clock.now()) throw refused('request_invalid', `date: ${date} has not begun yet (UTC).`)
  const book = new DailyBook(day)
  const costCentreOf = costCentres(ledger)
  for await (const payment of await walkPages((page) => ledger.payments({ since, until }, page))) {
    const tier = await archive.tier(payment.policyVersion, payment.tier)
    book.addPayment(payment, { tier, costCentre: await costCentreOf(payment.sessionId) })
  }
  for await (const receipt of await walkPages((page) => ledger.receipts({ since, until }, page))) book.addReceipt(receipt)
  const { ledgerId } = await ledger.claimIdentity({})
  return book.sign({ ledgerId, now: clock.now(), signer })
}

/** Labels never change, so each session is looked up once, as long as not very many take turns. */
function costCentres(ledger: Pick<Ledger, 'session'>): (sessionId: string) => Promise<string> {
  const known = new LRUCache<string, string>({ max: MAX_REPORT_SESSIONS })
  return async (sessionId) => {
    const costCentre = known.get(sessionId) ?? (await ledger.session(sessionId))?.labels[COST_CENTRE] ?? ''
    known.set(sessionId, costCentre)
    return costCentre
  }
}

export interface ReportKeeper {
  /** One round: makes and keeps what is missing, oldest day first, and answers the reports that are kept now. */
  keepDue(): Promise<readonly DailyReport[]>
  start(): void
  /** Resolves when the round that runs is over. */
  stop(): Promise<void>
}

export interface ReportKeeperDeps extends ReportDeps {
  /** A report is kept; told once among all processes. */
  readonly onKept: (report: DailyReport) => Promise<unknown>
  readonly events: { warned(sentence: string, cause?: unknown): void }
  readonly pause?: Pause
}

/**
 * Nothing runs before `start`. A day whose end fell into a time when nothing ran is made up for; one of which something was
 * open is made again, until it is final. However many processes make one, one is kept.
 */
export function createReportKeeper(deps: ReportKeeperDeps): ReportKeeper {
  const { events, pause = systemPause } = deps
  const stopped = new AbortController()
  let loop: Promise<void> | undefined
  const keepDue = async () => {
    const kept: DailyReport[] = []
    for (const date of await dueDays(deps)) {
      if (stopped.signal.aborted) break
      const report = await keepOne(date, deps)
      if (report) kept.push(report)
    }
    return kept
  }
  const run = async () => {
    while (!stopped.signal.aborted) {
      await keepDue().catch((cause: unknown) => events.warned('The report of a day could not be made; it is tried again.', cause))
      await pause(REPORT_INTERVAL_MS, stopped.signal).catch(() => undefined)
    }
  }
  return {
    keepDue,
    start() {
      loop ??= run()
    },
    async stop() {
      stopped.abort()
      await loop
    },
  }
}

/** What shared addresses hear of a report that is kept. `at` in milliseconds since 1970. */
export function reportAlert({ date, final, totals, receipts }: DailyReport, at: number): Alert {
  const sums = totals.map(({ outcome, payments, amount, currency }): readonly [string, string] => {
    return [outcome, currency === null ? String(payments) : `${payments} for ${amount} ${currency}`]
  })
  return {
    ...{ type: 'report.daily', to: 'shared', sessionId: '', agent: '', owner: '', at },
    sentence: `The report of ${date} is signed and kept${final ? '' : '; payments of that day are still open'}.`,
    facts: [...sums, ['receipts', String(receipts.count)], ['report', `/v1/reports/kept/${date}`]],
  }
}

async function keepOne(date: string, deps: ReportKeeperDeps): Promise<DailyReport | undefined> {
  const { ledger, clock, onKept, events } = deps
  const report = await reportOn(date, deps)
  const { final } = report
  if (!(await ledger.reports.keep({ date, final, madeAt: clock.now(), text: JSON.stringify(report) }))) return undefined
  await onKept(report).catch((cause: unknown) => events.warned(`Nobody could be told of the report of ${date}.`, cause))
  return report
}

/** Days that have ended and are not kept as final ones, oldest first, so that a stop midway leaves none out. */
async function dueDays({ ledger, clock }: Pick<ReportDeps, 'ledger' | 'clock'>): Promise<string[]> {
  const unclosed = await ledger.reports.days({ limit: MAX_PAGE }, { final: false })
  const [newest] = (await ledger.reports.days({ limit: 1 })).items
  const missing: string[] = []
  let end = dayOf(dayAt(clock.now() - REPORT_DELAY_MS)).since
  while (missing.length < MAX_REPORT_DAYS) {
    const [last] = (await ledger.payments({ until: end }, { limit: 1 })).items
    const day = last && dayOf(dayAt(last.decidedAt))
    if (!day || (newest && day.date <= newest.date)) break
    missing.push(day.date)
    end = day.since
  }
  return [...unclosed.items.map(({ date }) => date), ...missing].sort()
}
