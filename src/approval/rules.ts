/**
 * Rules: what may become of an approval. Pure: each function takes one as it stands and answers what it is from then on.
 * `version` moves on with every change, so that whoever stores it can compare and set: of two who change the same one, one
 * wins, and the other one decides again on what it finds.
 */
import type { Code } from '../errors.ts'
import { APPROVED_MIN_MS, PASSED_TTL_MS, WINDOW_APPROVAL_MS, WINDOW_START_MS } from '../limits.ts'
import { INBOX_START_MS, MIN_ESCALATION_MS } from '../people-limits.ts'
import type { Approval, Vote } from './approval.ts'

export type Ruling =
  | { readonly kind: 'changed'; readonly approval: Approval }
  /** It is already what it should be, or not yet what it takes. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly code: Code; readonly detail: string }

type Facts = Pick<Approval, 'id' | 'sessionId' | 'agent' | 'requester' | 'digest' | 'paymentId' | 'shown' | 'createdAt'>

const UNCHANGED: Ruling = { kind: 'unchanged' }

/** After how long without a decision one more person is told; undefined: never. */
type EscalateAfter = number | undefined

/** Asks `required` different people, who have until `timeout_ms` from now. */
export function openedApproval(
  facts: Facts,
  options: { readonly required: number; readonly timeout_ms: number; readonly escalateAfter_ms?: EscalateAfter },
): Approval {
  const { required, timeout_ms, escalateAfter_ms } = options
  const expiresAt = facts.createdAt + timeout_ms
  const escalateAt = nextEscalation({ now: facts.createdAt, expiresAt, escalateAfter_ms })
  return { ...facts, ...FRESH, kind: 'approval', required, expiresAt, escalateAt, window: null }
}

/** At the latest after half of the time that is left, so that whoever is told has as long as those before them had. */
function nextEscalation(
  times: Pick<Approval, 'expiresAt'> & { readonly now: number; readonly escalateAfter_ms: EscalateAfter },
): number | null {
  const { now, expiresAt, escalateAfter_ms } = times
  const half_ms = Math.floor((expiresAt - now) / 2)
  if (escalateAfter_ms === undefined || half_ms < MIN_ESCALATION_MS) return null
  return now + Math.min(escalateAfter_ms, half_ms)
}

/** A window that starts when somebody is known to have it before them; it is given up where that takes too long. */
export function openedWindow(facts: Facts, length_ms: number): Approval {
  const window = { length_ms, startedAt: null }
  return { ...facts, ...FRESH, kind: 'veto', required: 1, expiresAt: facts.createdAt + WINDOW_START_MS, window }
}

const FRESH = { state: 'pending', votes: [], noticedAt: null, escalateAt: null, decidedAt: null, usedAt: null, version: 1 } as const

/** Approved or passed, and not expired: the same request may have it. */
export function isClaimable({ state, expiresAt }: Approval, now: number): boolean {
  return (state === 'approved' || state === 'passed') && now < expiresAt
}

/** It can still become something else. */
export function isLive({ state }: Pick<Approval, 'state'>): boolean {
  return state === 'pending' || state === 'approved' || state === 'passed'
}

/** The window has run to its end; false for what is no window, and for one that has not started. */
export function hasEnded({ window }: Pick<Approval, 'window'>, now: number): boolean {
  return window !== null && window.startedAt !== null && now >= window.startedAt + window.length_ms
}

/** A payment rests on it from now on, and no other one ever. */
export function claimed(approval: Approval, now: number): Ruling {
  return isClaimable(approval, now) ? becomes(approval, { state: 'used', usedAt: now }) : UNCHANGED
}

/**
 * Gives a claim back on which nothing was reserved. Whoever holds another claim on it, told by `paymentId`, keeps theirs.
 * The next claim pays under `nextPaymentId`: a refusal may have been written under the present one.
 */
export function unclaimed(approval: Approval, ids: { readonly paymentId: string; readonly nextPaymentId: string }): Ruling {
  if (approval.state !== 'used' || approval.paymentId !== ids.paymentId) return UNCHANGED
  return becomes(approval, { state: approval.kind === 'veto' ? 'passed' : 'approved', paymentId: ids.nextPaymentId, usedAt: null })
}

/** Somebody has it before them: a window starts, once. */
export function noticed(approval: Approval, now: number): Ruling {
  if (approval.state !== 'pending' || approval.noticedAt !== null) return UNCHANGED
  const { window } = approval
  if (window === null) return becomes(approval, { noticedAt: now })
  return becomes(approval, { noticedAt: now, window: { ...window, startedAt: now }, expiresAt: now + window.length_ms })
}

/** There is nobody to tell of the window: it is given up soon, unless somebody reads it in the inbox first. */
export function unaddressed(approval: Approval, now: number): Ruling {
  if (approval.kind !== 'veto' || approval.state !== 'pending' || approval.noticedAt !== null) return UNCHANGED
  return becomes(approval, { expiresAt: now + INBOX_START_MS })
}

/**
 * The end of a window. Where its agent still waits the payment goes on now, else the same request may claim it for a
 * while, under `nextPaymentId`. Nothing happens before the end, or to what was decided otherwise: a veto wins.
 */
