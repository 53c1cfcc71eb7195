/** Signing: a window of our own, the offer that was decided, the ledger's nonce; and the journal, before anything leaves. */
import { PurserError, type Refusal } from '../errors.ts'
import type { Reservation } from '../ledger/ledger.ts'
import { MAX_WINDOW_S, MIN_WINDOW_S } from '../limits.ts'
import type { Quote } from '../rails/quote.ts'
import type { Anchor, Authorization } from '../rails/rail.ts'
import { identifierOf } from '../rails/x402/extensions/identifier.ts'
import type { Wallet } from '../wallet/wallet.ts'
import { passing } from '../waypoints.ts'
import type { Case } from './case.ts'
import { vouch } from './channels/vouch.ts'
import { aheadDigestsOf, digestOf } from './digest.ts'
import { presignedWindow } from './presigned.ts'
import { allowanceNonceFor } from './sponsoring.ts'

/** Clocks differ: facilitators and chains must not take a fresh authorization for one of the future. */
const BACKDATED_S = 600

export type Signed =
  | { readonly kind: 'signed'; readonly authorization: SignedAuthorization }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

export interface SignedAuthorization extends Authorization {
  /** By the monotonic clock: when the window closes, whatever the wall clock does. */
  readonly closesAt_monotonic: number
}

/** How long an authorization lives, in seconds: what the server asks for, within our own bounds. */
export function windowOf(asked_s: number): number {
  return Math.min(Math.max(asked_s, MIN_WINDOW_S), MAX_WINDOW_S)
}

/** Signs for at most `longest_s` seconds, and journals. Where either fails nothing has left, and the reservation is freed. */
export async function authorize(matter: Case, reservation: Reservation, longest_s = MAX_WINDOW_S): Promise<Signed> {
  try {
    passing('before signing')
    const authorization = await matter.deps.phases.time('sign', () => sign(matter, reservation, longest_s))
    passing('signed')
    await reservation.record(authorization)
    passing('recorded')
    return { kind: 'signed', authorization }
  } catch (fault) {
    return { kind: 'refused', refusal: await giveUp(matter, reservation, fault) }
  }
}

async function sign(matter: Case, reservation: Reservation, longest_s: number): Promise<SignedAuthorization> {
  const { deps, quote, challenge, rail, request } = matter
  if (!quote) throw new Error('nothing is signed that was not quoted')
  checkApproved(matter)
  const bar = deps.clockBar(quote.offer.network)
  if (bar) throw new PurserError(bar)
  checkBody(matter, quote)
  const anchor = await anchorOn(deps, quote.offer.network)
  const channel = await vouch(matter, reservation)
  const allowanceNonce = await allowanceNonceFor(matter)
  const wallet = deps.wallet.forPayment ? await walletFor(matter, reservation, deps.wallet.forPayment) : deps.wallet
  const started_monotonic = deps.clock.monotonic()
  const now_s = Math.floor(deps.clock.now() / 1000)
  const window_s = Math.min(windowOf(quote.offer.askedWindow_s), longest_s, untilEnd(quote, now_s))
  const own = { validAfter_s: now_s - BACKDATED_S, validBefore_s: now_s + window_s }
  const window = presignedWindow(deps.wallet, quote, { nonce: reservation.nonce, now_s }) ?? own
  const closesAt_monotonic = started_monotonic + (window.validBefore_s - now_s) * 1000
  const authorization = await rail.authorize(
    {
      challenge,
      offer: matter.through?.offer ?? quote.offer,
      nonce: reservation.nonce,
      identifier: identifierOf(reservation.purchaseId),
      ...window,
      walletName: request.session.wallet,
      ...(anchor && { anchor }),
      ...(channel && { channel }),
      ...(allowanceNonce !== undefined && { allowanceNonce }),
    },
    wallet,
  )
  return { ...authorization, closesAt_monotonic }
}

/** Where transactions live by the network's blocks, which only our own server is believed about. */
async function anchorOn({ recentBlock, events }: Case['deps'], network: string): Promise<Anchor | undefined> {
  if (!network.startsWith('solana:')) return undefined
  try {
    return await recentBlock?.(network)
  } catch (fault) {
    events.faulted('recent block', fault)
    const detail = `The RPC of ${network} gives no recent block, without which nothing can be signed there. Nothing was paid.`
    throw new PurserError({ code: 'internal_error', detail })
  }
}

/** A key in another process takes two commits (rule R6): it remembers what it signed, so the ledger must not forget it. */
async function walletFor(
  { request, deps }: Case,
  reservation: Reservation,
  forPayment: NonNullable<Wallet['forPayment']>,
): Promise<Wallet> {
  await reservation.durable()
  const { solana } = deps.wallet
  return { ...forPayment({ sessionId: request.session.id, paymentId: reservation.paymentId }), ...(solana && { solana }) }
}

/** Guarantee G5: what people agreed to is what is signed; its digest is made once more from what is about to be. */
function checkApproved(matter: Case): void {
  const { approval, request } = matter
  if (!approval) return
  const isOwn = approval.agent === request.session.agent
  if (isOwn && [digestOf(matter), ...aheadDigestsOf(matter, approval.sessionId)].includes(approval.digest)) return
  throw new PurserError({
    code: 'conflict',
    detail: `What would be signed is not what approval ${approval.id} is for. Nothing was signed.`,
  })
}

/** How long the challenge still lives, in seconds. */
function untilEnd({ offer: { expires_s } }: Quote, now_s: number): number {
  if (expires_s === undefined) return MAX_WINDOW_S
  const left_s = expires_s - now_s
  if (left_s >= MIN_WINDOW_S) return left_s
  throw new PurserError({
    code: 'challenge_invalid',
    detail: `The challenge ${left_s > 0 ? `ends in ${left_s} s` : 'has ended'}, too soon to pay for it. Nothing was signed.`,
    nextAction: 'Repeat the same request: the upstream then asks with a fresh challenge.',
  })
}

/** A challenge may be for one body only; the one that goes along is ours to compare. */
function checkBody({ body }: Case, { offer: { bodyDigest } }: Quote): void {
  if (bodyDigest === undefined || bodyDigest === body?.digest) return
  throw new PurserError({ code: 'challenge_invalid', detail: 'The challenge is for another request body. Nothing was signed.' })
}

async function giveUp(matter: Case, reservation: Reservation, fault: unknown): Promise<Refusal> {
  const { events } = matter.deps
  const known = fault instanceof PurserError
  if (!known) events.faulted('authorize', fault)
  const refusal: Refusal = known ? fault.refusal : { code: 'internal_error', detail: 'The payment could not be signed. Nothing was sent.' }
  try {
    await reservation.void({ kind: 'never_sent', reason: 'Signing or journalling failed before any byte left.', code: refusal.code })
  } catch (cause) {
    events.faulted('void after failed authorization', cause)
  }
  return { ...refusal, paymentId: reservation.paymentId, moneyState: 'none' }
}
