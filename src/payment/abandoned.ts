/**
 * Abandoned: the agent has left, and the upstream says nothing. The attempt goes on, because a settlement that the server
 * claims late must not be lost; meanwhile the payment is unknown, so that the chain is asked about it.
 */
import { systemPause } from '../clock.ts'
import type { Reservation } from '../ledger/ledger.ts'
import { ABANDONED_ATTEMPT_MS } from '../limits.ts'
import type { Case } from './case.ts'

const REASON = 'The agent left, and the upstream has not answered yet.'

/** Runs the attempt to its end. What it held when it was abandoned stays held. */
export async function whileWaitedFor<T>(matter: Case, reservation: Reservation, attempt: () => Promise<T>): Promise<T> {
  const { signal } = matter.request
  let over: AbortController | undefined
  let noted: Promise<void> | undefined
  const leave = () => {
    over = new AbortController()
    noted = noteLater(matter, reservation, over.signal)
  }
  if (signal.aborted) leave()
  else signal.addEventListener('abort', leave, { once: true })
  try {
    return await attempt()
  } finally {
    signal.removeEventListener('abort', leave)
    over?.abort()
    await noted
  }
}

/** Never rejects: what could not be noted is noted when the attempt is concluded. */
async function noteLater({ deps }: Case, reservation: Reservation, over: AbortSignal): Promise<void> {
  const { events, pause = systemPause } = deps
  await pause(ABANDONED_ATTEMPT_MS, over).catch(() => undefined)
  if (over.aborted) return
  try {
    const { state } = await reservation.payment()
    // What is only signed may turn out never to have left: that is the attempt's to say.
    if (state === 'sent') await reservation.leaveUnknown(REASON, { denied: false })
  } catch (fault) {
    events.faulted('an attempt that nobody waits for', fault)
  }
}
