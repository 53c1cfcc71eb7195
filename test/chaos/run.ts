/**
 * Chaos, by one command:
 *
 *   node test/chaos/run.ts [--histories N] [--from SEED] [--workers N] [--adapter sqlite|postgres] [--control NAME] [--seed SEED]
 *
 * Lives through that many histories (PURSER_HISTORIES, else 100,000) and ends with 1 where one breaks an invariant: its
 * seed is printed with the smallest plan found that does the same, and what happened in it. `--seed` explains one.
 */
import { availableParallelism, constants, setPriority } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { z } from 'zod'
import { type Job, type Report, reportSchema } from './jobs.ts'

const MAX_WORKERS = 8
/** Nearly all that a history makes dies with it, so young memory is seldom worth looking through. In megabytes. */
const YOUNG_MB = 96

const { values } = parseArgs({
  options: {
    histories: { type: 'string', default: process.env.PURSER_HISTORIES ?? '100000' },
    from: { type: 'string', default: '1' },
    workers: { type: 'string', default: String(Math.min(availableParallelism(), MAX_WORKERS)) },
    adapter: { type: 'string' },
    control: { type: 'string' },
    seed: { type: 'string' },
  },
})
const number = z.coerce.number().int().positive()
const flags = z
  .object({
    ...{ histories: number, from: number, workers: number, seed: number.optional() },
    ...{ adapter: z.enum(['sqlite', 'postgres']).optional(), control: z.string().optional() },
  })
  .parse(values)
const { adapter, control } = flags
const scope = { ...(adapter && { adapter }), ...(control && { control }) }

function inWorker(job: Job): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const preload = new URL('small-caches.ts', import.meta.url).href
    const worker = new Worker(new URL('worker.ts', import.meta.url), {
      ...{ workerData: job, execArgv: ['--import', preload] },
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('a worker ended without a report')))
  })
}

async function campaign(): Promise<readonly Report[]> {
  const { histories, from, workers } = flags
  const share = (at: number) => Math.floor((histories + workers - 1 - at) / workers)
  const jobs = Array.from(
    { length: workers },
    (_, at): Job => ({ kind: 'share', ...scope, from: from + at, step: workers, histories: share(at) }),
  )
  return z.array(reportSchema).parse(await Promise.all(jobs.map(inWorker)))
}

async function explained(seed: number): Promise<string> {
  return z.string().parse(await inWorker({ kind: 'explain', ...scope, seed }))
}

async function main(): Promise<number> {
  // For what runs beside: many minutes of nothing but work, where others wait for times to pass. Its workers have it from here.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
  if (flags.seed !== undefined) {
    console.log(await explained(flags.seed))
    return 0
  }
  const started = performance.now()
  const reports = await campaign()
  const sum = (member: 'histories' | 'steps' | 'signed') => reports.reduce((total, report) => total + report[member], 0)
  const seconds = ((performance.now() - started) / 1_000).toFixed(1)
  const digest = reports.map((report) => report.digest).join('-')
  console.log(`${sum('histories')} histories, ${sum('signed')} payments signed, ${sum('steps')} steps, digest ${digest}, ${seconds} s`)
  const [found] = reports.flatMap((report) => report.found ?? []).sort((a, b) => a.seed - b.seed)
  if (!found) return 0
  const again = [`--seed ${found.seed}`, ...(control ? [`--control ${control}`] : []), ...(adapter ? [`--adapter ${adapter}`] : [])].join(
    ' ',
  )
  console.log(`seed ${found.seed}: ${found.message}\n\n${await explained(found.seed)}\n\nAgain: node test/chaos/run.ts ${again}`)
  return 1
}

process.exitCode = await main()
