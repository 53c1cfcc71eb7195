/** A purchase in its payment's row: who works on it now, and until when a request repeats it. */
import { KEYED_PURCHASE_TTL_MS, UNDELIVERED_TTL_MS } from '../limits.ts'
import { type PaymentRecord, readRecord } from './payment-row.ts'
import { maybeInt, maybeText, type Row, text, word } from './rows.ts'

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

/** Who reads the row, and when: a lease ends by time, and with its run. */
export interface Onlooker {
  readonly runId: string
  /** Milliseconds since 1970. */
  readonly now: number
  /** False for a run that has ended. */
  readonly alive: (runId: string) => boolean
}

export function readPurchase(row: Row, onlooker: Onlooker): Purchase {
  const holder = readHolder(row, onlooker)
  return {
    id: text(row, 'purchase_id'),
    fingerprint: text(row, 'fingerprint'),
    keyed: maybeText(row, 'key_digest') !== null,
    holder,
    elsewhere: holder !== 'none' && maybeText(row, 'holder_run') !== onlooker.runId,
    record: readRecord(row),
  }
}

/** Reads `holder`, `holder_run` and `lease_until`: what a run that has ended held, or beyond its lease, is nobody's. */
export function readHolder(row: Row, { now, alive }: Onlooker): Holder {
  const run = maybeText(row, 'holder_run')
  const until = maybeInt(row, 'lease_until')
  if (run === null || until === null || now >= until || !alive(run)) return 'none'
  return word(row, 'holder', ['live', 'orphan', 'none'])
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
