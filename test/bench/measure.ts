/** One contest after the other, each contender in turn, round after round; and what the processes had to do meanwhile. */
import type { Contender, Contest, Pace } from './contests.ts'

export interface Measure {
  readonly rate: number
  readonly p50_ms: number
  readonly p99_ms: number
  /** Processor time of the measured process for each request. */
  readonly cpu_us: number
  /** How much of a core the measured process used, and the load and the origin together on theirs. */
  readonly share: number
  readonly driverShare: number
}

export interface Score {
  readonly contest: string
  readonly contender: string
  readonly connections: number
  readonly rounds: readonly Measure[]
  /** Why it has no figures: what it did instead of the work. */
  readonly failed: string | null
}

export interface Drivers {
  /** Of load and origin together. */
  cpu_ms(): number
}

export interface HoldOptions {
  readonly contest: Contest
  readonly connections: number
  readonly rounds: number
  readonly times: Pick<Pace, 'warmup_ms' | 'duration_ms'>
  /** Of the round that is not kept; the compilers of Node and of others are done by its end. */
  readonly settling_ms?: number
  readonly drivers: Drivers
}

async function measure(contender: Contender, pace: Pace, drivers: Drivers): Promise<Measure> {
  const before = { own: contender.cpu_ms(), drivers: drivers.cpu_ms(), at: performance.now() }
  const { count, total, elapsed_ms, p50_ms, p99_ms } = await contender.run(pace)
  const lasted_ms = performance.now() - before.at
  const own_ms = contender.cpu_ms() - before.own
  return {
    rate: (count / elapsed_ms) * 1000,
    p50_ms,
    p99_ms,
    cpu_us: (own_ms * 1000) / total,
    share: own_ms / lasted_ms,
    driverShare: (drivers.cpu_ms() - before.drivers) / lasted_ms,
  }
}

/**
 * A B A B: in every round each contender once. One round before the first warms all of them and is not kept. Who fails, for
 * instance by another answer than was asked for, is out of this contest, and its score says why.
 */
export async function hold({ contest, connections, rounds, times, settling_ms, drivers }: HoldOptions): Promise<Score[]> {
  const entries = contest.contenders.map((contender) => ({ contender, rounds: [] as Measure[], failed: null as string | null }))
  for (let round = 0; round <= rounds; round++) {
    const pace = { connections, ...times, ...(round === 0 && settling_ms !== undefined ? { duration_ms: settling_ms } : {}) }
    for (const entry of entries.filter(({ failed }) => failed === null)) {
      try {
        const measured = await measure(entry.contender, pace, drivers)
        if (round > 0) entry.rounds.push(measured)
      } catch (fault) {
        entry.failed = fault instanceof Error ? fault.message : String(fault)
        process.stderr.write(`\n${contest.title}, ${connections}: ${entry.contender.name} failed: ${entry.failed}\n`)
      }
    }
    process.stderr.write('.')
  }
  process.stderr.write(` ${contest.title}, ${connections}\n`)
  return entries.map(({ contender, rounds: kept, failed }) => ({
    ...{ contest: contest.title, contender: contender.name, connections },
    ...{ rounds: failed === null ? kept : [], failed },
  }))
}
