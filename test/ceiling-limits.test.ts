import { expect, it } from 'vitest'
import { CEILINGS_TIMEOUT_MS, MAX_EXTRA_DATA_BYTES, UNBOUNDED_ALLOWANCE } from '../src/ceiling-limits.ts'
import { RPC_TIMEOUT_MS } from '../src/limits.ts'

it('an allowance of all bits that some token takes for unlimited is no bound, and one of a whole economy is', () => {
  for (const bits of [96n, 128n, 160n, 256n]) expect(2n ** bits - 1n).toBeGreaterThanOrEqual(UNBOUNDED_ALLOWANCE)
  expect(10n ** 9n * 10n ** 18n).toBeLessThan(UNBOUNDED_ALLOWANCE)
})

it('one server that does not answer leaves time to ask another', () => {
  expect(CEILINGS_TIMEOUT_MS).toBeGreaterThan(RPC_TIMEOUT_MS)
  expect(MAX_EXTRA_DATA_BYTES).toBeGreaterThan(0)
})
