import { describe, expect, it } from 'vitest'
import { Durations, median, percentile, ratioOf, tableText } from './statistics.ts'

describe('statistics', () => {
  it('the median is the middle value whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([7])).toBe(7)
  })

  it('the median of an even number of values is the mean of the two in the middle', () => {
    expect(median([4, 1, 3, 100])).toBe(3.5)
  })

  it('nothing has no median and no percentile', () => {
    expect(median([])).toBeNaN()
    expect(percentile([], 0.5)).toBeNaN()
  })

  it('a percentile is a value that was seen, by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, at) => at + 1)
    expect([0, 0.5, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([1, 50, 99, 100])
    expect(percentile([3], 0.99)).toBe(3)
  })

  it('a ratio compares within rounds, so that a slow round does not count twice', () => {
    expect(ratioOf([100, 10, 200], [50, 5, 100])).toBe(2)
    expect(ratioOf([100, 10], [50])).toBe(2)
  })

  it('durations stay bounded and keep the newest', () => {
    const durations = new Durations(2)
    for (const value of [5, 3, 1]) durations.add(value)
    expect([...durations.sorted()]).toEqual([1, 3])
    expect(durations.count).toBe(3)
    durations.clear()
    expect([...durations.sorted()]).toEqual([])
  })

  it('a table has its first column left and the others right', () => {
    expect(
      tableText([
        ['way', 'rate'],
        ['a', '12345'],
      ]),
    ).toBe('way   rate\na    12345')
  })
})
