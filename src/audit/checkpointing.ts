/** When checkpoints are made: now and then while receipts are written, for every export, and once more at the end. */
import { CHECKPOINT_INTERVAL_MS } from '../limits.ts'
import type { Checkpoint, CheckpointSigner } from './checkpoint.ts'

export interface Checkpointing {
  /** By which all checkpoints can be verified; Ed25519, hex. */
  readonly publicKey: string
  /** Signs all that is written so far, and returns the newest checkpoint; undefined where nothing was ever written. */
  now(): Promise<Checkpoint | undefined>
  /** From now on one at every interval in which something was written. */
  start(): void
  /** The last one. A ledger that cannot be written any more is told of, and does not stop the end. */
  stop(): Promise<void>
}

/** What the ledger does for it. */
export interface CheckpointStore {
  /** Undefined where no chain grew since the last one. */
  checkpoint(signer: CheckpointSigner): Promise<Checkpoint | undefined>
  /** Oldest first, from behind this number on. */
  checkpoints(after: number, limit: number): Promise<readonly Checkpoint[]>
}

export interface CheckpointingOptions {
  readonly ledger: CheckpointStore
  readonly signer: CheckpointSigner
  readonly events: { warned(sentence: string, cause?: unknown): void }
  readonly interval_ms?: number
}

/** Nothing runs before `start`. */
export function createCheckpointing({ ledger, signer, events, interval_ms = CHECKPOINT_INTERVAL_MS }: CheckpointingOptions): Checkpointing {
  const now = async () => (await ledger.checkpoint(signer)) ?? (await newestCheckpoint(ledger))
  let timer: NodeJS.Timeout | undefined
  let failing = false
  const attempt = async () => {
    try {
      await ledger.checkpoint(signer)
      failing = false
    } catch (cause) {
      // Once for a fault that lasts: the ledger's own state is on /readyz.
      if (!failing) events.warned('No checkpoint of the receipts could be made.', cause)
      failing = true
    }
  }
  return {
    publicKey: signer.publicKey,
    now,
    start() {
      timer ??= setInterval(() => void attempt(), interval_ms).unref()
    },
    async stop() {
      clearInterval(timer)
      timer = undefined
      await attempt()
    },
  }
}

/** Numbers have no gaps, so that the newest is found in a few steps among however many. */
async function newestCheckpoint(ledger: Pick<CheckpointStore, 'checkpoints'>): Promise<Checkpoint | undefined> {
  let known: Checkpoint | undefined
  for (let step = 1; step >= 1; ) {
    const [found] = await ledger.checkpoints((known?.number ?? 0) + step - 1, 1)
    known = found ?? known
    step = found ? step * 2 : step === 1 ? 0 : 1
  }
  return known
}
