/** The real program as an operator starts it, with a hand on where it dies. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { MAIN } from '../program.ts'
import { parseJson } from '../testnet/wire.ts'

const PRELOAD = pathToFileURL(join(import.meta.dirname, 'preload.ts')).href
const EXIT_TIMEOUT_MS = 20_000

export interface Plan {
  readonly waypoint: string
  /** The how manieth pass is the last. */
  readonly pass: number
  /** A file that does not exist: of several processes only the first one dies. */
  readonly once?: string
}

export interface Place {
  readonly configFile: string
  readonly dataDir: string
  readonly env: Readonly<Record<string, string>>
}

const placesSchema = z.looseObject({ proxyUrl: z.string(), adminUrl: z.string(), walletAddress: z.string() })

export class PurserProcess {
  readonly #child: ChildProcess
  readonly #log: string[]
  readonly ended: Promise<NodeJS.Signals | null>
  readonly proxyUrl: string
  readonly adminUrl: string
  readonly walletAddress: string
  readonly #adminToken: string

  private constructor(child: ChildProcess, { log, adminToken, places }: Started) {
    this.#child = child
    this.#log = log
    this.ended = endOf(child)
    this.proxyUrl = places.proxyUrl
    this.adminUrl = places.adminUrl
    this.walletAddress = places.walletAddress
    this.#adminToken = adminToken
  }

  /** Resolves when it serves. A plan kills it from its first moment on; it may then never serve: undefined. */
  static async start(place: Place, plan?: Plan): Promise<PurserProcess | undefined> {
    const env = { ...process.env, ...place.env, ...(plan && { PURSER_CRASH: JSON.stringify(plan) }) }
    const child = spawn(process.execPath, ['--import', PRELOAD, MAIN, 'serve', '--config', place.configFile, '--json'], {
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const log: string[] = []
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => void log.push(text))
    const first = child.stdout && once(createInterface({ input: child.stdout }), 'line')
    const line = await Promise.race([first, endOf(child)])
    if (!Array.isArray(line)) {
      if (child.signalCode === 'SIGKILL') return undefined
      throw new Error(`purser ended before it served: ${log.join('')}`)
    }
    const places = placesSchema.safeParse(parseJson(String(line[0]))).data
    if (!places) throw new Error(`purser said something else first: ${log.join('')}`)
    const adminToken = (await readFile(join(place.dataDir, 'admin.token'), 'utf8')).trim()
    return new PurserProcess(child, { log, adminToken, places })
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('it was never started')
    return this.#child.pid
  }

  get killed(): boolean {
    return this.#child.signalCode === 'SIGKILL'
  }

  get log(): string {
    return this.#log.join('')
  }

  async arm(plan: Plan): Promise<void> {
    const armed = once(this.#child, 'message')
    this.#child.send(plan)
    await Promise.race([armed, this.ended])
  }

  /** SIGTERM, and wait for the end. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    if ((await this.within(EXIT_TIMEOUT_MS)) === undefined) throw new Error(`it does not stop: ${this.log}`)
  }

  /** Waits for the end; `undefined` where it still runs after this time. */
  async within(ms: number): Promise<NodeJS.Signals | null | undefined> {
    const late = Promise.withResolvers<undefined>()
    const timer = setTimeout(() => late.resolve(undefined), ms)
    try {
      return await Promise.race([this.ended, late.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** Rejects where the process dies meanwhile. */
  async admin(path: string, init: { readonly method?: string; readonly body?: unknown } = {}): Promise<Record<string, unknown>> {
    const headers = { authorization: `Bearer ${this.#adminToken}`, 'content-type': 'application/json' }
    const { method = 'GET', body } = init
    const url = new URL(path, this.adminUrl)
    const answer = await fetch(url, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) }).catch((cause: unknown) => {
      throw new Error(`${method} ${path} (${this.#child.exitCode}, ${this.#child.signalCode}): ${this.log.slice(-3_000)}`, { cause })
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text))
  }
}

interface Started {
  readonly log: string[]
  readonly adminToken: string
  readonly places: z.infer<typeof placesSchema>
}

function endOf(child: ChildProcess): Promise<NodeJS.Signals | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.signalCode)
  return new Promise((done) => child.once('exit', (_, signal) => done(signal)))
}
