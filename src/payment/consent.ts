/**
 * Consent: people before the money (step 6b). A request claims what people agreed to, asks them, or hears what they said.
 * What was claimed is judged once more by the policy in force, and never overrides a refusal (guarantee G5).
 */
import type { Approval } from '../approval/approval.ts'
import type { Refusal } from '../errors.ts'
import { CLAIM_LOST_MS } from '../people-limits.ts'
import type { Quote } from '../rails/quote.ts'
import { aheadRowName } from '../session/ahead-row.ts'
import type { PaymentOutcome, Reask } from '../session/exchange.ts'
import { passing } from '../waypoints.ts'
import { attend } from './attend.ts'
import { barNow, budgetBar, lineageOf } from './bars.ts'
import type { Case } from './case.ts'
import { aheadDigestsOf, digestOf } from './digest.ts'
import { type Allowed, judge } from './judge.ts'
import { placeOf } from './place.ts'
import { freshen } from './reask.ts'
import { pending, refuse } from './refuse.ts'
import { busy } from './repeat.ts'
import { shownOf } from './shown.ts'
import { refuseAs, verdictOf } from './verdict.ts'
import { hasEnded } from './window.ts'

export type Consent =
  /** The money may be set aside; for a tier that notifies, a window runs on it unless `claim` is there. */
  | { readonly kind: 'given'; readonly judged: Allowed; readonly claim?: Approval }
  /** Something changed while people were asked: decide anew, on this. */
  | { readonly kind: 'again'; readonly matter: Case; readonly quote: Quote; readonly overtaken?: true }
  | { readonly kind: 'done'; readonly outcome: PaymentOutcome }

export interface Asking {
  readonly reask: Reask
  /** By the monotonic clock: since when the agent waits for people. */
  readonly since_ms: number
  /** Another requester has, or had, the same purchase in hand. */
  readonly underWay: boolean
  readonly keyed: boolean
  /** Once before, somebody else used what people agreed to while this request was on its way to it. */
  readonly overtaken: boolean
}

/** What people say to a payment that the policy allows, with or without them. */
export async function consentTo(judged: Allowed, asking: Asking): Promise<Consent> {
  const { decision, matter } = judged
  if (decision.kind === 'allow') return asking.underWay ? inProgress(matter) : { kind: 'given', judged }
  const claim = await claimFor(matter)
  if (claim) return useClaim(judged, claim)
  return (await joinEarlier(judged, asking)) ?? startAnew(judged, asking)
}

/** What was asked before for the same payment: its answer, its window that still runs, or the payment that rests on it. */
async function joinEarlier(judged: Allowed, asking: Asking): Promise<Consent | undefined> {
  const { matter, quote } = judged
  const { ledger, clock } = matter.deps
  const last = await lastOf(matter)
  const said = last && verdictOf(last, clock.now())
  if (last && said) return { kind: 'done', outcome: await refuseAs(matter, last, said) }
  if (last?.state === 'pending' && (await isToBeJoined(judged, last, asking))) return waitFor(judged, last, asking)
  const ahead = await joinAhead(judged, asking)
  if (ahead) return ahead
  if (last && (await isGivenBack(matter, last))) return { kind: 'again', matter, quote }
  if (asking.underWay) return inProgress(matter)
  if (!asking.keyed || last?.state !== 'used') return undefined
  // A keyed request is one purchase: whoever used the approval a moment ago may be buying it.
  if (!asking.overtaken) return { kind: 'again', matter, quote, overtaken: true }
  return (await ledger.payment(last.paymentId)) === undefined ? inProgress(matter) : undefined
}

/** People who were asked ahead for this payment are not asked once more: they are waited for, and their no is heard. */
async function joinAhead(judged: Allowed, asking: Asking): Promise<Consent | undefined> {
  const { matter, quote, decision } = judged
  if (decision.kind !== 'ask') return undefined
  for (const { sessionId, digest } of await aheadOf(matter)) {
    const ahead = await newestOf(matter, sessionId, digest)
    if (!ahead) continue
    const said = verdictOf(ahead, matter.deps.clock.now())
    if (said) return { kind: 'done', outcome: await refuseAs(matter, ahead, said) }
    if (ahead.state === 'pending' && ahead.required >= decision.approvers) return waitFor(judged, ahead, asking)
    if (await isGivenBack(matter, ahead)) return { kind: 'again', matter, quote }
  }
  return undefined
}

