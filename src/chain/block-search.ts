/** Finding the blocks of a moment by asking for a few of them. Block times never fall from one block to the next. */
import { SEARCH_TOLERANCE_BLOCKS } from '../limits.ts'
import type { Block, EvmNode } from './evm-node.ts'

/** Two blocks, not far from each other, with a moment between them. */
export interface Bracket {
  /** Older than the moment, or the chain's first block. */
  readonly before: Block
  /** At or after it; undefined where the newest block is older. */
  readonly after: Block | undefined
}

/**
 * @param newest where the search ends, e.g. the head.
 * @param time_s seconds since 1970.
 * @throws RpcError
 */
export async function bracket(node: Pick<EvmNode, 'block'>, newest: Block, time_s: number): Promise<Bracket> {
  if (newest.time_s < time_s) return { before: newest, after: undefined }
  let { before, after } = await stepBack(node, newest, time_s)
  while (after.number - before.number > SEARCH_TOLERANCE_BLOCKS) {
    const middle = await node.block((before.number + after.number) / 2n)
    if (middle.time_s < time_s) before = middle
    else after = middle
  }
  return { before, after }
}

/** In steps that double: most moments that are looked for are minutes ago. */
async function stepBack(node: Pick<EvmNode, 'block'>, newest: Block, time_s: number): Promise<{ before: Block; after: Block }> {
  let after = newest
  for (let step = SEARCH_TOLERANCE_BLOCKS; ; step *= 2n) {
    const before = await node.block(after.number > step ? after.number - step : 0n)
    if (before.time_s < time_s || before.number === 0n) return { before, after }
    after = before
  }
}
