/** Step 7: the money is set aside under a fresh name, or under the name that an approval promised. */
import type { Approval } from '../approval/approval.ts'
import type { PurchaseIdentity, Reservation, ReserveResult } from '../ledger/ledger.ts'
import { CLAIM_TTL_MS } from '../people-limits.ts'
import type { Hex } from '../wallet/wallet.ts'
import { passing } from '../waypoints.ts'
import { windowOf } from './authorize.ts'
import type { Cover } from './balance.ts'
import { nonceThrough } from './channels/vouch.ts'
import { identified } from './evidence.ts'
import type { Running } from './in-flight.ts'
import type { Allowed } from './judge.ts'
import { presignedFor, reservePresigned } from './presigned.ts'
import { nameOf, nonceOf } from './purchase.ts'

export interface Reservable {
  readonly purchase: PurchaseIdentity
  /** What people agreed to: the payment has its id, and is made before it expires. */
  readonly claim?: Approval
  /** What is out for the same purchase, and whose place it takes. */
  readonly replaces?: Reservation
  /** What the wallet covers it with. */
  readonly cover: Cover
}

export interface Tried {
  readonly reserved: ReserveResult
  /** Has ended already where nothing was reserved. */
  readonly running: Running
}

/** In flight from before others can see the reservation, so that whoever finds it has something to wait for. */
export async function reserve(
  { matter, attempt, pin, decision, quote }: Allowed,
  { purchase, claim, cover, replaces }: Reservable,
): Promise<Tried> {
  const { ids, ledger, nonceSecret, inFlight, phases } = matter.deps
  const purchaseId = ids('pur')
  const { through } = matter
  const inChannel = nonceThrough(nonceSecret, through, { payer: attempt.terms.payer, purchaseId })
  const named = replaces ? undefined : matter.rail.nonceOf?.(quote.offer)
  const request = {
    ...{
      purchase,
      purchaseId,
      nonce: replaces?.nonce ?? named ?? inChannel ?? nonceOf(nonceSecret, purchaseId),
      attempt: identified(attempt, { challenge: matter.challenge, purchaseId }),
      frequency: decision.frequency ?? null,
      pin,
    },
    ...(replaces && { replaces: replaces.paymentId }),
    ...(named && { challengeNonce: true }),
    ...(through?.deposit !== undefined && { counts: through.counts }),
    ...(claim ? { paymentId: claim.paymentId, notAfter: endOf(claim) } : { paymentId: ids('pay') }),
  }
  const running = inFlight.begin(purchaseId, { name: nameOf(purchase), signal: matter.request.signal })
  let reserved: ReserveResult | undefined
  try {
    passing('before reserving')
    const presigned = presignedFor(matter.deps.wallet, quote.offer)
    const needed = presigned && { presigned, quote, window_s: windowOf(quote.offer.askedWindow_s) }
    const under = (nonce: Hex) => ledger.reserve({ ...request, nonce, presigned: true })
    reserved = await phases.time('reserve', () => (needed ? reservePresigned(matter, needed, under) : ledger.reserve(request)))
    passing('reserved')
    return { reserved, running }
  } finally {
    if (reserved?.kind === 'reserved') cover.reserved()
    else {
      running.end()
      cover.release()
    }
  }
}

/** A claim that nothing came of for long is given to another one. */
function endOf({ expiresAt, usedAt }: Approval): number {
  return usedAt === null ? expiresAt : Math.min(expiresAt, usedAt + CLAIM_TTL_MS)
}
