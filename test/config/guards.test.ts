import { describe, expect, it } from 'vitest'
import { circuitBreakerSchema, loopGuardSchema } from '../../src/config/guards.ts'

describe('guards', () => {
  it('stand by themselves, with spans in milliseconds', () => {
    expect(circuitBreakerSchema.parse({})).toEqual({ errorRate: 50, minimum: 20, window_ms: 300_000, cooldown_ms: 60_000 })
    expect(loopGuardSchema.parse({})).toEqual({ after: 20, within_ms: 600_000 })
  })

  it('are off where they are null', () => {
    expect([circuitBreakerSchema.parse(null), loopGuardSchema.parse(null)]).toEqual([null, null])
  })

  it.each([{ errorRate: 0 }, { errorRate: 101 }, { minimum: 0 }, { minimum: 101 }, { cooldown: '0s' }, { pace: 1 }])(
    'refuse %j',
    (written) => {
      expect(circuitBreakerSchema.safeParse(written).success).toBe(false)
    },
  )

  it.each([{ after: 1 }, { after: 2.5 }, { within: '0s' }])('refuse %j', (written) => {
    expect(loopGuardSchema.safeParse(written).success).toBe(false)
  })
})
