/** Verifying checkpoints in their order: whoever has them all knows every head that was ever signed. */

import { GENESIS_HASH } from './chain.ts'
import { type Checkpoint, checkpointHash, isSigned } from './checkpoint.ts'
import type { Seal } from './receipt.ts'

/** A checkpoint that somebody has noted: its number and hash. */
export interface Anchor {
  readonly number: number
  readonly hash: string
}

export interface Expected {
  /** The public key (hex) that must have signed; unless given, whichever the first names. */
  readonly key?: string
  /** Noted earlier: it has to be among them. */
  readonly anchor?: Anchor
}

export interface CheckpointVerifier {
  /** Looks at the next checkpoint: why it does not hold, or undefined. Nothing may be added after one that does not. */
  add(checkpoint: Checkpoint): string | undefined
  /** What is wrong with all of them together. */
  missing(): string | undefined
  /** The newest one that holds. */
  seal(): Seal | null
  count(): number
  /** The newest number that was signed for this session; 0 where none was. */
  covered(sessionId: string): number
  /** Entries that are covered, in all sessions. */
  coveredInAll(): number
}

/** Verifies numbering, hashes, signatures and that no head ever goes back; keeps one number for each session. */
export function checkpointVerifier({ key, anchor }: Expected = {}): CheckpointVerifier {
  const heads = new Map<string, number>()
  let last: Seal | null = null
  return {
    add(checkpoint) {
      const fault = placeFault(checkpoint, last) ?? signatureFault(checkpoint, key ?? last?.publicKey) ?? headsFault(checkpoint, heads)
      if (fault) return fault
      const seal = sealOf(checkpoint)
      if (anchor?.number === seal.number && anchor.hash !== seal.hash) return 'it is another one than was noted: there are two histories'
      for (const { sessionId, number } of checkpoint.heads) heads.set(sessionId, number)
      last = seal
      return undefined
    },
    missing() {
      const reached = last?.number ?? 0
      if (!anchor || anchor.number <= reached) return undefined
      return `checkpoint ${anchor.number} was noted, and the newest one here is ${reached}: history was rolled back`
    },
    seal: () => last,
    count: () => last?.number ?? 0,
    covered: (sessionId) => heads.get(sessionId) ?? 0,
    coveredInAll: () => [...heads.values()].reduce((sum, number) => sum + number, 0),
  }
}

function sealOf(checkpoint: Checkpoint): Seal {
  const { number, at, ledgerId, publicKey } = checkpoint
  return { number, at, hash: checkpointHash(checkpoint), ledgerId, publicKey }
}

function placeFault({ number, previousHash, ledgerId }: Checkpoint, last: Seal | null): string | undefined {
  const expected = (last?.number ?? 0) + 1
  if (number !== expected) return `checkpoint ${expected} was expected here`
  if (previousHash !== (last?.hash ?? GENESIS_HASH)) return 'it does not follow the checkpoint before it'
  return last && ledgerId !== last.ledgerId ? 'it belongs to another ledger than the one before' : undefined
}

function signatureFault(checkpoint: Checkpoint, key: string | undefined): string | undefined {
  if (key !== undefined && checkpoint.publicKey !== key) return 'it is signed with another key'
  return isSigned(checkpoint) ? undefined : 'its signature does not hold'
}

function headsFault({ heads }: Checkpoint, known: ReadonlyMap<string, number>): string | undefined {
  let before = ''
  for (const { sessionId, number } of heads) {
    if (sessionId <= before) return 'its heads are not in order'
    if (number <= (known.get(sessionId) ?? 0)) return `it sets session ${sessionId} back to number ${number}: there are two histories`
    before = sessionId
  }
  return undefined
}
