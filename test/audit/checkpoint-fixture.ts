/** Ledgers as they are exported: chains of several sessions, and the checkpoints that cover them. */
import { canonicalJson } from '../../src/audit/canonical.ts'
import { EMPTY_CHAIN, link } from '../../src/audit/chain.ts'
import { type Checkpoint, createCheckpointSigner, nextCheckpoint } from '../../src/audit/checkpoint.ts'
import type { Receipt, ReceiptBody } from '../../src/audit/receipt.ts'
import { body } from './receipt-fixture.ts'

export const SIGNER = createCheckpointSigner(Buffer.alloc(32, 7))
export const OTHER_SIGNER = createCheckpointSigner(Buffer.alloc(32, 8))
export const AT = Date.parse('2026-06-27T12:00:00.000Z')

export interface History {
  /** Oldest first, sessions interleaved. */
  readonly receipts: Receipt[]
  readonly checkpoints: Checkpoint[]
}

/**
 * Receipts in the order in which this says their sessions; a checkpoint stands where it says `|`. Their ids carry their
 * place in the ledger, as the ledger's do. The last receipts are covered too.
 */
export function historyOf(plan: string, changes: (place: number) => Partial<ReceiptBody> = () => ({})): History {
  const receipts: Receipt[] = []
  const checkpoints: Checkpoint[] = []
  let from = 0
  const seal = () => {
    if (from === receipts.length) return
    const heads = new Map(receipts.slice(from).map((receipt) => [receipt.sessionId, receipt]))
    checkpoints.push(
      nextCheckpoint({ previous: checkpoints.at(-1), ledgerId: 'led_1', at: AT, heads: heads.values(), signer: SIGNER }).checkpoint,
    )
    from = receipts.length
  }
  for (const letter of `${plan}|`) {
    if (letter === '|') seal()
    else receipts.push(entry(`ses_${letter}`, receipts, changes))
  }
  return { receipts, checkpoints }
}

function entry(sessionId: string, receipts: readonly Receipt[], changes: (place: number) => Partial<ReceiptBody>): Receipt {
  const place = receipts.length + 1
  const head = receipts.findLast((receipt) => receipt.sessionId === sessionId) ?? EMPTY_CHAIN
  return link(head, body({ id: `rcp_${sessionId}x-${place.toString(36)}`, sessionId, ...changes(place) })).receipt
}

/** As an export has them: receipts newest first, then the checkpoints. */
export function exportedLines({ receipts, checkpoints }: History): string[] {
  return [...receipts.toReversed(), ...checkpoints].map(canonicalJson)
}

export function fileOf(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(''))
}

export function opened(bytes: Uint8Array): () => AsyncIterable<Uint8Array> {
  return async function* () {
    yield bytes
  }
}
