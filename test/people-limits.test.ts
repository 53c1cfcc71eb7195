import { describe, expect, it } from 'vitest'
import * as limits from '../src/people-limits.ts'

describe('limits around people', () => {
  it.each(Object.entries(limits))('%s is above zero', (name, value) => {
    const share = name === 'DRIFT_START_SHARE'
    expect(share ? value > 0 && value < 1 : Number.isSafeInteger(value) && value > 0).toBe(true)
  })

  it('an attempt to tell somebody ends before another process may make it', () => {
    expect(limits.NOTICE_LEASE_MS).toBeGreaterThan(limits.NOTICE_TIMEOUT_MS)
    expect(limits.MAX_NOTICE_RETRY_MS).toBeGreaterThan(limits.NOTICE_RETRY_MS)
  })
})
