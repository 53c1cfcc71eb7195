import { describe, expect, it } from 'vitest'
import { MAX_402_BODY_BYTES } from '../src/limits.ts'
import * as limits from '../src/tool-limits.ts'

describe('limits of payments inside MCP', () => {
  it.each(Object.entries(limits))('%s is a whole number above zero', (_name, value) => {
    expect(Number.isSafeInteger(value) && value > 0).toBe(true)
  })

  it('the largest challenge that is read fits in twice, as structure and as text', () => {
    expect(limits.MAX_UNPAID_MESSAGE_BYTES).toBeGreaterThan(2 * MAX_402_BODY_BYTES)
  })
})
