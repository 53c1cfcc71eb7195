/**
 * Verifying what is stored: every chain, from its first entry to the head that the session's row keeps, and every
 * checkpoint, whose heads have to be there with the very hash that was signed.
 */
import { setImmediate } from 'node:timers/promises'
import { type ChainHead, type ChainVerdict, type ChainVerifier, chainVerifier, EMPTY_CHAIN } from '../audit/chain.ts'
import type { Checkpoint, CheckpointHead } from '../audit/checkpoint.ts'
import { sha256 } from '../audit/digest.ts'
import { parseEntry, parseSignedCheckpoint, ReceiptFormatError } from '../audit/parse.ts'
import type { Fault, Receipt, Verification } from '../audit/receipt.ts'
import { type CheckpointVerifier, checkpointVerifier } from '../audit/seals.ts'
import { ArchiveFault, type Past } from './retention.ts'

/** An entry as it is stored: where it stands, and its text. */
export interface StoredEntry {
  readonly id: string
  readonly number: number
  /** What was hashed. */
  readonly body: string
  readonly hash: string
}

export interface StoredCheckpoint {
  readonly number: number
  /** What was signed. */
  readonly body: string
  readonly signature: string
}

type Answer<T> = T | Promise<T>

/** Where the chains are. Each call sees the store as it is at that moment. */
export interface ChainSource {
  /** The next session by id that has a row or an entry. */
  chainAfter(sessionId: string): Answer<string | undefined>
  entriesAfter(sessionId: string, place: { readonly number: number; readonly limit: number }): Answer<readonly StoredEntry[]>
  head(sessionId: string): Answer<ChainHead>
  /** Oldest first, from behind this number on. */
  checkpointsAfter(number: number, limit: number): Answer<readonly StoredCheckpoint[]>
  /** The hash of this entry. */
  hashAt(sessionId: string, number: number): Answer<string | undefined>
}

/** Steps (a chain, or so many entries of one) before others get their turn. */
const ENTRIES_AT_ONCE = 100
const CHAINS_AT_ONCE = 100
const CHECKPOINTS_AT_ONCE = 10

/**
 * Verifies all chains in small steps, so that payments go on meanwhile; what they append is verified with the rest. A
 * cut end is found too, because the head or a checkpoint would then name an entry that is not there.
 */
export async function verifyStored(source: ChainSource, past?: Past): Promise<Verification> {
  const verifier = chainVerifier()
  const checkpoints = checkpointVerifier()
  const left = past ? await readPast(past, source, verifier) : NOTHING_LEFT
  const whole = { ...left, source }
  const fault = left.fault ?? (await chainsFault(whole, verifier)) ?? (await checkpointsFault(whole, checkpoints))
  return verdictOf(verifier.result(), checkpoints, fault)
}

/** What has left for the archive: where each chain goes on here, and the entries there that checkpoints name. */
interface Left {
  readonly fault: Fault | null
  readonly heads: ReadonlyMap<string, ChainHead>
  readonly signed: ReadonlyMap<string, string | undefined>
}

interface Whole extends Left {
  readonly source: ChainSource
}

const NOTHING_LEFT: Left = { fault: null, heads: new Map(), signed: new Map() }

/** Memory grows with the sessions and with the heads that checkpoints name, as it does for an export. */
async function readPast(past: Past, source: ChainSource, verifier: ChainVerifier): Promise<Left> {
  const heads = new Map<string, ChainHead>()
  const signed = await headsSigned(source)
  try {
    for await (const receipt of past.receipts()) {
      const { sessionId, number, hash } = receipt
      const fault = verifier.add(receipt)
      if (fault) return { fault, heads, signed }
      heads.set(sessionId, { number, hash })
      if (signed.has(placeName(receipt))) signed.set(placeName(receipt), hash)
    }
    return { fault: null, heads, signed }
  } catch (cause) {
    if (!(cause instanceof ArchiveFault)) throw cause
    return { fault: { sessionId: '', number: cause.segment.number, id: 'archive', why: cause.message }, heads, signed }
  }
}

/** Every entry that a checkpoint names, its hash still unknown. */
async function headsSigned(source: ChainSource): Promise<Map<string, string | undefined>> {
  const signed = new Map<string, string | undefined>()
  for (let number = 0; ; ) {
    const stored = await source.checkpointsAfter(number, CHECKPOINTS_AT_ONCE)
    for (const one of stored) for (const head of readCheckpoint(one)?.heads ?? []) signed.set(placeName(head), undefined)
    number = stored.at(-1)?.number ?? number
    if (stored.length < CHECKPOINTS_AT_ONCE) return signed
    await setImmediate()
  }
}

