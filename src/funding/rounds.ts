/** Rounds: whatever account is due is looked at, by one process at a time, for as long as this one runs. What a crash left behind is simply due. */
import { type Clock, type Pause, systemPause } from '../clock.ts'
import { FUNDING_BATCH, FUNDING_INTERVAL_MS, FUNDING_LEASE_MS, FUNDING_RETRY_MS } from '../funding-limits.ts'
import type { FundedAccount, FundingStore } from '../ledger/fundings.ts'
import type { Events } from '../telemetry/events.ts'
import type { Attend } from './funder.ts'

export interface RoundsDeps {
  readonly store: Pick<FundingStore, 'claim' | 'release'>
  readonly attend: Attend
  readonly clock: Pick<Clock, 'now'>
  readonly events: Pick<Events, 'warned'>
  /** Waits between two rounds; resolves or rejects early when the signal comes. */
  readonly pause?: Pause
}

export interface FundingRounds {
  start(): void
  /** Resolves when the step that runs is over. */
  stop(): Promise<void>
  /** Looks at all that is due now, and again at what is due at once. */
  round(): Promise<void>
}

/** Steps of one account in a round: what is planned is sent in the next one. */
const STEPS = 4

export function createRounds(deps: RoundsDeps): FundingRounds {
  const stopping = new AbortController()
  const pause = deps.pause ?? systemPause
  const warned = new Set<string>()
  const round = async () => {
    for (let step = 0; step < STEPS && !stopping.signal.aborted; step++) {
      const now = deps.clock.now()
      const claimed = await deps.store.claim({ now, until: now + FUNDING_LEASE_MS, limit: FUNDING_BATCH })
      if (claimed.length === 0) return
      await Promise.all(claimed.map((account) => attendTo(deps, account, warned)))
    }
  }
  const run = async () => {
    let failing = false
    while (!stopping.signal.aborted) {
      await round().then(
        () => {
          failing = false
        },
        (fault: unknown) => {
          if (!failing) deps.events.warned('Looking after the addresses of sessions failed; it is tried again.', fault)
          failing = true
        },
      )
      await pause(FUNDING_INTERVAL_MS, stopping.signal).catch(() => undefined)
    }
  }
  let running: Promise<void> | undefined
  return {
    round,
    start() {
      running ??= run()
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}

/** A step that fails is warned of once, until one goes well, and tried again. */
async function attendTo(deps: RoundsDeps, account: FundedAccount, warned: Set<string>): Promise<void> {
  const { store, clock, events } = deps
  try {
    const verdict = await deps.attend(account)
    warned.delete(account.sessionId)
    await store.release(account, verdict)
  } catch (fault) {
    if (!warned.has(account.sessionId)) events.warned(`The address of session ${account.sessionId} could not be looked after.`, fault)
    warned.add(account.sessionId)
    await store.release(account, { dueAt: clock.now() + FUNDING_RETRY_MS, endedAt: account.endedAt })
  }
}
