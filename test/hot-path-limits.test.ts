import { describe, expect, it } from 'vitest'
import * as limits from '../src/hot-path-limits.ts'

describe('limits of the hot path', () => {
  it.each(Object.entries(limits))('%s is a whole number above zero', (_, value) => {
    expect(Number.isSafeInteger(value) && value > 0).toBe(true)
  })
})
