/** Receipts in the working set: new entries, and the head of a chain, which stands in its session's row. */
import { type ChainHead, EMPTY_CHAIN, type Linked } from '../../audit/chain.ts'
import type { ReceiptKind } from '../../audit/receipt.ts'
import type { Ids } from '../../clock.ts'
import { int, text } from '../rows.ts'
import type { ReceiptTable, Transaction } from '../tables.ts'
import type { WorkingSet } from './working-set.ts'

export class Receipts implements ReceiptTable {
  readonly #set: WorkingSet
  readonly #ids: Ids

  constructor(set: WorkingSet, ids: Ids) {
    this.#set = set
    this.#ids = ids
  }

  head(sessionId: string): ChainHead {
    const row = this.#set.row('session', sessionId)
    return row ? { number: int(row, 'chain_number'), hash: text(row, 'chain_hash') } : EMPTY_CHAIN
  }

  /** An id ends in its entry's place in the order of writing, so that it is found without an index over random ids. */
  nextId(): string {
    const seq = this.#set.place('receipts')
    return `${this.#ids('rcp')}-${seq.toString(36)}`
  }

  insert(tx: Transaction, { receipt, text: body, kind }: Linked & { readonly kind: ReceiptKind }): void {
    const { id, sessionId, number, paymentId, agent, hash } = receipt
    const place = { session_id: sessionId, number, seq: seqIn(id), id }
    this.#set.insert('receipts', { ...place, payment_id: paymentId, agent, kind, at: tx.now, body, hash })
    const session = this.#set.row('session', sessionId)
    if (!session) throw new Error(`there is no session ${sessionId} for a receipt`)
    this.#set.update('sessions', session, { chain_number: number, chain_hash: hash })
  }
}

/** The place that an id ends in, or 0 where it is none of ours. */
export function seqIn(id: string): number {
  const place = /-([0-9a-z]{1,10})$/.exec(id)?.[1]
  return place === undefined ? 0 : Number.parseInt(place, 36)
}
