import { expect, it } from 'vitest'
import * as limits from '../src/wallet-limits.ts'

it.each(Object.entries(limits))('%s is above zero', (_, value) => {
  expect(Number.isSafeInteger(value) && value > 0).toBe(true)
})
