/**
 * A long run at a steady rate, with faults: `npm run soak`. The origin resets, is slow, fails after the payment or asks for
 * another; agents go away in the midst; sessions expire; hosts are new. Meanwhile the heap after a collection, the resident
 * memory, the descriptors and the metric series are sampled, and the run fails where one of them rises (trend.ts).
 *
 *   node test/bench/soak.ts [--minutes 20] [--hours N] [--rate 300] [--seed N] [--main FILE] [--folder DIR] [--json FILE]
 */
import { readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request as startRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { makeTestTls } from '../testnet/certificates.ts'
import { LOAD_CORE, startProcess } from './processes.ts'
import { type PurserProcess, type Session, startPurserProcess } from './purser-process.ts'
import { seededRandom } from './random.ts'
import { tableText } from './statistics.ts'
import { type Bound, type Sample, trendOf } from './trend.ts'

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    hours: { type: 'string' },
    rate: { type: 'string', default: '300' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    main: { type: 'string', default: 'dist/main.js' },
    folder: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
  },
})
const positive = z.coerce.number().positive()
const minutes = flags.hours === undefined ? positive.parse(flags.minutes) : positive.parse(flags.hours) * 60
const rate = positive.parse(flags.rate)
const seed = z.coerce.number().int().parse(flags.seed)

const TICK_MS = 20
const SAMPLE_MS = 5_000
/** Sessions that last, and how often one joins them that soon expires. */
const LASTING = 64
const SHORT_EVERY_MS = 2_000
const SHORT_TTL = '30s'
/** Short sessions are used for longer than they live. */
const SHORT_KEPT = 30
const ADDRESSES = 200
const MAX_WAITING = 2_000
const MIB = 1_048_576
/** Of what is sent, at least so much must end as a paid answer. */
const LEAST_PAID_SHARE = 0.5

const BOUNDS: Readonly<Record<string, Bound>> = {
  'heap after collection, MiB': { share: 0.05, slack: 4 },
  'resident, MiB': { share: 0.1, slack: 16 },
  descriptors: { share: 0.1, slack: 32 },
  'metric series': { share: 0.02, slack: 5 },
}

const random = seededRandom(seed)
const agent = new Agent({ keepAlive: true, maxSockets: MAX_WAITING })
const outcomes = new Map<string, number>()
let waiting = 0
let sent = 0

function count(name: string): void {
  outcomes.set(name, (outcomes.get(name) ?? 0) + 1)
}
const pick = <Item>(items: readonly Item[]): Item | undefined => items[Math.floor(random() * items.length)]

/** One in ten is free, one in a hundred goes away before its answer. */
function ask(purserPort: number, originPort: number, { id, token }: Session): void {
  if (waiting >= MAX_WAITING) {
    count('not sent: too many wait')
    return
  }
  waiting++
  sent++
  const host = `127.0.1.${1 + Math.floor(random() * ADDRESSES)}:${originPort}`
  const path = `http://${host}/${random() < 0.1 ? 'free' : 'data'}?n=${sent}`
  const headers = { host, 'proxy-authorization': `Basic ${Buffer.from(`${id}:${token}`).toString('base64')}` }
  const request = startRequest({ host: '127.0.0.1', port: purserPort, path, headers, agent })
  const end = (name: string) => {
    if (request.destroyed && request.closed) return
    count(name)
  }
  const leaving = random() < 0.01 ? setTimeout(() => request.destroy(), random() * 20) : undefined
  request.on('response', (response) => {
    const name = response.headers['purser-payment'] === undefined ? `${response.statusCode}` : `${response.statusCode} with a payment`
    response.resume()
    response.on('error', () => undefined)
    response.on('end', () => end(name))
  })
  request.on('error', () => end(leaving ? 'left' : 'connection lost'))
  request.on('close', () => {
    waiting--
    clearTimeout(leaving)
  })
  request.end()
}

const Heap = z.object({ heap_bytes: z.number() })

class Samples {
  readonly #started = performance.now()
  readonly all = new Map<string, Sample[]>()

