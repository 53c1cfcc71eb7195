import { describe, expect, it } from 'vitest'
import { trendOf } from './trend.ts'

const samples = (value: (at: number) => number) => Array.from({ length: 31 }, (_, at) => ({ at_s: at, value: value(at) }))
const BOUND = { share: 0.05, slack: 1 }

describe('trend', () => {
  it('what rises by more than its share over the last two thirds is not flat', () => {
    const { rise, isFlat } = trendOf(
      samples((at) => 100 + at),
      BOUND,
    )
    expect(rise).toBeCloseTo(20)
    expect(isFlat).toBe(false)
  })

  it('a rise in the first third is the warm-up', () => {
    expect(
      trendOf(
        samples((at) => Math.min(at, 10) * 50),
        BOUND,
      ).isFlat,
    ).toBe(true)
  })

  it('what swings or falls is flat', () => {
    expect(
      trendOf(
        samples((at) => 100 + (at % 2) * 20),
        BOUND,
      ).isFlat,
    ).toBe(true)
    expect(
      trendOf(
        samples((at) => 1000 - at * 10),
        BOUND,
      ).isFlat,
    ).toBe(true)
  })

  it('small values have their slack', () => {
    const rising = samples((at) => at / 40)
    expect([trendOf(rising, BOUND), trendOf(rising, { share: 0.05, slack: 0.2 })].map(({ isFlat }) => isFlat)).toEqual([true, false])
  })

  it('samples that are missing are no flat trend', () => {
    expect(trendOf([], BOUND).isFlat).toBe(false)
  })
})
