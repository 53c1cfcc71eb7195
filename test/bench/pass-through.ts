/** The four ways through a proxy, with small and large answers, alone and among many. */
import { absoluteForm, blindConnect, type Contest, type Extent, type Field, intercepted, reverse } from './contests.ts'
import { type Drivers, type HoldOptions, hold, type Score } from './measure.ts'
import type { Peer } from './peers.ts'
import { contestTable, type Table } from './report.ts'
import type { Size } from './sizes.ts'

export interface Effort {
  readonly rounds: number
  readonly times: HoldOptions['times']
  /** Before the first row of a contest, whose processes have just begun. */
  readonly settling_ms: number
}

export interface Outcome {
  readonly tables: readonly Table[]
  readonly scores: readonly Score[]
}

const WAYS: Readonly<Record<string, (field: Field, extent?: Extent) => Promise<Contest>>> = {
  absoluteForm,
  reverse,
  blindConnect,
  intercepted,
}

/** The rows that the aims rest on are measured longest. */
const ROWS: readonly { readonly size: Size; readonly connections: number; readonly isMain: boolean }[] = [
  { size: 'small', connections: 32, isMain: true },
  { size: 'small', connections: 1, isMain: true },
  { size: 'small', connections: 256, isMain: false },
  { size: 'large', connections: 32, isMain: false },
  { size: 'large', connections: 1, isMain: false },
  { size: 'large', connections: 256, isMain: false },
]

export interface PassThroughOptions {
  readonly field: Field
  readonly peers: readonly Peer[]
  readonly drivers: Drivers
  readonly main: Effort
  readonly other: Effort
  /** A part of the way's name. */
  readonly only: string
}

export async function passThrough({ field, peers, drivers, only, ...efforts }: PassThroughOptions): Promise<Outcome> {
  const tables: Table[] = []
  const scores: Score[] = []
  for (const [name, make] of Object.entries(WAYS)) {
    if (!name.toLowerCase().includes(only)) continue
    await using started = new AsyncDisposableStack()
    for (const size of ['small', 'large'] as const) {
      const contest = await make({ ...field, started }, { size, peers })
      for (const [at, row] of ROWS.filter((one) => one.size === size).entries()) {
        const { settling_ms, ...effort } = row.isMain ? efforts.main : efforts.other
        const held = await hold({ contest, connections: row.connections, drivers, ...effort, ...(at === 0 ? { settling_ms } : {}) })
        scores.push(...held)
        tables.push(contestTable(contest, held))
      }
    }
  }
  return { tables, scores }
}
