import { expect, it } from 'vitest'
import * as limits from '../src/presigned-limits.ts'
import { MIN_RETENTION_MS } from '../src/retention-limits.ts'

it.each(Object.entries(limits))('%s is above zero', (_, value) => {
  expect(Number.isSafeInteger(value) && value > 0).toBe(true)
})

it('a transfer that was used is dead before its payment can leave the ledger', () => {
  expect(limits.MAX_PRESIGNED_WINDOW_MS).toBeLessThan(MIN_RETENTION_MS)
})
