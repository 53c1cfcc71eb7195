/** One of the workers of a campaign: lives through its share of the seeds, or explains one. */
import { createHash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { type Campaign, explain, run } from './campaign.ts'
import { CONTROLS } from './controls/controls.ts'
import { type Job, jobSchema, type Report, type Share } from './jobs.ts'

function* seedsOf({ from, histories, step }: Share): Generator<number> {
  for (let at = 0; at < histories; at++) yield from + at * step
}

function scopeOf({ adapter, control }: Pick<Job, 'adapter' | 'control'>): Omit<Campaign, 'seeds'> {
  const known = control === undefined ? undefined : CONTROLS.find(({ name }) => name === control)
  if (control !== undefined && !known) throw new Error(`no such control; there are: ${CONTROLS.map(({ name }) => name).join(', ')}`)
  return { ...(adapter && { adapter }), ...(known && { control: known }) }
}

/** Errors are part of life here, and where they came from is only asked when a history is explained. */
function forgetStacks(): void {
  Error.stackTraceLimit = 0
}

async function work(share: Share): Promise<Report> {
  forgetStacks()
  const sums = { histories: 0, steps: 0, signed: 0 }
  const digests = createHash('sha256')
  const found = await run({
    ...scopeOf(share),
    seeds: seedsOf(share),
    onHistory: ({ steps, signed, digest }) => {
      digests.update(digest)
      sums.histories++
      sums.steps += steps
      sums.signed += signed
    },
  })
  return {
    ...sums,
    digest: digests.digest('hex').slice(0, 16),
    found: found ? { seed: found.seed, message: found.violation.message } : null,
  }
}

const job = jobSchema.parse(workerData)
parentPort?.postMessage(job.kind === 'share' ? await work(job) : await explain(job.seed, scopeOf(job)))
