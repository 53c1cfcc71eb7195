/**
 * Retention: what is old and final leaves the hot tables for files, oldest first, and is never deleted. This is what a
 * store does for it; the files and the pass are in `archive/`.
 *
 * segment: entries that left together, one stretch of one file, written down here in the transaction that takes them out
 * of their table. What a file has beyond its segments was never handed over and is still in the tables.
 */
import { createHash } from 'node:crypto'
import type { Receipt } from '../audit/receipt.ts'
import type { Session } from '../session/session.ts'
import type { Payment } from './ledger.ts'

export type SegmentKind = 'receipts' | 'payments'

export interface Segment {
  /** Gap-free from 1, both kinds together. */
  readonly number: number
  readonly kind: SegmentKind
  /** Name within the archive's folder. */
  readonly file: string
  /** Where it begins in the file, and how long it is there; bytes. */
  readonly start: number
  readonly bytes: number
  /** SHA-256 of these bytes, hex. */
  readonly hash: string
  readonly entries: number
  /** Places in the order of writing. */
  readonly first: bigint
  readonly last: bigint
  /** When receipts were written and payments decided; milliseconds since 1970. */
  readonly oldest: number
  readonly newest: number
}

/** A segment, under which names it is found, and what leaves with it. */
export interface Handover {
  readonly segment: Segment
  /** `nameOf` the payments and sessions in it, each once. */
  readonly names: readonly bigint[]
  readonly leaving: { readonly receipts: readonly PlaceOf[] } | { readonly payments: readonly Pick<Payment, 'id' | 'sessionId'>[] }
}

/** Where a receipt stands, and whose it is. */
export interface PlaceOf {
  readonly place: bigint
  readonly paymentId: string
}

export interface OldPayment {
  readonly place: bigint
  readonly payment: Payment
  /** Some of its receipts are still in their table. */
  readonly hasReceipts: boolean
}

export interface SegmentQuery {
  readonly kind: SegmentKind
  /** Only those with a lower number. */
  readonly below: number
  /** Only those that may have something between these times; milliseconds since 1970, `until` is not part of it. */
  readonly since?: number
  readonly until?: number
  /** Only those under this name. */
  readonly name?: bigint
  /** Only those between whose first and last place this one is. */
  readonly place?: bigint
  readonly limit: number
}

/** Every method rejects with PurserError `ledger_unavailable` where the store cannot be read or written. */
export interface RetentionStore {
  /** Until then (milliseconds since 1970) only this run hands over; false where another one does. */
  hold(until: number): Promise<boolean>
  /** Oldest first. Fewer than `limit`: the last one is the newest there is. */
  paymentsBehind(place: bigint, limit: number): Promise<readonly OldPayment[]>
  /**
   * Writes the segment down and takes out what leaves, in one transaction. False, and nothing is changed, where this run
   * does not hold it any more, the number is taken, or something of it is not there as it was.
   */
  handOver(handover: Handover): Promise<boolean>
  /** The number of the newest segment; 0 where there is none. */
  newest(): Promise<number>
  /** By number, rising. */
  segmentsAfter(number: number, limit: number): Promise<readonly Segment[]>
  /** By number, falling. */
  segments(query: SegmentQuery): Promise<readonly Segment[]>
}

/** What has left, for whoever verifies the chains. */
export interface Past {
  /** All receipts that have left, oldest first. @throws ArchiveFault where a segment is not as it was written. */
  receipts(): AsyncIterable<Receipt>
}

/** A file of the archive is missing, or is not what was handed over to it. */
export class ArchiveFault extends Error {
  override readonly name = 'ArchiveFault'
  readonly segment: Segment
  constructor(segment: Segment, why: string, cause?: unknown) {
    super(`the archive file ${segment.file} ${why}`, { cause })
    this.segment = segment
  }
}

/** The row that says who hands over. */
export const HOLDER_KEY = 'retention'

const NAME_BYTES = 6

/** What a payment or a session is looked up by: short, so that the table of names stays small. Two may share one. */
export function nameOf(id: string): bigint {
  return BigInt(createHash('sha256').update(id).digest().readUIntBE(0, NAME_BYTES))
}

export interface Leave {
  /** Milliseconds since 1970: what is not older stays. */
  readonly before: number
  /** Networks (CAIP-2) whose chain can be asked. */
  readonly confirmable: ReadonlySet<string>
}

/**
 * Whether the payment may leave: it is over, nobody owes or disputes anything, nothing came back that has to be counted
 * on, no chain will say more, and its session can pay no more, so that no limit, drift, task or repeat looks at it.
 */
export function mayLeave(
  payment: Payment,
  { session, before, confirmable }: Leave & { readonly session: Pick<Session, 'status' | 'expiresAt'> | undefined },
): boolean {
  const { decidedAt, state, dispute, refunded, terms } = payment
  if (decidedAt >= before || !session || !hasEnded(session, before)) return false
  if (state === 'denied' || state === 'void') return dispute === null && refunded === 0n
  if (state !== 'settled' || !payment.delivered || dispute !== null || refunded > 0n) return false
  // What is left of a deposit may come back yet; a voucher is on no chain.
  if (terms?.method === 'deposit') return false
  return payment.evidence !== 'claimed' || terms?.method === 'voucher' || !confirmable.has(terms?.network ?? '')
}

function hasEnded({ status, expiresAt }: Pick<Session, 'status' | 'expiresAt'>, before: number): boolean {
  return status !== 'open' || expiresAt < before
}
