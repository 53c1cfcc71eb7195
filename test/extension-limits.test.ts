import { expect, it } from 'vitest'
import * as limits from '../src/extension-limits.ts'
import { MAX_402_HEADER_BYTES, MAX_OFFERS } from '../src/limits.ts'

it.each(Object.entries(limits))('%s is a whole number above zero', (_, value) => {
  expect(Number.isSafeInteger(value) && value > 0).toBe(true)
})

it('what is kept of a challenge is less than what may come of one', () => {
  expect(limits.MAX_SIGNED_CHARS).toBeLessThan(MAX_402_HEADER_BYTES)
  expect(limits.MAX_SIGNED_OFFERS).toBeLessThanOrEqual(MAX_OFFERS)
})

it('a login lives no longer than sites take one for fresh', () => {
  expect(limits.MAX_LOGIN_MS).toBeLessThanOrEqual(limits.MAX_LOGIN_AGE_MS)
})
