/**
 * Verifying an exported file, offline: its chains, its checkpoints, and that every head that was ever signed is in it.
 * The file is read twice, checkpoints first, because they stand behind the receipts that they cover.
 */
import { CanonicalError, canonicalJson } from './canonical.ts'
import { type ChainOrder, type ChainVerdict, chainVerifier } from './chain.ts'
import { ExportFormatError, type ExportLine, exportLines } from './export-lines.ts'
import { parseCheckpoint, parseReceipt, ReceiptFormatError } from './parse.ts'
import type { Fault, Receipt, Verification } from './receipt.ts'
import { type CheckpointVerifier, checkpointVerifier, type Expected } from './seals.ts'

export interface ExportDemands extends Expected {
  /** The file has to have a checkpoint. */
  readonly sealed?: boolean
  /** The file is of this session alone. */
  readonly session?: string
}

/** A broken row; `line` is its line in the file, or null for what is missing. */
export interface BrokenRow extends Fault {
  readonly line: number | null
}

export interface ExportVerification extends Verification {
  readonly brokenAt: BrokenRow | null
}

/** Reads the file from its beginning. */
export type OpenExport = () => AsyncIterable<Uint8Array>

/**
 * Verifies a file with receipts in either order, newest first as exports have them or oldest first, and the checkpoints
 * behind them. Memory grows with the sessions and with the heads that checkpoints name.
 */
export async function verifyExport(open: OpenExport, demands: ExportDemands = {}): Promise<ExportVerification> {
  const seals = await surveySeals(open, demands)
  const falling = await verifyIn('newest_first', open, seals)
  if (falling.ok) return falling
  const rising = await verifyIn('oldest_first', open, seals)
  return rising.ok || lineOf(rising) > lineOf(falling) ? rising : falling
}

function lineOf({ brokenAt }: ExportVerification): number {
  return brokenAt?.line ?? Number.MAX_SAFE_INTEGER
}

/** What the checkpoints of a file say, as far as they hold. */
interface Seals {
  readonly demands: ExportDemands
  readonly verifier: CheckpointVerifier
  /** For each session the entries that were signed, by number. */
  readonly heads: ReadonlyMap<string, ReadonlyMap<number, Signed>>
  readonly broken: BrokenRow | null
}

interface Signed {
  readonly hash: string
  readonly checkpoint: number
}

/** Canonical JSON sorts its members: only a checkpoint begins with the time. */
function isCheckpoint({ text }: ExportLine): boolean {
  return text.startsWith('{"at":')
}

async function surveySeals(open: OpenExport, demands: ExportDemands): Promise<Seals> {
  const verifier = checkpointVerifier(demands)
  const heads = new Map<string, Map<number, Signed>>()
  let broken: BrokenRow | null = null
  for await (const line of whatCanBeRead(open)) {
    if (!isCheckpoint(line) || broken) continue
    const why = sealFault(line, { verifier, heads })
    if (why) broken = { sessionId: '', number: verifier.count() + 1, id: 'checkpoint', line: line.line, why }
  }
  return { demands, verifier, heads, broken: broken ?? unmet(verifier, demands) }
}

/** Where the form breaks is judged when the receipts are read. */
async function* whatCanBeRead(open: OpenExport): AsyncGenerator<ExportLine, void, undefined> {
  try {
    yield* exportLines(open())
  } catch (cause) {
    if (!(cause instanceof ExportFormatError)) throw cause
  }
}

function sealFault({ text }: ExportLine, { verifier, heads }: { verifier: CheckpointVerifier; heads: Map<string, Map<number, Signed>> }) {
  const checkpoint = read(text, parseCheckpoint)
  if (typeof checkpoint === 'string') return checkpoint
  const why = verifier.add(checkpoint)
  if (why) return why
  for (const { sessionId, number, hash } of checkpoint.heads) {
    const signed = heads.get(sessionId) ?? new Map<number, Signed>()
    heads.set(sessionId, signed.set(number, { hash, checkpoint: checkpoint.number }))
  }
  return undefined
}

function unmet(verifier: CheckpointVerifier, { sealed, key }: ExportDemands): BrokenRow | null {
  const none = (sealed || key !== undefined) && verifier.seal() === null
  const why = none ? 'the file has no checkpoint, so its newest entries could be missing' : verifier.missing()
  return why === undefined ? null : { sessionId: '', number: verifier.count() + 1, id: 'checkpoint', line: null, why }
}

/** The entry, or why it is none; it has to stand in the one form in which it was exported. */
function read<T>(text: string, parse: (json: string) => T): T | string {
  try {
    const entry = parse(text)
    return canonicalJson(entry) === text ? entry : 'it is not in the form in which it was exported'
  } catch (cause) {
    if (cause instanceof ReceiptFormatError) return cause.message
    if (cause instanceof CanonicalError) return 'its content cannot be hashed'
    throw cause
  }
}

