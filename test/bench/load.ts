/**
 * The load, a process of its own: raw sockets in a closed loop, each asking again as soon as it has its whole answer.
 * Every answer must be a 200 of the length it states; anything else ends the run. Bounded in time and in number.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { z } from 'zod'
import { Durations, percentile } from './statistics.ts'

export const Job = z.object({
  port: z.number(),
  /** Sent first, and answered with 200, where the way is a tunnel. */
  connect: z.string().nullable(),
  /** Spoken inside, where the way has TLS. */
  tls: z.object({ servername: z.string(), caFile: z.string() }).nullable(),
  /** One head for each connection in turn; `{n}` becomes another number for each request. */
  heads: z.array(z.string()).min(1),
  connections: z.number(),
  warmup_ms: z.number(),
  duration_ms: z.number(),
})
export type Job = z.infer<typeof Job>

export const Result = z.object({
  /** Answers within the measured time, and with those of the warm-up. */
  count: z.number(),
  total: z.number(),
  elapsed_ms: z.number(),
  p50_ms: z.number(),
  p99_ms: z.number(),
})
export type Result = z.infer<typeof Result>

const MAX_DURATIONS = 1_000_000
const MAX_REQUESTS = 10_000_000
const HEAD_END = '\r\n\r\n'

/** Counts from zero again when the warm-up ends. */
export class Tally {
  readonly #durations = new Durations(MAX_DURATIONS)
  #total = 0
  #started = performance.now()

  get total(): number {
    return this.#total
  }

  add(duration_ms: number): void {
    this.#total++
    this.#durations.add(duration_ms)
  }

  restart(): void {
    this.#durations.clear()
    this.#started = performance.now()
  }

  result(): Result {
    const elapsed_ms = performance.now() - this.#started
    const sorted = this.#durations.sorted()
    const [p50_ms, p99_ms] = [percentile(sorted, 0.5), percentile(sorted, 0.99)]
    return { count: this.#durations.count, total: this.#total, elapsed_ms, p50_ms, p99_ms }
  }
}

/** Runs `ask` in as many loops at once as there are `lanes`, until the time is over. @throws what `ask` throws. */
export async function inLoops(
  { lanes, warmup_ms, duration_ms }: { lanes: number; warmup_ms: number; duration_ms: number },
  ask: (lane: number, n: number) => Promise<unknown>,
): Promise<Result> {
  const tally = new Tally()
  let running = true
  let n = 0
  const loop = async (lane: number) => {
    while (running && tally.total < MAX_REQUESTS) {
      const started = performance.now()
      await ask(lane, n++)
      tally.add(performance.now() - started)
    }
  }
  const loops = Promise.all(Array.from({ length: lanes }, (_, lane) => loop(lane)))
  await Promise.race([loops, pause(warmup_ms)])
  tally.restart()
  await Promise.race([loops, pause(duration_ms)])
  const result = tally.result()
  running = false
  await loops
  return result
}

const pause = (duration_ms: number) => new Promise((resolve) => setTimeout(resolve, duration_ms))

/** One connection, one request at a time. */
class Line {
  readonly #socket: Socket
  readonly #parts: string[]
  #rest: Buffer = Buffer.alloc(0)
  #waiting: PromiseWithResolvers<void> | undefined

  constructor(socket: Socket, head: string) {
    this.#socket = socket
    this.#parts = head.split('{n}')
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', (fault) => this.#waiting?.reject(fault))
    socket.on('close', () => this.#waiting?.reject(new Error('the connection was closed before an answer came')))
  }

  ask(n: number): Promise<void> {
    this.#waiting = Promise.withResolvers()
    this.#socket.write(this.#parts.join(`${n}`), 'latin1')
    return this.#waiting.promise
  }

  end(): void {
    this.#waiting = undefined
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const end = bytes.indexOf(HEAD_END)
    this.#rest = bytes
    if (end < 0) return
    const head = bytes.toString('latin1', 0, end)
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    if (!head.startsWith('HTTP/1.1 200') || length === undefined) {
      this.#waiting?.reject(new Error(`not the answer that was asked for:\n${bytes.toString('latin1', 0, 2_000)}`))
      return
    }
    if (bytes.length < end + HEAD_END.length + Number(length)) return
    this.#rest = Buffer.alloc(0)
    this.#waiting?.resolve()
  }
}

async function openLine(job: Job, at: number): Promise<Line> {
  const socket = createConnection({ port: job.port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  if (job.connect !== null) {
    socket.write(job.connect)
    const [answer] = await once(socket, 'data')
    if (!String(answer).startsWith('HTTP/1.1 200')) throw new Error(`CONNECT was answered with:\n${answer}`)
  }
  const head = job.heads[at % job.heads.length] ?? ''
  if (!job.tls) return new Line(socket, head)
  const { servername, caFile } = job.tls
  const secure = connectTls({ socket, servername, ca: readFileSync(caFile), ALPNProtocols: ['http/1.1'] })
  await once(secure, 'secureConnect')
  return new Line(secure, head)
}

async function run(job: Job): Promise<Result> {
  const lines = await Promise.all(Array.from({ length: job.connections }, (_, at) => openLine(job, at)))
  try {
    return await inLoops({ ...job, lanes: job.connections }, (lane, n) => lines[lane]?.ask(n) ?? Promise.resolve())
  } finally {
    for (const line of lines) line.end()
  }
}

/** Takes jobs over the channel of its parent, one at a time, for ever. */
export function serveJobs<J>(schema: z.ZodType<J>, work: (job: J) => Promise<Result>): void {
  process.on('message', (message) => {
    work(schema.parse(message)).then(
      (result) => process.send?.(result),
      (fault: unknown) => {
        console.error(fault)
        process.exit(1)
      },
    )
  })
  process.on('disconnect', () => process.exit(0))
  console.log('{}')
}

if (import.meta.main) serveJobs(Job, run)
