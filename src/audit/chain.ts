/** The chain: each entry carries the hash of the one before in its session, so nothing can be changed or dropped unseen. */
import { CanonicalError, canonicalJson } from './canonical.ts'
import { sha256 } from './digest.ts'
import type { Fault, Receipt, ReceiptBody } from './receipt.ts'
import { receiptText } from './receipt-text.ts'

/** What the first entry of a session carries as the hash before it. */
export const GENESIS_HASH = '0'.repeat(64)

/** Where a chain stands: its last number and hash; number 0 with the genesis hash before the first entry. */
export interface ChainHead {
  readonly number: number
  readonly hash: string
}

export const EMPTY_CHAIN: ChainHead = { number: 0, hash: GENESIS_HASH }

/** A new entry, with the very text that was hashed: its canonical JSON without `hash`. */
export interface Linked {
  readonly receipt: Receipt
  readonly text: string
}

/** Appends a body to a chain: sets its number, the hash before it and its own hash. */
export function link(head: ChainHead, body: Omit<ReceiptBody, 'number' | 'previousHash'>): Linked {
  const entry = { ...body, number: head.number + 1, previousHash: head.hash }
  const text = receiptText(entry)
  return { receipt: { ...entry, hash: sha256(text) }, text }
}

/** How entries arrive: within each session by rising numbers, or by falling ones as lists and exports give them. */
export type ChainOrder = 'oldest_first' | 'newest_first'

export interface ChainVerifier {
  /** Looks at the next entry and returns what is wrong with it. After the first broken one nothing more is judged. */
  add(receipt: Receipt): Fault | null
  /** The verdict over all that was added. */
  result(): ChainVerdict
}

export interface ChainVerdict {
  readonly ok: boolean
  /** Entries looked at. */
  readonly count: number
  /** Chains (sessions) looked at. */
  readonly chains: number
  readonly brokenAt: Fault | null
}

/**
 * Verifies chains entry by entry, with one small record per session in memory. Sessions may be interleaved. Finds any
 * change of a value, a missing entry, another order and another numbering. Only entries cut off at the newest end
 * leave no gap: those are found by the heads that the ledger keeps and that checkpoints name.
 */
export function chainVerifier(order: ChainOrder = 'oldest_first'): ChainVerifier {
  const last = new Map<string, Link>()
  let count = 0
  let brokenAt: Fault | null = null
  const rising = order === 'oldest_first'
  return {
    add(receipt) {
      if (brokenAt) return brokenAt
      count += 1
      const why = faultOf(receipt) ?? (rising ? risingFault : fallingFault)(receipt, last.get(receipt.sessionId))
      if (why) brokenAt = place(receipt, why)
      last.set(receipt.sessionId, linkOf(receipt))
      return brokenAt
    },
    result() {
      const cut = rising ? null : cutAt(last.values())
      const broken = brokenAt ?? cut
      return { ok: broken === null, count, chains: last.size, brokenAt: broken }
    },
  }
}

/** Verifies entries that are all at hand, in rising order within each session. */
export function verifyChain(receipts: Iterable<Receipt>): ChainVerdict {
  const verifier = chainVerifier()
  for (const receipt of receipts) verifier.add(receipt)
  return verifier.result()
}

/** What the verifier keeps of an entry. */
type Link = Pick<Receipt, 'sessionId' | 'number' | 'id' | 'hash' | 'previousHash'>

function linkOf({ sessionId, number, id, hash, previousHash }: Receipt): Link {
  return { sessionId, number, id, hash, previousHash }
}

function faultOf({ hash, ...body }: Receipt): string | undefined {
  try {
    return sha256(canonicalJson(body)) === hash ? undefined : 'its content does not match its hash'
  } catch (cause) {
    if (cause instanceof CanonicalError) return 'its content cannot be hashed'
    throw cause
  }
}

function risingFault(receipt: Receipt, before: Link | undefined): string | undefined {
  const head = before ?? EMPTY_CHAIN
  if (receipt.number !== head.number + 1) return `number ${head.number + 1} was expected here`
  if (receipt.previousHash !== head.hash) return 'it does not follow the entry before it'
  return undefined
}

function fallingFault(receipt: Receipt, after: Link | undefined): string | undefined {
  if (!after) return undefined
  if (receipt.number !== after.number - 1) return `number ${after.number - 1} was expected here`
  if (receipt.hash !== after.previousHash) return 'the entry after it does not follow it'
  return undefined
}

/** In falling order a chain is whole only when it ended with its first entry. */
function cutAt(oldest: Iterable<Link>): Fault | null {
  for (const receipt of oldest) {
    if (receipt.number !== 1 || receipt.previousHash !== GENESIS_HASH) return place(receipt, 'the entries before it are missing')
  }
  return null
}

function place({ sessionId, number, id }: Link, why: string): Fault {
  return { sessionId, number, id, why }
}
