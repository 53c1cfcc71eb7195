/** Audit ids: `aud-2026-06-27-001`, rising within a day (UTC), each once over all processes and restarts; they may skip. */
import type { ApprovalStore } from '../approval/approval.ts'
import type { Clock } from '../clock.ts'

export type AuditIds = () => Promise<string>

const DAY_MS = 86_400_000
const DIGITS = 3

export function createAuditIds({ store, clock }: { readonly store: Pick<ApprovalStore, 'useOnce'>; readonly clock: Clock }): AuditIds {
  let [day, next] = ['', 1]
  return async () => {
    const now = clock.now()
    const today = new Date(now).toISOString().slice(0, 10)
    if (today !== day) [day, next] = [today, 1]
    // Where others or an earlier run took numbers, the step doubles, so that many are passed in a few questions.
    for (let step = 1; ; step *= 2) {
      const number = next
      next += step
      const id = `aud-${today}-${String(number).padStart(DIGITS, '0')}`
      if (await store.useOnce(id, now + 2 * DAY_MS)) {
        next = Math.min(next, number + 1)
        return id
      }
    }
  }
}