/** What somebody claimed and died with, before anything was reserved on it: people are not asked for it once more. */
async function isGivenBack({ deps }: Case, { state, usedAt, id, paymentId }: Approval): Promise<boolean> {
  if (state !== 'used' || usedAt === null || deps.clock.now() < usedAt + CLAIM_LOST_MS) return false
  if (await deps.ledger.payment(paymentId)) return false
  await deps.people.approvals.unclaim({ id, paymentId })
  return true
}

async function startAnew(judged: Allowed, asking: Asking): Promise<Consent> {
  const { matter, decision } = judged
  const bar = await barToAsking(matter)
  if (bar) return { kind: 'done', outcome: await refuse(matter, bar) }
  return decision.kind === 'notify' ? { kind: 'given', judged } : askPeople(judged, asking)
}

/** People are not asked for what could not be paid anyway. */
async function barToAsking(matter: Case): Promise<Refusal | undefined> {
  const { deps, request, quote } = matter
  const bar = (await barNow(matter)) ?? deps.guards.circuit.bar(placeOf(request.url).origin)
  if (bar || !quote) return bar
  // What a voucher is paid from was set aside with the deposit.
  if (quote.offer.method === 'voucher') return undefined
  const session = (await deps.ledger.session(request.session.id)) ?? request.session
  return (await lineageOf(deps.ledger, session))
    .map((one) => budgetBar(one, quote.amount, deps.clock.now()))
    .find((found) => found !== undefined)
}

/** What people agreed to for exactly this payment, or ahead for what it is. */
async function claimFor(matter: Case): Promise<Approval | undefined> {
  const { approvals } = matter.deps.people
  const { id } = matter.request.session
  const exact = await approvals.claim(id, digestOf(matter))
  if (exact) return exact
  for (const { sessionId, digest } of await aheadOf(matter)) {
    const claim = await approvals.claim(sessionId, digest)
    if (claim) return claim
  }
  return undefined
}

/** Where people may have been asked ahead for this payment: in its own session, and in its agent's row. */
async function aheadOf(matter: Case): Promise<readonly Pick<Approval, 'sessionId' | 'digest'>[]> {
  const { deps, request } = matter
  const { id, agent } = request.session
  const row = await deps.ledger.sessionByName(aheadRowName(agent, deps.clock.now()))
  const sessions = row ? [id, row.id] : [id]
  return sessions.flatMap((sessionId) => aheadDigestsOf(matter, sessionId).map((digest) => ({ sessionId, digest })))
}

async function inProgress(matter: Case): Promise<Consent> {
  return { kind: 'done', outcome: await refuse(matter, busy('in_progress')) }
}

/** The newest approval of exactly this payment, whatever has become of it. */
function lastOf(matter: Case): Promise<Approval | undefined> {
  return newestOf(matter, matter.request.session.id, digestOf(matter))
}

async function newestOf({ deps }: Case, session: string, digest: string): Promise<Approval | undefined> {
  const { items } = await deps.people.approvals.approvals({ session, digest }, { limit: 1 })
  return items.find((approval) => approval.digest === digest)
}

/** The policy in force decides once more, now that the claim is ours. */
async function useClaim({ matter, quote }: Allowed, claim: Approval): Promise<Consent> {
  const { approvals } = matter.deps.people
  passing('approval claimed')
  const judged = await orGiveBack(matter, claim, () => judge({ ...matter, approval: claim }, quote))
  if (judged.kind === 'refused') {
    await approvals.unclaim(claim)
    return { kind: 'done', outcome: await refuse(judged.matter, judged.refusal) }
  }
  if (covers(claim, judged)) return { kind: 'given', judged, claim }
  // The policy wants more than was given: this one can never be used any more.
  await approvals.unclaim(claim)
  await approvals.withdraw(claim.id)
  return { kind: 'again', matter, quote }
}

/** Runs what comes before anything is signed; where it faults, what people agreed to is given back. */
export async function orGiveBack<T>(matter: Case, claim: Approval | undefined, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (fault) {
    await giveBack(matter, claim)
    throw fault
  }
}