function placeName({ sessionId, number }: Pick<CheckpointHead, 'sessionId' | 'number'>): string {
  return `${number} ${sessionId}`
}

function verdictOf({ count, chains }: ChainVerdict, checkpoints: CheckpointVerifier, brokenAt: Fault | null): Verification {
  const unsealed = Math.max(0, count - checkpoints.coveredInAll())
  return { ok: brokenAt === null, count, chains, brokenAt, checkpoints: checkpoints.count(), sealed: checkpoints.seal(), unsealed }
}

async function chainsFault(whole: Whole, verifier: ChainVerifier): Promise<Fault | null> {
  const { source } = whole
  let chains = 0
  for (let id = await source.chainAfter(''); id !== undefined; id = await source.chainAfter(id)) {
    const fault = await chainFault(whole, id, verifier)
    if (fault) return fault
    chains += 1
    if (chains % CHAINS_AT_ONCE === 0) await setImmediate()
  }
  return null
}

/** The head is read after the entries: where it is ahead of them, they grew meanwhile, or their end was cut off. */
async function chainFault({ source, heads }: Whole, sessionId: string, verifier: ChainVerifier): Promise<Fault | null> {
  let last = heads.get(sessionId) ?? EMPTY_CHAIN
  let head = await source.head(sessionId)
  for (;;) {
    const entries = await source.entriesAfter(sessionId, { number: last.number, limit: ENTRIES_AT_ONCE })
    if (entries.length === 0 && head.number > last.number) return headFault(sessionId, last, head)
    const fault = entriesFault(sessionId, entries, verifier)
    if (fault) return fault
    last = entries.at(-1) ?? last
    if (entries.length === ENTRIES_AT_ONCE) await setImmediate()
    head = await source.head(sessionId)
    if (head.number <= last.number && entries.length < ENTRIES_AT_ONCE) return headFault(sessionId, last, head)
  }
}

function entriesFault(sessionId: string, entries: readonly StoredEntry[], verifier: ChainVerifier): Fault | null {
  for (const entry of entries) {
    const receipt = readEntry(sessionId, entry)
    if ('why' in receipt) return receipt
    const fault = verifier.add(receipt)
    if (fault) return fault
    if (sha256(entry.body) !== entry.hash)
      return { sessionId, number: entry.number, id: entry.id, why: 'it is not in the form that was hashed' }
  }
  return null
}

function readEntry(sessionId: string, { id, number, body, hash }: StoredEntry): Receipt | Fault {
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

function headFault(sessionId: string, last: ChainHead, head: ChainHead): Fault | null {
  if (last.number === head.number && last.hash === head.hash) return null
  const why = `the chain should end with number ${head.number} and ends with ${last.number}`
  return { sessionId, number: Math.min(last.number, head.number) + 1, id: '', why }
}

async function checkpointsFault(whole: Whole, verifier: CheckpointVerifier): Promise<Fault | null> {
  for (;;) {
    const stored = await whole.source.checkpointsAfter(verifier.count(), CHECKPOINTS_AT_ONCE)
    for (const one of stored) {
      const fault = await checkpointFault(whole, one, verifier)
      if (fault) return fault
    }
    if (stored.length < CHECKPOINTS_AT_ONCE) return null
    await setImmediate()
  }
}

async function checkpointFault({ source, signed }: Whole, stored: StoredCheckpoint, verifier: CheckpointVerifier): Promise<Fault | null> {
  const place = { sessionId: '', number: stored.number, id: 'checkpoint' }
  const checkpoint = readCheckpoint(stored)
  if (!checkpoint) return { ...place, why: 'it cannot be read' }
  const why = verifier.add(checkpoint)
  if (why) return { ...place, why }
  for (const head of checkpoint.heads) {
    const hash = (await source.hashAt(head.sessionId, head.number)) ?? signed.get(placeName(head))
    if (hash !== head.hash) return signedOtherwise(head, checkpoint.number, hash)
  }
  return null
}

function readCheckpoint({ number, body, signature }: StoredCheckpoint): Checkpoint | undefined {
  try {
    const checkpoint = parseSignedCheckpoint(body, signature)
    return checkpoint.number === number ? checkpoint : undefined
  } catch (cause) {
    if (cause instanceof ReceiptFormatError) return undefined
    throw cause
  }
}

function signedOtherwise({ sessionId, number }: CheckpointHead, checkpoint: number, hash: string | undefined): Fault {
  const why =
    hash === undefined
      ? `checkpoint ${checkpoint} names it, and it is missing: entries were cut off`
      : `checkpoint ${checkpoint} saw another entry here: there are two histories`
  return { sessionId, number, id: '', why }
}