export function closed(
  approval: Approval,
  end: { readonly waiting: boolean; readonly nextPaymentId: string; readonly now: number },
): Ruling {
  const { waiting, nextPaymentId, now } = end
  if (approval.kind !== 'veto' || approval.state !== 'pending' || !hasEnded(approval, now)) return UNCHANGED
  if (waiting) return becomes(approval, { state: 'used', decidedAt: now, usedAt: now })
  return becomes(approval, { state: 'passed', paymentId: nextPaymentId, decidedAt: now, expiresAt: now + PASSED_TTL_MS })
}

const UNTOLD = 'Nobody could be told of its veto window, so silence does not pay it.'

/** Nobody can be told of the window, so that it would pass unseen: people have to say yes instead. */
export function unseen(
  approval: Approval,
  turn: { readonly nextPaymentId: string; readonly now: number; readonly escalateAfter_ms?: EscalateAfter },
): Ruling {
  if (approval.kind !== 'veto' || approval.state !== 'pending' || approval.noticedAt !== null) return UNCHANGED
  const { nextPaymentId, now, escalateAfter_ms } = turn
  const expiresAt = now + WINDOW_APPROVAL_MS
  const escalateAt = nextEscalation({ now, expiresAt, escalateAfter_ms })
  const shown = { ...approval.shown, reason: `${approval.shown.reason} ${UNTOLD}` }
  return becomes(approval, { kind: 'approval', window: null, shown, paymentId: nextPaymentId, expiresAt, escalateAt })
}

/** Nobody has decided for long: one more person is to be told now, by whoever makes this change. */
export function escalated(
  approval: Approval,
  { now, escalateAfter_ms }: { readonly now: number; readonly escalateAfter_ms?: EscalateAfter },
): Ruling {
  const { kind, state, escalateAt, expiresAt } = approval
  if (kind !== 'approval' || state !== 'pending' || escalateAt === null || now < escalateAt || now >= expiresAt) return UNCHANGED
  return becomes(approval, { escalateAt: nextEscalation({ now, expiresAt, escalateAfter_ms }) })
}

/** Its time is over: nobody decided, or nobody came for it. A window ends otherwise. */
export function expired(approval: Approval, now: number): Ruling {
  if (now < approval.expiresAt || !isLive(approval)) return UNCHANGED
  if (approval.kind === 'veto' && approval.state === 'pending') return UNCHANGED
  return becomes(approval, { state: 'expired', decidedAt: approval.decidedAt ?? now })
}

/** Its session ended, or the payment was given up. What a payment rests on stays. */
export function withdrawn(approval: Approval, now: number): Ruling {
  return isLive(approval) ? becomes(approval, { state: 'withdrawn', decidedAt: approval.decidedAt ?? now }) : UNCHANGED
}

/**
 * What a person said. One no is enough, also against a yes that nobody has come for yet; a yes counts once for each
 * person, and never for the requester. A person who asked for it in the agent’s name may still take that back.
 */
export function voted(approval: Approval, vote: Vote): Ruling {
  const { agent, requester } = approval
  if (sameName(vote.person, agent)) return refuse('forbidden', 'Whoever asks for a payment cannot decide on it.')
  const isOwn = requester !== undefined && sameName(vote.person, requester)
  if (isOwn && vote.verdict === 'approve')
    return refuse('forbidden', 'Whoever asks for a payment cannot approve it; another person has to.')
  if (!isLive(approval)) return refuse('conflict', `It is ${approval.state} already, and stays so.`)
  const over = expired(approval, vote.at)
  if (over.kind === 'changed') return refuse('conflict', `It expired at ${new Date(approval.expiresAt).toISOString()}.`)
  return vote.verdict === 'deny' ? against(approval, vote) : inFavour(approval, vote)
}

function against(approval: Approval, vote: Vote): Ruling {
  const state = approval.kind === 'veto' ? 'vetoed' : 'denied'
  return becomes(approval, { ...heard(approval, vote), state, decidedAt: vote.at })
}

function inFavour(approval: Approval, vote: Vote): Ruling {
  if (approval.kind === 'veto') return refuse('conflict', 'It is paid by itself at the end of its window, unless somebody denies it.')
  if (approval.state !== 'pending') return refuse('conflict', `It is ${approval.state} already.`)
  if (approval.votes.some(({ person }) => sameName(person, vote.person))) {
    return refuse('conflict', `${vote.person} has approved it already; it needs ${approval.required} different people.`)
  }
  const before = heard(approval, vote)
  if (before.votes.length < approval.required) return becomes(approval, before)
  const expiresAt = Math.max(approval.expiresAt, vote.at + APPROVED_MIN_MS)
  return becomes(approval, { ...before, state: 'approved', decidedAt: vote.at, expiresAt })
}

/** Whoever votes has it before them. */
function heard({ votes, noticedAt }: Approval, vote: Vote): Pick<Approval, 'votes' | 'noticedAt'> {
  return { votes: [...votes, vote], noticedAt: noticedAt ?? vote.at }
}

/** People type names. */
function sameName(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase()
}

function refuse(code: Code, detail: string): Ruling {
  return { kind: 'refused', code, detail }
}

function becomes(approval: Approval, change: Partial<Approval>): Ruling {
  return { kind: 'changed', approval: { ...approval, ...change, version: approval.version + 1 } }
}
