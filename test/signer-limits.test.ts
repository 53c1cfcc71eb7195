import { describe, expect, it } from 'vitest'
import * as limits from '../src/signer-limits.ts'

describe('limits of the signer', () => {
  it.each(Object.entries(limits))('%s is a whole number above zero', (_, value) => {
    expect(Number.isSafeInteger(value) && value > 0).toBe(true)
  })
})
