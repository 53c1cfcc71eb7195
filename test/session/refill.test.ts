import { describe, expect, it } from 'vitest'
import { nextRefill } from '../../src/session/refill.ts'
import { NOW, session } from './fixtures.ts'

const refill = { amount: 500_000n, every_ms: 600_000, max: 2_000_000n }

describe('nextRefill', () => {
  it('falls due one period after the last that was counted, in the rhythm of the opening', () => {
    expect(nextRefill(session({ refill }))).toBe(NOW + 600_000)
    expect(nextRefill(session({ refill, refills: 3 }))).toBe(NOW + 2_400_000)
  })

  it('never comes without a recurring budget, after the end, or at the very end of the lifetime', () => {
    expect(nextRefill(session())).toBeUndefined()
    expect(nextRefill(session({ refill, status: 'closed' }))).toBeUndefined()
    expect(nextRefill(session({ refill, refills: 5 }))).toBeUndefined()
  })
})
