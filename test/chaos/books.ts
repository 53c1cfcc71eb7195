/** Books: what a ledger has made durable, read from its rows past all of its code, whatever keeps them. */

/** A payment as its row says. Money in millionths. */
export interface Entry {
  readonly id: string
  readonly purchaseId: string
  readonly sessionId: string
  readonly url: string
  readonly state: string
  readonly nonce: string
  /** The payment with the same nonce whose place it took. */
  readonly replaces: string | null
  readonly amount: bigint
  readonly amountAtomic: string
  readonly payTo: string
  /** JSON of what carries the authorization; null before it was signed. */
  readonly headers: string | null
  readonly evidence: string | null
  readonly delivered: boolean
  readonly disputed: boolean
  /** By the clock of the process that reserved it, as all of these in milliseconds since 1970. */
  readonly reservedAt: number
  readonly concludedAt: number | null
  /** When recovery looks into it next; null where it never does. */
  readonly checkAt: number | null
  /** Millionths that came back. */
  readonly refunded: bigint
}

export interface Account {
  readonly id: string
  readonly parent: string | null
  readonly cap: bigint
  readonly spent: bigint
  readonly held: bigint
}

export interface ReceiptEntry {
  readonly sessionId: string
  readonly number: number
  readonly paymentId: string
  readonly kind: string
  readonly hash: string
  /** The canonical JSON that was hashed. */
  readonly body: string
}

export interface Books {
  /** Rises whenever something became durable. */
  readonly version: number
  /** Payments that were ever reserved, oldest first. */
  entries(): readonly Entry[]
  /** As `entries`, the newest of one nonce, with what is decided and not durable yet. */
  decided(nonce: string): Entry | undefined
  accounts(): readonly Account[]
  /** In the order of writing, from place `from` on. */
  receipts(from: number): readonly ReceiptEntry[]
}

const OPEN: ReadonlySet<string> = new Set(['reserved', 'signed', 'sent', 'unknown'])

/** Nobody can be sure of it yet: it is open, or only its server's word says what became of it and the chain could. */
export function isUnproven({ state, evidence }: Entry, chainKnown: boolean): boolean {
  return OPEN.has(state) || (chainKnown && (state === 'expired' || (state === 'settled' && evidence === 'claimed')))
}

/** A round of recovery at `now` could find something in it: who worked on it may be gone, or its next look is due. */
export function isDue(entry: Entry, { chainKnown, now }: { readonly chainKnown: boolean; readonly now: number }): boolean {
  const { state, delivered, disputed, checkAt } = entry
  const mayBeLeft = (OPEN.has(state) && state !== 'unknown') || (state === 'settled' && !delivered && !disputed)
  return mayBeLeft || (isUnproven(entry, chainKnown) && checkAt !== null && checkAt <= now)
}

/** All that came back for good is counted, and no more. Money of both has six decimals. */
export function returnsCounted(books: Books, chain: { finalReturns(): readonly { readonly amount: bigint }[] }): boolean {
  const counted = books.entries().reduce((sum, { refunded }) => sum + refunded, 0n)
  return counted === chain.finalReturns().reduce((sum, { amount }) => sum + amount, 0n)
}

/** An invariant that does not hold. */
export class Violation extends Error {
  override readonly name = 'Violation'
  readonly invariant: string

  constructor(invariant: string, sentence: string) {
    super(`${invariant}: ${sentence}`)
    this.invariant = invariant
  }
}