async function verifyIn(order: ChainOrder, open: OpenExport, seals: Seals): Promise<ExportVerification> {
  const judge = receiptJudge(order, seals)
  let broken: BrokenRow | null = null
  try {
    for await (const line of exportLines(open())) {
      broken = judge.add(line)
      if (broken) break
    }
  } catch (cause) {
    if (!(cause instanceof ExportFormatError)) throw cause
    broken = { ...NO_PLACE, line: cause.line, why: cause.message }
  }
  return verdictOf(judge.result(), seals, broken ?? seals.broken ?? judge.missing())
}

function verdictOf({ count, chains }: ChainVerdict, { verifier }: Seals, brokenAt: BrokenRow | null): ExportVerification {
  const sealed = verifier.seal()
  return { ok: brokenAt === null, count, chains, brokenAt, checkpoints: verifier.count(), sealed, unsealed: sealed ? 0 : count }
}

interface Judge {
  add(line: ExportLine): BrokenRow | null
  result(): ChainVerdict
  /** What should have come and did not. */
  missing(): BrokenRow | null
}

function receiptJudge(order: ChainOrder, seals: Seals): Judge {
  const chain = chainVerifier(order)
  const awaited = awaitedHeads(seals)
  let behind = false
  let lastPlace: number | undefined
  return {
    add(line) {
      behind ||= isCheckpoint(line)
      if (behind) return isCheckpoint(line) ? null : { ...NO_PLACE, line: line.line, why: 'a receipt stands behind a checkpoint' }
      const receipt = read(line.text, parseReceipt)
      if (typeof receipt === 'string') return { ...NO_PLACE, line: line.line, why: receipt }
      const why = chain.add(receipt)?.why ?? orderFault(order, lastPlace, receipt) ?? awaited.fault(receipt)
      lastPlace = placeIn(receipt) ?? lastPlace
      return why === undefined ? null : { ...rowOf(receipt), line: line.line, why }
    },
    result: () => chain.result(),
    missing() {
      const { brokenAt } = chain.result()
      return awaited.missing() ?? (brokenAt && { ...brokenAt, line: null })
    },
  }
}

/** Of a line that cannot be read. */
const NO_PLACE = { sessionId: '', number: 0, id: '' }

function rowOf({ sessionId, number, id }: Receipt): Omit<Fault, 'why'> {
  return { sessionId, number, id }
}

/** An id ends with the entry's place in the ledger. */
function placeIn({ id }: Receipt): number | undefined {
  const place = /-([0-9a-z]{1,10})$/.exec(id)?.[1]
  return place === undefined ? undefined : Number.parseInt(place, 36)
}

function orderFault(order: ChainOrder, before: number | undefined, receipt: Receipt): string | undefined {
  const place = placeIn(receipt)
  if (before === undefined || place === undefined) return undefined
  const inOrder = order === 'oldest_first' ? place > before : place < before
  return inOrder ? undefined : 'it does not stand where it was exported'
}

/** The entries that checkpoints name, until each has come. */
function awaitedHeads({ demands: { session }, verifier, heads, broken }: Seals) {
  const sessions = session === undefined ? [...heads] : [...heads].filter(([id]) => id === session)
  const awaited = new Map(sessions.map(([id, signed]) => [id, new Map(signed)]))
  const seen = new Set<string>()
  return {
    fault({ sessionId, number, hash }: Receipt): string | undefined {
      seen.add(sessionId)
      if (session !== undefined && sessionId !== session) return `it is not of session ${session}`
      const signed = awaited.get(sessionId)?.get(number)
      if (signed && signed.hash !== hash) return `checkpoint ${signed.checkpoint} saw another entry here: there are two histories`
      awaited.get(sessionId)?.delete(number)
      // Behind a broken checkpoint nobody knows what else was covered: then that one is what is told.
      const beyond = broken === null && verifier.seal() !== null && number > verifier.covered(sessionId)
      return beyond ? 'no checkpoint covers it: checkpoints were cut off, or it was added' : undefined
    },
    missing(): BrokenRow | null {
      for (const [sessionId, signed] of awaited) {
        const [first] = [...signed].sort(([a], [b]) => a - b)
        if (first) return missingRow({ sessionId, seen }, first)
      }
      return null
    },
  }
}

/** Checkpoints name the entries of all sessions: an export of one lacks the others, and nothing in the file says that it is one. */
function missingRow(
  { sessionId, seen }: { readonly sessionId: string; readonly seen: ReadonlySet<string> },
  [number, { checkpoint }]: readonly [number, Signed],
): BrokenRow {
  const [only] = seen
  const hint =
    seen.size === 1 && only !== sessionId ? `; if this is an export of session ${only} alone, verify it with --session ${only}` : ''
  return { sessionId, number, id: '', line: null, why: `checkpoint ${checkpoint} names it, and it is missing: entries were cut off${hint}` }
}
