/**
 * What receivers were told of the receipts: how far, in the order in which they were written. The place and what is
 * queued move in one transaction, so that nothing is left out or queued twice, whoever dies when.
 */
import type { Notice } from '../approval/approval.ts'
import type { Receipt } from '../audit/receipt.ts'

/** A receipt with its place in the order of writing, over all sessions. */
export interface PlacedReceipt {
  readonly place: bigint
  readonly receipt: Receipt
}

/** One step of a receiver: from where it stood to where it stands then, and what is queued with it. */
export interface Telling {
  readonly receiver: string
  /** Undefined: it was told of nothing yet. */
  readonly from: bigint | undefined
  readonly to: bigint
  readonly notices: readonly Notice[]
}

/** Every method rejects with PurserError `ledger_unavailable` where the store cannot be read or written. */
export interface ToldStore {
  /** Up to here no receipt is to come any more, though transactions may end in another order; `known` where nothing is behind it. */
  settledPlace(known: bigint): Promise<bigint>
  /** Oldest first, behind `after` and up to `upTo`, which has to be settled. */
  receiptsBetween(span: { readonly after: bigint; readonly upTo: bigint; readonly limit: number }): Promise<readonly PlacedReceipt[]>
  /** How far it was told; undefined where it never was. */
  toldUpTo(receiver: string): Promise<bigint | undefined>
  /** How many notices to this address wait to be delivered. */
  waitingFor(target: string): Promise<number>
  /** By compare-and-set: false where it stands elsewhere, because another process was faster, and then nothing is queued. */
  tell(telling: Telling): Promise<boolean>
}

/** The row that keeps it. */
export function toldKey(receiver: string): string {
  return `told:${receiver}`
}
