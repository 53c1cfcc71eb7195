/** A payment's row as the ledger works on it, and which of its columns never change. */
import type { SQLInputValue } from 'node:sqlite'
import { type PaymentRecord, readRecord } from '../payment-row.ts'
import { type Holding, readHolding } from '../purchase-row.ts'
import { flag, maybeInt, maybeText, type Row } from '../rows.ts'

/** What nobody outside the ledger sees of a payment, beside its record. */
export interface PaymentEntry extends PaymentRecord, Holding {
  readonly fingerprint: string | null
  readonly keyDigest: string | null
  /** A request may repeat its purchase. */
  readonly open: boolean
  /** From when on it is to be looked into; null for never. */
  readonly checkAt: number | null
  readonly resolverRun: string | null
  readonly resolverUntil: number | null
  /** The kind of resource that its price is compared within. */
  readonly priceKey: string | null
}

export function readEntry(row: Row): PaymentEntry {
  return {
    ...readRecord(row),
    ...readHolding(row),
    fingerprint: maybeText(row, 'fingerprint'),
    keyDigest: maybeText(row, 'key_digest'),
    open: flag(row, 'purchase_open'),
    checkAt: maybeInt(row, 'check_at'),
    resolverRun: maybeText(row, 'resolver_run'),
    resolverUntil: maybeInt(row, 'resolver_until'),
    priceKey: maybeText(row, 'price_key'),
  }
}

/** What of a row can change, in the order of `MOVING`. */
export type Moving = readonly SQLInputValue[]

export const FIXED = (
  'seq id run_id purchase_id fingerprint key_digest nonce reused_nonce replaces charges reserved_at session_id agent request_id method url origin ' +
  'host challenge_digest tool task user justification tier rule reason policy_version would_be context categories trust ' +
  'challenged_at decided_at rail protocol_version scheme network asset_symbol asset_address asset_decimals ' +
  'currency pay_to payer flow price_key'
).split(' ')

/** In the order of `movingOf`. */
export const MOVING = (
  'replaced_by purchase_open holder holder_run lease_until state code valid_before headers signature tx settlement evidence block denied ' +
  'dispute refunded check_at resolver_run resolver_until delivered delivery concluded signed_at sent_at concluded_at ' +
  'delivered_at reopened_at count amount_atomic amount'
).split(' ')

export function movingOf(entry: PaymentEntry): Moving {
  const { payment, authorization } = entry
  return [
    payment.replacedBy,
    entry.open ? 1 : 0,
    entry.holder,
    entry.holderRun,
    entry.leaseUntil,
    payment.state,
    payment.code,
    payment.validBefore_s,
    authorization ? JSON.stringify(authorization.headers) : null,
    entry.signature,
    payment.transaction,
    payment.settlement,
    payment.evidence,
    payment.block,
    entry.denied ? 1 : 0,
    payment.dispute,
    payment.refunded,
    entry.checkAt,
    entry.resolverRun,
    entry.resolverUntil,
    payment.delivered ? 1 : 0,
    payment.delivery && JSON.stringify(payment.delivery),
    entry.concluded ? 1 : 0,
    payment.signedAt,
    payment.sentAt,
    payment.concludedAt,
    payment.deliveredAt,
    entry.reopenedAt,
    payment.count,
    payment.terms ? payment.terms.amountAtomic.toString() : null,
    payment.terms ? payment.terms.amount.toString() : null,
  ]
}
