import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Checkpoint, CheckpointSigner } from '../../src/audit/checkpoint.ts'
import { createCheckpointing } from '../../src/audit/checkpointing.ts'
import { CHECKPOINT_INTERVAL_MS } from '../../src/limits.ts'
import { historyOf, SIGNER } from './checkpoint-fixture.ts'

/** A ledger that has these checkpoints, and makes the ones in `coming` when it is asked to. */
function ledgerOf(made: Checkpoint[], coming: Checkpoint[] = []) {
  const ledger = {
    asked: 0,
    broken: false,
    async checkpoint(signer: CheckpointSigner) {
      ledger.asked += 1
      expect(signer).toBe(SIGNER)
      if (ledger.broken) throw new Error('the disk is full')
      const next = coming.shift()
      if (next) made.push(next)
      return next
    },
    checkpoints: async (after: number, limit: number) => made.slice(after, after + limit),
  }
  return ledger
}

function started(ledger: ReturnType<typeof ledgerOf>) {
  const warnings: string[] = []
  return { warnings, checkpointing: createCheckpointing({ ledger, signer: SIGNER, events: { warned: (text) => warnings.push(text) } }) }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('checkpoints', () => {
  it('are made at every interval once it is started, and once more when it stops', async () => {
    const ledger = ledgerOf([])
    const { checkpointing } = started(ledger)
    await vi.advanceTimersByTimeAsync(CHECKPOINT_INTERVAL_MS)
    expect(ledger.asked).toBe(0)
    checkpointing.start()
    checkpointing.start()
    await vi.advanceTimersByTimeAsync(2 * CHECKPOINT_INTERVAL_MS)
    expect(ledger.asked).toBe(2)
    await checkpointing.stop()
    await vi.advanceTimersByTimeAsync(2 * CHECKPOINT_INTERVAL_MS)
    expect(ledger.asked).toBe(3)
  })

  it('are told of once where they cannot be made, and do not stop the end', async () => {
    const ledger = ledgerOf([])
    const { checkpointing, warnings } = started(ledger)
    ledger.broken = true
    checkpointing.start()
    await vi.advanceTimersByTimeAsync(3 * CHECKPOINT_INTERVAL_MS)
    expect(warnings).toEqual(['No checkpoint of the receipts could be made.'])
    ledger.broken = false
    await vi.advanceTimersByTimeAsync(CHECKPOINT_INTERVAL_MS)
    ledger.broken = true
    await checkpointing.stop()
    expect(warnings).toHaveLength(2)
  })

  it.each([0, 1, 2, 3, 7, 8, 9])('of which there are %i: asked for now, the newest comes', async (count) => {
    const { checkpoints } = historyOf('a|'.repeat(count))
    const { checkpointing } = started(ledgerOf([...checkpoints]))
    expect(await checkpointing.now()).toEqual(checkpoints.at(-1))
  })

  it('asked for now cover what was written meanwhile, and a fault is the asker’s', async () => {
    const { checkpoints } = historyOf('a|a|a')
    const ledger = ledgerOf(checkpoints.slice(0, 2), checkpoints.slice(2))
    const { checkpointing } = started(ledger)
    expect(checkpointing.publicKey).toBe(SIGNER.publicKey)
    expect((await checkpointing.now())?.number).toBe(3)
    ledger.broken = true
    await expect(checkpointing.now()).rejects.toThrow('the disk is full')
  })
})
