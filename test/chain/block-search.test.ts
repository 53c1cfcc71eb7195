import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bracket } from '../../src/chain/block-search.ts'
import { SEARCH_TOLERANCE_BLOCKS } from '../../src/limits.ts'
import { paperChain } from './paper-chain.ts'

describe('the search for a moment', () => {
  it('brackets it between two blocks that are not far apart, on any chain', async () => {
    const times = fc.array(fc.constantFrom(0, 1, 2, 12), { minLength: 1, maxLength: 1_000 })
    const holds = fc.asyncProperty(times, fc.integer({ min: 900, max: 9_000 }), async (gaps, time_s) => {
      let time = 1_000
      const blocks = gaps.map((gap) => {
        time += gap
        return { time_s: time }
      })
      const { node } = paperChain(blocks)
      const newest = await node.head()
      const { before, after } = await bracket(node, newest, time_s)
      if (!after) {
        expect(newest.time_s).toBeLessThan(time_s)
        return
      }
      expect(after.time_s).toBeGreaterThanOrEqual(time_s)
      expect(before.time_s < time_s || before.number === 0n).toBe(true)
      expect(after.number - before.number).toBeLessThanOrEqual(SEARCH_TOLERANCE_BLOCKS)
    })
    await fc.assert(holds, { numRuns: 100 })
  })

  it('asks for a few blocks of a long chain only', async () => {
    const { node, asked } = paperChain(Array.from({ length: 100_000 }, (_, number) => ({ time_s: number * 2 })))
    await bracket(node, await node.head(), 50_001)
    expect(asked.length).toBeLessThan(25)
  })
})
