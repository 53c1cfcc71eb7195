/** What the ratios should be at least, or at most, and what they were in this run. */
import type { Measure, Score } from './measure.ts'
import { shown, type Table, valuesOf } from './report.ts'
import { median, ratioOf } from './statistics.ts'

interface Aim {
  readonly text: string
  readonly bound: { readonly least: number } | { readonly most: number }
  readonly stretch: number
  /** NaN where the run has no such rows. */
  value(scores: readonly Score[]): number
}

interface Row {
  readonly contest: string
  readonly connections: number
}

const PASS = 'pass-through,'
const REVERSE = { contest: `${PASS} reverse, 1 KB`, connections: 32 }
const ABSOLUTE = { contest: `${PASS} absolute form, 1 KB`, connections: 32 }
const BLIND = { contest: `${PASS} CONNECT blind, 1 KB`, connections: 32 }
const INTERCEPTED = { contest: `${PASS} CONNECT intercepted, 1 KB`, connections: 32 }
const PAID = { contest: 'paid requests', connections: 32 }
const ALONE = { contest: 'paid requests', connections: 1 }
const BEHIND = '@x402/fetch behind http'

function find(scores: readonly Score[], { contest, connections }: Row, name: string): Score | undefined {
  return scores.find((score) => score.contest === contest && score.connections === connections && score.contender === name)
}

/** How often the work of the first fits into the processor time of the second: rates would be the load's where that is the limit. */
const perCpu =
  (row: Row, name: string, ours = 'Purser') =>
  (scores: readonly Score[]) =>
    ratioOf(valuesOf(find(scores, row, name), 'cpu_us'), valuesOf(find(scores, row, ours), 'cpu_us'))

const part =
  (row: Row, name: string, member: keyof Measure, ours = 'Purser') =>
  (scores: readonly Score[]) =>
    ratioOf(valuesOf(find(scores, row, ours), member), valuesOf(find(scores, row, name), member))

function addedPart(scores: readonly Score[]): number {
  const row = { ...REVERSE, connections: 1 }
  const [direct = Number.NaN, peer = Number.NaN, ours = Number.NaN] = ['no proxy', 'http-proxy-3', 'Purser'].map((name) =>
    median(valuesOf(find(scores, row, name), 'p50_ms')),
  )
  return (ours - direct) / (peer - direct)
}

const AIMS: readonly Aim[] = [
  { text: 'reverse, against nginx', bound: { least: 0.33 }, stretch: 0.5, value: perCpu(REVERSE, 'nginx') },
  { text: 'reverse, against http-proxy-3', bound: { least: 2.2 }, stretch: 3.5, value: perCpu(REVERSE, 'http-proxy-3') },
  { text: 'reverse, against fast-proxy', bound: { least: 1.3 }, stretch: 2, value: perCpu(REVERSE, 'fast-proxy') },
  { text: 'absolute form, against squid', bound: { least: 1.4 }, stretch: 2, value: perCpu(ABSOLUTE, 'squid') },
  { text: 'absolute form, against mitmproxy', bound: { least: 20 }, stretch: 25, value: perCpu(ABSOLUTE, 'mitmproxy') },
  { text: 'added p50 alone, against what http-proxy-3 adds', bound: { most: 0.6 }, stretch: 0.35, value: addedPart },
  { text: 'blind CONNECT, against haproxy tcp', bound: { least: 0.7 }, stretch: 0.75, value: perCpu(BLIND, 'haproxy, tcp') },
  { text: 'blind CONNECT, against sockets piped', bound: { least: 0.95 }, stretch: 1, value: perCpu(BLIND, 'bare Node: sockets piped') },
  { text: 'intercepted, against squid', bound: { least: 1.1 }, stretch: 2, value: perCpu(INTERCEPTED, 'squid') },
  { text: 'intercepted, against nginx, TLS to TLS', bound: { least: 0.3 }, stretch: 0.5, value: perCpu(INTERCEPTED, 'nginx, TLS to TLS') },
  { text: 'intercepted, against mockttp', bound: { least: 7 }, stretch: 13, value: perCpu(INTERCEPTED, 'mockttp') },
  { text: 'paid, 32 agents, against @x402/fetch behind a plain server', bound: { least: 5 }, stretch: 8, value: perCpu(PAID, BEHIND) },
  { text: 'paid, 32 agents, against @x402/fetch alone', bound: { least: 4 }, stretch: 6, value: perCpu(PAID, '@x402/fetch alone') },
  {
    text: 'pre-emptive, 32 agents, against @x402/fetch behind a plain server',
    bound: { least: 7 },
    stretch: 10,
    value: perCpu(PAID, BEHIND, 'Purser, pre-emptive'),
  },
  { text: 'paid p50, one agent, against the same', bound: { most: 0.65 }, stretch: 0.5, value: part(ALONE, BEHIND, 'p50_ms') },
  { text: 'paid p99, 32 agents, against the same', bound: { most: 0.2 }, stretch: 0.1, value: part(PAID, BEHIND, 'p99_ms') },
]

/** Ratios of rates by processor time for each request. Rows that this run did not measure are left out. */
export function aimsTable(scores: readonly Score[]): Table {
  const rows = AIMS.map((aim) => ({ ...aim, is: aim.value(scores) })).filter(({ is }) => Number.isFinite(is))
  return {
    rows: [
      ['aims, by CPU', 'aim', 'stretch', 'this run', ''],
      ...rows.map(({ text, bound, stretch, is }) => {
        const isLeast = 'least' in bound
        const reached = isLeast ? is >= bound.least : is <= bound.most
        const aim = isLeast ? `≥ ${bound.least}` : `≤ ${bound.most}`
        return [text, aim, `${stretch}`, shown(is, 2), reached ? 'reached' : 'not reached']
      }),
    ],
  }
}
