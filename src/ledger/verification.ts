/** Verifying what is stored: every chain, from its first entry to the head that the session's row keeps. */
import { setImmediate } from 'node:timers/promises'
import { type ChainHead, type ChainVerifier, chainVerifier, EMPTY_CHAIN } from '../audit/chain.ts'
import { parseEntry, ReceiptFormatError } from '../audit/parse.ts'
import type { Receipt, Verification } from '../audit/receipt.ts'

/** An entry as it is stored: where it stands, and its text. */
export interface StoredEntry {
  readonly id: string
  readonly number: number
  /** What was hashed. */
  readonly body: string
  readonly hash: string
}

/** Where the chains are. Each call sees the store as it is at that moment. */
export interface ChainSource {
  /** The next session by id that has a row or an entry. */
  chainAfter(sessionId: string): string | undefined
  entriesAfter(sessionId: string, place: { readonly number: number; readonly limit: number }): StoredEntry[]
  head(sessionId: string): ChainHead
}

type Fault = Verification['brokenAt']

/** Steps (a chain, or so many entries of one) before others get their turn. */
const ENTRIES_AT_ONCE = 100
const CHAINS_AT_ONCE = 100

/**
 * Verifies all chains in small steps, so that payments go on meanwhile; what they append is verified with the rest. A
 * cut end is found too, because the head would then name an entry that is not there.
 */
export async function verifyStored(source: ChainSource): Promise<Verification> {
  const verifier = chainVerifier()
  let chains = 0
  for (let id = source.chainAfter(''); id !== undefined; id = source.chainAfter(id)) {
    const fault = await chainFault(source, id, verifier)
    if (fault) return { ...verifier.result(), ok: false, brokenAt: fault }
    chains += 1
    if (chains % CHAINS_AT_ONCE === 0) await setImmediate()
  }
  return verifier.result()
}

async function chainFault(source: ChainSource, sessionId: string, verifier: ChainVerifier): Promise<Fault> {
  let last = EMPTY_CHAIN
  for (;;) {
    const entries = source.entriesAfter(sessionId, { number: last.number, limit: ENTRIES_AT_ONCE })
    const head = source.head(sessionId)
    for (const entry of entries) {
      const receipt = readEntry(sessionId, entry)
      if ('why' in receipt) return receipt
      verifier.add(receipt)
      const { brokenAt } = verifier.result()
      if (brokenAt) return brokenAt
      last = receipt
    }
    if (entries.length < ENTRIES_AT_ONCE) return headFault(sessionId, last, head)
    await setImmediate()
  }
}

function readEntry(sessionId: string, { id, number, body, hash }: StoredEntry): Receipt | NonNullable<Fault> {
  const place = { sessionId, number, id }
  try {
    const receipt = parseEntry(body, hash)
    const same = receipt.sessionId === sessionId && receipt.number === number && receipt.id === id
    return same ? receipt : { ...place, why: 'it stands in another place than it says' }
  } catch (cause) {
    if (cause instanceof ReceiptFormatError) return { ...place, why: 'it cannot be read' }
    throw cause
  }
}

function headFault(sessionId: string, last: ChainHead, head: ChainHead): Fault {
  if (last.number === head.number && last.hash === head.hash) return null
  const why = `the chain should end with number ${head.number} and ends with ${last.number}`
  return { sessionId, number: Math.min(last.number, head.number) + 1, id: '', why }
}
