/** A purchase in its payment's row: who works on it now, and until when a request repeats it. */
import { KEYED_PURCHASE_TTL_MS, UNDELIVERED_TTL_MS } from '../limits.ts'
import { type PaymentRecord, readRecord } from './payment-row.ts'
import { maybeInt, maybeText, type Row, word } from './rows.ts'

/**
 * `live`: its requester waits. `orphan`: the requester is gone and the attempt still runs. `none`: nobody works on it,
 * so that the next identical request may take it over.
 */
export type Holder = 'live' | 'orphan' | 'none'

/** A purchase that is open. It has exactly one payment and stands in its row. */
export interface Purchase {
  readonly id: string
  readonly fingerprint: string
  readonly keyed: boolean
  readonly holder: Holder
  /** Another living run works on it. */
  readonly elsewhere: boolean
  readonly record: PaymentRecord
}

/** Who took the purchase last, until when. */
export interface Holding {
  readonly holder: Holder
  readonly holderRun: string | null
  /** Milliseconds since 1970. */
  readonly leaseUntil: number | null
}

/** Who reads the row, and when: a lease ends by time, and with its run. */
export interface Onlooker {
  readonly runId: string
  /** Milliseconds since 1970. */
  readonly now: number
  /** False for a run that has ended. */
  readonly alive: (runId: string) => boolean
}

export function readPurchase(row: Row, onlooker: Onlooker): Purchase {
  const named = { fingerprint: maybeText(row, 'fingerprint'), keyDigest: maybeText(row, 'key_digest') }
  return purchaseOf({ ...readRecord(row), ...readHolding(row), ...named }, onlooker)
}

/** What a purchase is made from: its payment, who took it, and what requests repeat it by. */
export type PurchaseParts = PaymentRecord & Holding & { readonly fingerprint: string | null; readonly keyDigest: string | null }

/** @throws Error for a payment without a purchase. */
export function purchaseOf(parts: PurchaseParts, onlooker: Onlooker): Purchase {
  const { payment, fingerprint, keyDigest } = parts
  if (payment.purchaseId === null || fingerprint === null) throw new Error(`payment ${payment.id} has no purchase`)
  const holder = holderOf(parts, onlooker)
  const elsewhere = holder !== 'none' && parts.holderRun !== onlooker.runId
  return { id: payment.purchaseId, fingerprint, keyed: keyDigest !== null, holder, elsewhere, record: parts }
}

/** Reads `holder`, `holder_run` and `lease_until`: what a run that has ended held, or beyond its lease, is nobody's. */
export function readHolder(row: Row, onlooker: Onlooker): Holder {
  return holderOf(readHolding(row), onlooker)
}

export function readHolding(row: Row): Holding {
  return {
    holder: word(row, 'holder', ['live', 'orphan', 'none']),
    holderRun: maybeText(row, 'holder_run'),
    leaseUntil: maybeInt(row, 'lease_until'),
  }
}

/** Who works on it as far as the onlooker can tell. */
export function holderOf({ holder, holderRun, leaseUntil }: Holding, { now, alive }: Onlooker): Holder {
  return holderRun === null || leaseUntil === null || now >= leaseUntil || !alive(holderRun) ? 'none' : holder
}

/** Of these, one that lasts and that another run works on, or signed and let go since this one looked whether any is open. */
export function takenElsewhere(purchases: readonly Purchase[], { runId, now }: Pick<Onlooker, 'runId' | 'now'>): string | undefined {
  const left = ({ holder, record }: Purchase) => holder === 'none' && record.runId !== runId && record.payment.state !== 'reserved'
  return purchases.find((purchase) => (purchase.elsewhere || left(purchase)) && lasts(purchase, now))?.id
}

/** True while a request repeats this purchase. */
export function lasts({ keyed, record }: Purchase, now: number): boolean {
  return now < endOf(keyed, record)
}

/** While money may move or was not delivered for, and keyed ones for a day. */
function endOf(keyed: boolean, { payment, reopenedAt }: PaymentRecord): number {
  const { state, delivered, deliveredAt, concludedAt } = payment
  if (delivered) return keyed ? (deliveredAt ?? 0) + KEYED_PURCHASE_TTL_MS : 0
  switch (state) {
    case 'settled':
    case 'expired':
      return Math.max(concludedAt ?? 0, reopenedAt ?? 0) + (keyed ? KEYED_PURCHASE_TTL_MS : UNDELIVERED_TTL_MS)
    case 'void':
    case 'denied':
      return 0
    default:
      return Number.POSITIVE_INFINITY
  }
}