/** Nothing was signed on it. Where the ledger cannot be written it stays used, and people are asked anew. */
export async function giveBack({ deps }: Case, claim: Approval | undefined): Promise<void> {
  if (!claim) return
  await deps.people.approvals.unclaim(claim).catch((cause: unknown) => deps.events.faulted('giving back an approval', cause))
}

/** Whether what people gave is what the policy in force asks for. */
function covers({ kind, votes, window }: Approval, { decision }: Allowed): boolean {
  switch (decision.kind) {
    case 'allow':
      return true
    case 'notify':
      return kind === 'approval' || (window !== null && window.length_ms >= decision.vetoWindow_ms)
    case 'ask':
      return kind === 'approval' && new Set(votes.map(({ person }) => person.toLowerCase())).size >= decision.approvers
  }
}

/** A window belongs to its requester as long as one waits; what nobody waits for is joined. An approval is, by all. */
async function isToBeJoined({ matter, decision }: Allowed, { kind, paymentId }: Approval, { underWay }: Asking): Promise<boolean> {
  if (kind === 'approval') return decision.kind === 'notify'
  if (decision.kind !== 'notify') return false
  return underWay || (await matter.deps.ledger.payment(paymentId))?.state !== 'reserved'
}

/** A window that nobody waited for, at its end. Whoever runs it frees its money first; of one that died, nothing is left to free. */
async function endLeft({ deps }: Case, window: Approval, signal: AbortSignal): Promise<Approval> {
  const { people, ledger, clock, inFlight } = deps
  if (window.state !== 'pending' || !hasEnded(window, clock.now())) return window
  const payment = await ledger.payment(window.paymentId)
  if (payment?.state !== 'reserved') return people.approvals.closeWindow(window.id, false)
  await inFlight.settledAside(payment.purchaseId ?? '', signal)
  return people.approvals.settled(window.id, 0, signal)
}

async function askPeople(judged: Allowed, asking: Asking): Promise<Consent> {
  const { matter, decision } = judged
  const { people, clock } = matter.deps
  const { session } = matter.request
  if (decision.kind !== 'ask') throw new Error(`tier ${decision.tier} asks nobody`)
  const timeout_ms = Math.min(decision.timeout_ms, session.expiresAt - clock.now())
  const shown = await shownOf(judged)
  const asked = await people.approvals.ask({ sessionId: session.id, agent: session.agent, shown, required: decision.approvers, timeout_ms })
  passing('people asked')
  return waitFor(judged, asked, asking)
}

/** As long as the agent may wait; then it is told what people said, or that they have not. */
async function waitFor({ matter, quote }: Allowed, approval: Approval, asking: Asking): Promise<Consent> {
  const heard = await hear(matter, approval, asking)
  if ('code' in heard) return { kind: 'done', outcome: await refuse(matter, heard) }
  const said = verdictOf(heard, matter.deps.clock.now())
  if (said) return { kind: 'done', outcome: await refuseAs(matter, heard, said) }
  const undecided = heard.state === 'pending' && heard.kind === approval.kind
  if (undecided) return { kind: 'done', outcome: await pending(matter, heard, { held: false }) }
  const fresh = await freshen(matter, { quote, reask: asking.reask })
  if (fresh.kind === 'refused') return { kind: 'done', outcome: await refuse(fresh.matter, fresh.refusal) }
  return { kind: 'again', matter: fresh.matter, quote: fresh.quote }
}

/** What has become of it when people have decided, when the agent may wait no longer, or when something bars the payment. */
async function hear(matter: Case, approval: Approval, { since_ms }: Asking): Promise<Approval | Refusal> {
  const { people, clock, phases } = matter.deps
  const started = clock.monotonic()
  const attendance = await attend(matter)
  try {
    const left = since_ms + (approval.kind === 'veto' ? people.vetoHold_ms : people.hold_ms) - started
    const settled = await phases.time('approve', () => people.approvals.settled(approval.id, Math.max(0, left), attendance.signal))
    passing('people heard')
    return (await attendance.bar()) ?? (settled.kind === 'veto' ? await endLeft(matter, settled, attendance.signal) : settled)
  } finally {
    attendance.end()
  }
}
