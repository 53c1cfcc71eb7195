/** The real service over the real SQLite store in memory; time passes only where the test says so. */
import type { Approval, ApprovalStore } from '../../src/approval/approval.ts'
import type { ApprovalNews, ApprovalsDeps, RunningApprovals } from '../../src/approval/approvals.ts'
import { createApprovals } from '../../src/approval/service.ts'
import { composeLedger } from '../../src/ledger/sqlite.ts'
import { countingIds, testClock } from '../clock.ts'
import { emptyDatabase } from '../ledger/sqlite/workbench.ts'
import { shownOf } from './facts.ts'

/** The same store with some of its methods replaced. */
export function storeBut(store: ApprovalStore, changes: Partial<ApprovalStore>): ApprovalStore {
  return new Proxy(store, {
    get(target, name) {
      const changed: unknown = Reflect.get(changes, name)
      if (changed !== undefined) return changed
      const kept: unknown = Reflect.get(target, name)
      return typeof kept === 'function' ? kept.bind(target) : kept
    },
  })
}

interface Pause {
  readonly until: number
  readonly end: () => void
}

/** A clock whose pauses end when it is moved past them. */
export function pausingClock() {
  const clock = testClock()
  const pauses = new Set<Pause>()
  const pause = (ms: number, signal: AbortSignal): Promise<void> => {
    if (signal.aborted) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    const own: Pause = { until: clock.monotonic() + ms, end: resolve }
    pauses.add(own)
    signal.addEventListener('abort', () => own.end(), { once: true })
    return promise.finally(() => pauses.delete(own))
  }
  const advance = (ms: number) => {
    clock.advance(ms)
    for (const { until, end } of pauses) if (until <= clock.monotonic()) end()
  }
  return { clock, pause, advance, pauses }
}

/** All that is under way has gone as far as it can without time. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

export interface RigOptions {
  /** How many messages are queued for each piece of news. */
  readonly queued?: (approval: Approval, news: ApprovalNews) => number
  readonly wrap?: (store: ApprovalStore) => ApprovalStore
  readonly escalateAfter_ms?: number
}

export async function serviceRig({ queued = () => 1, wrap = (store) => store, ...more }: RigOptions = {}) {
  const { clock, pause, advance, pauses } = pausingClock()
  const ids = countingIds()
  const told: string[] = []
  const warnings: string[] = []
  const waited: number[] = []
  const ledger = await composeLedger(emptyDatabase(), { clock, ids, runId: 'run_1' })
  const store = wrap(ledger.approvals)
  const deps: ApprovalsDeps = {
    ...{ store, clock, ids, pause, ...more },
    events: { warned: (sentence) => warnings.push(sentence), approvalWaited: (duration_ms) => waited.push(duration_ms) },
    notify: async (approval, news) => {
      told.push(`${news} ${approval.state}`)
      return { queued: queued(approval, news) }
    },
  }
  const service = createApprovals(deps)
  return {
    ...{ service, store, clock, ids, advance, pauses, told, warnings, waited, deps },
    /** Another process on the same store. */
    second: (): RunningApprovals => createApprovals(deps),
    request: { sessionId: 'ses_1', agent: 'researcher', shown: shownOf(), required: 1, timeout_ms: 3_600_000 },
    window: { sessionId: 'ses_1', agent: 'researcher', shown: shownOf(), paymentId: 'pay_reserved', length_ms: 30_000 },
    yes: { person: 'ada', verdict: 'approve', reason: 'fine', channel: 'cli' } as const,
    no: { person: 'bob', verdict: 'deny', reason: 'too dear', channel: 'api' } as const,
    async [Symbol.asyncDispose]() {
      await service.stop()
      await ledger[Symbol.asyncDispose]()
    },
  }
}
