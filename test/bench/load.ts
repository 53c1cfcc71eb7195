/**
 * The load, a process of its own: raw sockets in a closed loop, each asking again as soon as it has its whole answer.
 * Every answer must have the status and the length that were asked for; anything else fails the job. Bounded in time and in number.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { z } from 'zod'
import { AnswerReader } from './answers.ts'
import { Durations, percentile } from './statistics.ts'

export const Job = z.object({
  port: z.number(),
  /** Sent first, and answered with 200, where the way is a tunnel. */
  connect: z.string().nullable(),
  /** Spoken inside, where the way has TLS. */
  tls: z.object({ servername: z.string(), caFile: z.string() }).nullable(),
  /** One head for each connection in turn; `{n}` becomes another number for each request. */
  heads: z.array(z.string()).min(1),
  /** What every answer must be; -1: a body of any length. */
  status: z.number(),
  bodyBytes: z.number(),
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
/** How long the last answers may take when the time is over. */
const PATIENCE_MS = 30_000

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

/** One connection that asks again as soon as it has its answer. */
class Line {
  readonly #socket: Socket
  readonly #parts: readonly string[]
  readonly #onFault: (fault: Error) => void
  readonly #onAnswer: (line: Line, duration_ms: number) => void
  #asked = 0

  constructor(socket: Socket, { head, status, bodyBytes }: { head: string; status: number; bodyBytes: number }, on: LineEvents) {
    this.#socket = socket
    this.#parts = head.split('{n}')
    this.#onFault = on.fault
    this.#onAnswer = on.answer
    const reader = new AnswerReader((answer) => {
      if (answer.status !== status || (bodyBytes >= 0 && answer.bodyBytes !== bodyBytes))
        throw new Error(`expected ${status} with ${bodyBytes} bytes, got ${answer.status} with ${answer.bodyBytes}`)
      this.#onAnswer(this, performance.now() - this.#asked)
    })
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.take(chunk)
      } catch (cause) {
        this.#onFault(new Error(`not the answer that was asked for: ${chunk.toString('latin1', 0, 1_000)}`, { cause }))
      }
    })
    socket.on('error', this.#onFault)
    socket.on('close', () => this.#onFault(new Error('the connection was closed before an answer came')))
  }

  ask(n: number): void {
    this.#asked = performance.now()
    this.#socket.write(this.#parts.join(`${n}`), 'latin1')
  }

  end(): void {
    this.#socket.removeAllListeners('close')
    this.#socket.destroy()
  }
}

interface LineEvents {
  readonly answer: (line: Line, duration_ms: number) => void
  readonly fault: (fault: Error) => void
}

async function openLine(job: Job, at: number, on: LineEvents): Promise<Line> {
  const socket = createConnection({ port: job.port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  if (job.connect !== null) {
    socket.write(job.connect)
    const [answer] = await once(socket, 'data')
    if (!/^HTTP\/1\.[01] 200/.test(String(answer))) throw new Error(`CONNECT was answered with:\n${answer}`)
  }
  const asked = { ...job, head: job.heads[at % job.heads.length] ?? '' }
  if (!job.tls) return new Line(socket, asked, on)
  const { servername, caFile } = job.tls
  const secure = connectTls({ socket, servername, ca: readFileSync(caFile), ALPNProtocols: ['http/1.1'] })
  await once(secure, 'secureConnect')
  return new Line(secure, asked, on)
}

/** In a closed loop, without a promise for each request: the load must be able to outrun what it measures. */
async function run(job: Job): Promise<Result> {
  const tally = new Tally()
  const ended = Promise.withResolvers<never>()
  let running = true
  let n = 0
  let waiting = job.connections
  const idle = Promise.withResolvers<void>()
  const answer = (line: Line, duration_ms: number) => {
    tally.add(duration_ms)
    if (running && tally.total < MAX_REQUESTS) line.ask(n++)
    else if (--waiting === 0) idle.resolve()
  }
  const lines: Line[] = []
  try {
    for (let at = 0; at < job.connections; at++) lines.push(await openLine(job, at, { answer, fault: ended.reject }))
    for (const line of lines) line.ask(n++)
    await Promise.race([ended.promise, pause(job.warmup_ms)])
    tally.restart()
    await Promise.race([ended.promise, idle.promise, pause(job.duration_ms)])
    const result = tally.result()
    running = false
    await Promise.race([ended.promise, idle.promise, pause(PATIENCE_MS).then(() => Promise.reject(new Error('an answer did not come')))])
    return result
  } finally {
    ended.promise.catch(() => undefined)
    for (const line of lines) line.end()
  }
}

/** Takes jobs over the channel of its parent, one at a time, for ever; one that fails is answered with `{ fault }`. */
export function serveJobs<J>(schema: z.ZodType<J>, work: (job: J) => Promise<Result>): void {
  process.on('message', (message) => {
    work(schema.parse(message)).then(
      (result) => process.send?.(result),
      (fault: unknown) => process.send?.({ fault: fault instanceof Error ? `${fault.message} ${fault.cause ?? ''}` : String(fault) }),
    )
  })
  process.on('disconnect', () => process.exit(0))
  console.log('{}')
}

if (import.meta.main) serveJobs(Job, run)