  async take(purser: PurserProcess): Promise<void> {
    const { heap_bytes } = await purser.ask({}, Heap)
    const text = await (await fetch(new URL('/metrics', purser.adminUrl))).text()
    this.#add('heap after collection, MiB', heap_bytes / MIB)
    this.#add('resident, MiB', purser.rss_bytes() / MIB)
    this.#add('descriptors', readdirSync(`/proc/${purser.pid}/fd`).length)
    this.#add('metric series', text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length)
  }

  #add(name: string, value: number): void {
    const at_s = (performance.now() - this.#started) / 1000
    this.all.set(name, [...(this.all.get(name) ?? []), { at_s, value }])
  }
}

async function soak(purser: PurserProcess, originPort: number): Promise<Samples> {
  const sessions = await purser.openSessions(LASTING)
  const short: Session[] = []
  const samples = new Samples()
  const until = performance.now() + minutes * 60_000
  const load = setInterval(() => {
    for (let n = 0; n < (rate * TICK_MS) / 1000; n++) {
      const session = random() < 0.1 ? (pick(short) ?? pick(sessions)) : pick(sessions)
      if (session) ask(purser.port, originPort, session)
    }
  }, TICK_MS)
  let nextShort = 0
  try {
    for (let next = performance.now(); next < until; next = performance.now()) {
      await samples.take(purser)
      for (const end = next + SAMPLE_MS; performance.now() < end; await new Promise((wake) => setTimeout(wake, 100))) {
        if (performance.now() < nextShort) continue
        nextShort = performance.now() + SHORT_EVERY_MS
        short.push(...(await purser.openSessions(1, SHORT_TTL)))
        if (short.length > SHORT_KEPT) short.shift()
      }
    }
  } finally {
    clearInterval(load)
    agent.destroy()
  }
  return samples
}

function tell(samples: Samples): boolean {
  const shown = (value: number) => value.toFixed(1)
  const rows = [...samples.all].map(([name, list]) => {
    const trend = trendOf(list, BOUNDS[name] ?? { share: 0, slack: 0 })
    const cells = [list[0]?.value ?? Number.NaN, list.at(-1)?.value ?? Number.NaN, trend.mean, trend.rise, trend.allowed].map(shown)
    return { isFlat: trend.isFlat, cells: [name, ...cells, trend.isFlat ? 'flat' : 'NOT FLAT'] }
  })
  const head = ['last two thirds', 'first', 'last', 'mean', 'rise', 'allowed', '']
  console.log(`${tableText([head, ...rows.map(({ cells }) => cells)])}\n`)
  const ends = [...outcomes].sort(([, a], [, b]) => b - a).map(([name, times]) => [name, `${times}`])
  console.log(tableText([[`${sent} requests in ${minutes} minutes`, ''], ...ends]))
  const paid = outcomes.get('200 with a payment') ?? 0
  if (paid < sent * LEAST_PAID_SHARE) console.log(`only ${paid} of ${sent} were paid`)
  return rows.every(({ isFlat }) => isFlat) && paid >= sent * LEAST_PAID_SHARE
}

async function main(): Promise<void> {
  console.log(`seed ${seed}, ${rate} requests a second, ${minutes} minutes`)
  await using started = new AsyncDisposableStack()
  const folder = await mkdtemp(join(flags.folder, 'purser-soak-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, makeTestTls().ca)
  const ready = z.object({ port: z.number() })
  const file = join(import.meta.dirname, 'soak-origin.ts')
  const origin = started.use(await startProcess({ file, args: [`${seed}`, `${ADDRESSES}`], core: LOAD_CORE, ready }))
  const { port } = origin.ready
  const purser = started.use(
    await startPurserProcess({
      ...{ main: resolve(flags.main), folder, caFile, origin: { plain: port, tls: port, paid: port } },
      flags: ['--expose-gc', '--import', join(import.meta.dirname, 'soak-memory.mjs')],
      changes: { recipients: { verified: [{ host: '*' }] }, circuitBreaker: null },
    }),
  )
  const samples = await soak(purser, port)
  const isGood = tell(samples)
  if (flags.json)
    await writeFile(
      resolve(flags.json),
      JSON.stringify({ seed, rate, minutes, samples: Object.fromEntries(samples.all), outcomes: Object.fromEntries(outcomes) }),
    )
  if (!isGood) process.exitCode = 1
}

await main()
