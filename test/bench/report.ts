/** What was measured as tables, for a terminal and for a page. */
import type { Contest } from './contests.ts'
import type { Measure, Score } from './measure.ts'
import { median, ratioOf } from './statistics.ts'

/** The first row names the columns; its first cell is the title. */
export interface Table {
  readonly rows: readonly (readonly string[])[]
}

export const valuesOf = (score: Score | undefined, member: keyof Measure) => (score?.rounds ?? []).map((round) => round[member])
export const shown = (value: number, digits: number) => (Number.isFinite(value) ? value.toFixed(digits) : '-')
const percent = (share: number) => (Number.isFinite(share) ? `${(share * 100).toFixed(0)} %` : '-')

/** The ratio is Purser's rate through the other's: above 1 Purser is faster. */
export function contestTable(contest: Contest, scores: readonly Score[]): Table {
  const find = (name: string | undefined) => scores.find(({ contender }) => contender === name)
  const ours = find(contest.purser)
  const connections = scores[0]?.connections ?? 0
  const direct = median(valuesOf(find(contest.direct), 'p50_ms'))
  const columns = ['req/s', 'Purser ÷', 'by CPU', 'p50 ms', 'added', 'p99 ms', 'CPU µs', 'core', 'load']
  const rows = scores.map((score) => {
    if (score.failed !== null) return [score.contender, 'failed', ...columns.slice(1).map(() => '')]
    const middle = (member: keyof Measure) => median(valuesOf(score, member))
    return [
      `${score.contender}${isLimitedByLoad(score) ? ' *' : ''}`,
      shown(middle('rate'), 0),
      shown(ratioOf(valuesOf(ours, 'rate'), valuesOf(score, 'rate')), 2),
      shown(ratioOf(valuesOf(score, 'cpu_us'), valuesOf(ours, 'cpu_us')), 2),
      shown(middle('p50_ms'), 3),
      shown(connections === 1 ? middle('p50_ms') - direct : Number.NaN, 3),
      shown(middle('p99_ms'), 2),
      shown(middle('cpu_us'), 0),
      percent(middle('share')),
      percent(middle('driverShare')),
    ]
  })
  return { rows: [[`${contest.title}, ${connections} at once`, ...columns], ...rows] }
}

/** The load and the origin had more to do than the proxy, so that its rate is theirs; processor time still compares. */
export function isLimitedByLoad(score: Score): boolean {
  const [own, drivers] = [median(valuesOf(score, 'share')), median(valuesOf(score, 'driverShare'))]
  return score.connections > 1 && Number.isFinite(own) && drivers > own
}

export function markdownOf({ rows: [head = [], ...rows] }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}
