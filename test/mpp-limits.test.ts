import { describe, expect, it } from 'vitest'
import { MAX_PAYMENT_HEADER_BYTES } from '../src/limits.ts'
import * as limits from '../src/mpp-limits.ts'

describe('limits of the MPP rail', () => {
  it.each(Object.entries(limits))('%s is above zero', (_, value) => {
    expect(Number.isSafeInteger(value) && value > 0).toBe(true)
  })

  it('what goes back fits into a payment header, with a signed transfer and in base64', () => {
    const SIGNED_CHARS = 800
    expect(((limits.MAX_CHALLENGE_ECHO_CHARS + SIGNED_CHARS) * 4) / 3).toBeLessThan(MAX_PAYMENT_HEADER_BYTES)
  })
})
