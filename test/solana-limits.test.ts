import { expect, it } from 'vitest'
import * as limits from '../src/solana-limits.ts'

it('every bound of Solana is a bound', () => {
  for (const [name, value] of Object.entries(limits)) expect(BigInt(value) > 0n, name).toBe(true)
  expect(limits.MAX_BLOCKHASH_LIFE_BLOCKS).toBeGreaterThanOrEqual(limits.BLOCKHASH_LIFE_BLOCKS)
})
