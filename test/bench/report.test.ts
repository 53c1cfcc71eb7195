import { describe, expect, it } from 'vitest'
import type { Score } from './measure.ts'
import { contestTable, isLimitedByLoad, markdownOf } from './report.ts'

const round = { rate: 100, p50_ms: 1, p99_ms: 2, cpu_us: 50, share: 0.9, driverShare: 0.5 }

function scoreOf(contender: string, changes: Partial<typeof round> = {}, more: Partial<Score> = {}): Score {
  return { contest: 'c', contender, connections: 32, rounds: [{ ...round, ...changes }], failed: null, ...more }
}

describe('report', () => {
  it('a ratio above 1 says that Purser is faster', () => {
    const contest = { title: 'c', purser: 'Purser', contenders: [] }
    const { rows } = contestTable(contest, [scoreOf('peer', { rate: 50, cpu_us: 200 }), scoreOf('Purser')])
    expect(rows[1]?.slice(0, 4)).toEqual(['peer', '50', '2.00', '4.00'])
  })

  it('who failed is named without figures', () => {
    const { rows } = contestTable({ title: 'c', purser: 'Purser', contenders: [] }, [scoreOf('peer', {}, { rounds: [], failed: 'a 502' })])
    expect(rows[1]?.slice(0, 3)).toEqual(['peer', 'failed', ''])
  })

  it('a row whose load had more to do than the proxy is marked, one connection alone is not', () => {
    const busy = { share: 0.5, driverShare: 0.9 }
    expect([scoreOf('a', busy), scoreOf('a'), scoreOf('a', busy, { connections: 1 })].map(isLimitedByLoad)).toEqual([true, false, false])
  })

  it('a table for a page has its numbers on the right', () => {
    expect(
      markdownOf({
        rows: [
          ['way', 'rate'],
          ['a', '1'],
        ],
      }),
    ).toBe('| way | rate |\n| --- | ---: |\n| a | 1 |')
  })
})
