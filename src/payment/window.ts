/**
 * A veto window: people are told while the money is set aside, and the payment goes on unless one of them says no. Its end
 * is decided by compare-and-set, so that a veto of the same instant wins; whoever does not win it takes the money back.
 */
import type { Approval } from '../approval/approval.ts'
import type { Code, Refusal } from '../errors.ts'
import type { Reservation } from '../ledger/ledger.ts'
import type { Quote } from '../rails/quote.ts'
import type { PaymentOutcome, Reask } from '../session/exchange.ts'
import { passing } from '../waypoints.ts'
import { type Attendance, attend } from './attend.ts'
import type { Case } from './case.ts'
import { digestOf } from './digest.ts'
import type { Hold } from './hold.ts'
import type { Allowed } from './judge.ts'
import { freshen } from './reask.ts'
import { pending, refuseConcluded } from './refuse.ts'
import { shownOf } from './shown.ts'
import { vetoOf } from './verdict.ts'

export interface Windowed {
  readonly reservation: Reservation
  readonly hold: Hold
  readonly reask: Reask
  /** By the monotonic clock: since when the agent waits for people. */
  readonly since_ms: number
}

export type Unvetoed =
  /** The window ran out, and the payment goes on with this case. */
  | { readonly kind: 'given'; readonly matter: Case }
  /** The money is free again: decide anew, on this. */
  | { readonly kind: 'again'; readonly matter: Case; readonly quote: Quote }
  | { readonly kind: 'done'; readonly outcome: PaymentOutcome }

/** Opens a window on reserved money and waits for its end. Where the payment does not go on, nothing stays held by us. */
export async function vetoWindow(judged: Allowed, windowed: Windowed): Promise<Unvetoed> {
  try {
    const attendance = await attend(judged.matter)
    return await attended(judged, { ...windowed, attendance }).finally(() => attendance.end())
  } catch (fault) {
    await giveUp(judged.matter, windowed)
    throw fault
  }
}

async function attended(judged: Allowed, attending: Omit<Watched, 'window'>): Promise<Unvetoed> {
  const window = await open(judged, attending)
  const { phases } = judged.matter.deps
  const settled = await phases.time('approve', () => watchWindow(judged, { ...attending, window }))
  return conclude(judged, { ...attending, window: settled })
}

/** Nobody is told of a reservation that is not on disk (rule R6). */
async function open(judged: Allowed, { reservation }: Windowed): Promise<Approval> {
  const { matter, decision } = judged
  const { deps, request } = matter
  if (decision.kind !== 'notify') throw new Error(`tier ${decision.tier} opens no window`)
  const { id: sessionId, agent } = request.session
  const shown = await shownOf(judged)
  await reservation.durable()
  passing('window opening')
  const window = await deps.people.approvals.openWindow({
    ...{ sessionId, agent, shown, paymentId: reservation.paymentId, length_ms: decision.vetoWindow_ms },
  })
  passing('window opened')
  return window
}

interface Watched extends Windowed {
  readonly window: Approval
  readonly attendance: Attendance
}

/** As it stands when its end has come, when people have spoken, or when the agent waits no longer. */
async function watchWindow({ matter }: Allowed, { window, since_ms, attendance }: Watched): Promise<Approval> {
  const { people, clock } = matter.deps
  if (!runs(window)) return window
  const left = Math.max(0, since_ms + people.vetoHold_ms - clock.monotonic())
  return people.approvals.settled(window.id, left, attendance.signal)
}

async function conclude(judged: Allowed, watched: Watched): Promise<Unvetoed> {
  const { matter } = judged
  const { window, attendance } = watched
  const bar = await attendance.bar()
  if (bar) return stop(matter, watched, { ...bar, moneyState: 'none' })
  if (window.state === 'vetoed') return takeBack(matter, watched, vetoOf(window))
  if (!runs(window)) return startOver(judged, watched)
  if (matter.request.signal.aborted || !hasEnded(window, matter.deps.clock.now())) return leave(matter, watched)
  return end(judged, watched)
}

/** What ran out goes on, if it still is what people saw and the policy is still the one that allowed it. */
async function end(judged: Allowed, watched: Watched): Promise<Unvetoed> {
  const { matter, quote, decision } = judged
  const { approvals } = matter.deps.people
  const { window, reservation, reask } = watched
  const fresh = await freshen(matter, { quote, reask })
  if (fresh.kind === 'refused') return stop(fresh.matter, watched, fresh.refusal)
  const same = digestOf(fresh.matter) === window.digest && matter.deps.policy().version === decision.policyVersion
  if (!same) {
    await approvals.withdraw(window.id)
    return startOver({ ...judged, ...fresh }, watched)
  }
  if (isRenamed(fresh, reservation)) return claimAnew({ ...judged, ...fresh }, watched)
  passing('window ending')
  const ended = await approvals.closeWindow(window.id, true)
  passing('window ended')
  if (ended.state === 'used' && ended.paymentId === reservation.paymentId) {
    return { kind: 'given', matter: { ...judged.matter, ...fresh.matter, quote: fresh.quote, approval: ended } }
  }
  if (ended.state === 'vetoed') return takeBack(matter, watched, vetoOf(ended))
  return startOver({ ...judged, ...fresh }, watched)
}

/** It became an approval, or the end of the window went to another: what stands now is found by deciding anew. */
async function startOver({ matter, quote }: Pick<Allowed, 'matter' | 'quote'>, watched: Watched): Promise<Unvetoed> {
  await free(watched, { code: 'approval_pending', reason: 'The veto window was given up; the payment is decided on anew.' })
  return { kind: 'again', matter, quote }
}

/** The challenge ended while the window ran, and the fresh one sets another nonce than the one that was reserved. */
function isRenamed({ matter, quote }: Pick<Allowed, 'matter' | 'quote'>, { nonce }: Reservation): boolean {
  const named = matter.rail.nonceOf?.(quote.offer)
  return named !== undefined && named !== nonce
}

/** The money is free again, and the window that ran out becomes a claim, which deciding anew finds at once. */
async function claimAnew(judged: Pick<Allowed, 'matter' | 'quote'>, watched: Watched): Promise<Unvetoed> {
  const again = await startOver(judged, watched)
  await judged.matter.deps.people.approvals.closeWindow(watched.window.id, false)
  return again
}

/** People need not look at it any more. */
async function stop(matter: Case, watched: Watched, refusal: Refusal): Promise<Unvetoed> {
  await matter.deps.people.approvals.withdraw(watched.window.id)
  return takeBack(matter, watched, refusal)
}

async function takeBack(matter: Case, watched: Watched, refusal: Refusal): Promise<Unvetoed> {
  await free(watched, { code: refusal.code, reason: refusal.detail })
  matter.deps.events.decided({ tier: matter.decision?.tier ?? '', decision: 'deny', code: refusal.code })
  return { kind: 'done', outcome: await refuseConcluded(matter, watched.reservation, refusal) }
}

interface Grounds {
  readonly code: Code
  readonly reason: string
}

async function free(windowed: Windowed, grounds: Grounds): Promise<void> {
  await voidIt(windowed, grounds)
  windowed.hold.release()
}

async function voidIt({ reservation }: Windowed, grounds: Grounds): Promise<void> {
  passing('before freeing')
  await reservation.void({ kind: 'never_signed', ...grounds })
  passing('freed')
}

/** Something of ours broke: nothing was signed, so nothing has to stay held. */
async function giveUp({ deps }: Case, windowed: Windowed): Promise<void> {
  try {
    await free(windowed, { code: 'internal_error', reason: 'The veto window could not be run.' })
  } catch (cause) {
    deps.events.faulted('freeing after a veto window that failed', cause)
    windowed.hold.release()
  }
}

/** Nobody waits any more: the window runs on by itself. Where the process stops, another one or the next repeat ends it. */
async function leave(matter: Case, watched: Watched): Promise<Unvetoed> {
  const { people, events } = matter.deps
  const { window, hold } = watched
  if (people.stopping.aborted) await free(watched, { code: 'approval_pending', reason: 'The proxy stopped while the veto window ran.' })
  else {
    hold.stepAside()
    void runOn(matter, watched).catch((fault: unknown) => {
      events.faulted('a veto window without its agent', fault)
      hold.release()
    })
  }
  passing('window left')
  return { kind: 'done', outcome: await pending(matter, window, { held: !people.stopping.aborted }) }
}

/** At its end the money is free again, and the window becomes a claim for one repeat (rule R16). */
async function runOn({ deps }: Case, watched: Watched): Promise<void> {
  const { approvals, stopping } = deps.people
  const window = await approvals.settled(watched.window.id, Number.MAX_SAFE_INTEGER, stopping)
  await voidIt(watched, window.state === 'vetoed' ? { code: 'vetoed', reason: vetoOf(window).detail } : LEFT)
  if (runs(window) && hasEnded(window, deps.clock.now())) await approvals.closeWindow(window.id, false)
  passing('window passed')
  // Only now, so that a repeat that joined it finds the claim.
  watched.hold.release()
}

const LEFT = { code: 'approval_pending', reason: 'The veto window ran out while nobody waited for the payment.' } as const

function runs({ kind, state }: Approval): boolean {
  return kind === 'veto' && state === 'pending'
}

/** False for one that has not started. */
export function hasEnded({ window, expiresAt }: Approval, now: number): boolean {
  return window !== null && window.startedAt !== null && now >= expiresAt
}
