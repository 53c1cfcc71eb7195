/**
 * The team: all workers of one primary. It listens where agents come in and hands each connection to the next worker. A
 * worker that dies is replaced, and what it held is settled as after a restart; where that goes on, the program ends.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import type { Clock, Ids } from '../clock.ts'
import type { Change, Ledger } from '../ledger/ledger.ts'
import type { SharedLedger } from '../ledger/shared.ts'
import { DRAIN_TIMEOUT_MS } from '../limits.ts'
import type { Address } from '../proxy/listen.ts'
import type { Events } from '../telemetry/events.ts'
import { countedOnly, type MetricValues, mergeMetrics } from '../telemetry/merged.ts'
import {
  MAX_WORKER_DEATHS,
  WORKER_DEATHS_WINDOW_MS,
  WORKER_EXIT_MS,
  WORKER_RESTART_MS,
  WORKER_STATUS_INTERVAL_MS,
} from '../worker-limits.ts'
import { Member, type MemberOptions } from './member.ts'
import type { Status, WorkerStart } from './messages.ts'

export interface TeamOptions extends Pick<MemberOptions, 'main' | 'writeLog'> {
  readonly workers: number
  /** Port 0 takes any free one. */
  readonly listen: Address
  readonly ledger: Pick<Ledger, 'watch' | 'takeOver'>
  /** The same, where workers reach it through this process only. */
  readonly shared?: SharedLedger
  readonly clock: Pick<Clock, 'monotonic'>
  readonly ids: Ids
  readonly events: Pick<Events, 'warned' | 'workerEnded' | 'workersUp'>
}

/** What all of them are started with. */
export type TeamStart = Omit<WorkerStart, 'number' | 'proxy'>

export interface Team extends AsyncDisposable {
  /** Where agents come in, with the port that was taken. */
  readonly address: Address
  /** Starts the workers; resolves when all serve. @throws Error where one cannot */
  begin(start: TeamStart): Promise<void>
  /** Resolves where workers die again and again: nothing is served any more. */
  readonly failed: Promise<Error>
  /** Of all that run. */
  statuses(): Promise<readonly Status[]>
  /** What workers that are gone have counted. */
  readonly past: readonly MetricValues[]
  /** How many serve. */
  readonly up: number
  readonly pids: readonly number[]
  /** Takes no more connections; each worker concludes what it has signed. Bounded. */
  drain(): Promise<void>
}

/** Takes the port. @throws the listener's own error, e.g. EADDRINUSE */
export async function openTeam(options: TeamOptions): Promise<Team> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true, keepAlive: true })
  const { host, port } = options.listen
  server.listen(port, host)
  await once(server, 'listening')
  return new Listening(server, options)
}

class Listening implements Team {
  readonly address: Address
  readonly #server: Server
  readonly #options: TeamOptions
  readonly #members = new Map<number, Member>()
  readonly #deaths: number[] = []
  readonly #failed: PromiseWithResolvers<Error> = Promise.withResolvers()
  readonly #unwatch: () => void
  readonly #timer: NodeJS.Timeout
  #start: TeamStart | undefined
  #past: readonly MetricValues[] = []
  #turn = 0
  #isOver = false

  constructor(server: Server, options: TeamOptions) {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new TypeError('the proxy listens on a port')
    this.address = { host: options.listen.host, port: address.port }
    this.#server = server
    this.#options = options
    // With ledgers of their own they hear for themselves.
    this.#unwatch = options.shared ? options.shared.watch((change) => this.#tell(change)) : () => undefined
    this.#timer = setInterval(() => void this.statuses(), WORKER_STATUS_INTERVAL_MS).unref()
    server.on('connection', (socket) => {
      const member = this.#next()
      if (member) member.hand(socket)
      else socket.destroy()
    })
  }

  get failed(): Promise<Error> {
    return this.#failed.promise
  }

  get past(): readonly MetricValues[] {
    return this.#past
  }

  get up(): number {
    return [...this.#members.values()].filter(({ isUp }) => isUp).length
  }

  get pids(): readonly number[] {
    return [...this.#members.values()].flatMap(({ pid }) => pid ?? [])
  }

  async begin(start: TeamStart): Promise<void> {
    this.#start = start
    const numbers = Array.from({ length: this.#options.workers }, (_, index) => index + 1)
    await Promise.all(numbers.map((number) => this.#begin(number, start).ready()))
    for (const member of this.#members.values()) this.#watch(member)
    this.#options.events.workersUp(this.up)
  }

  statuses(): Promise<readonly Status[]> {
    return Promise.all([...this.#members.values()].map((member) => member.status()))
  }

  async drain(): Promise<void> {
    this.#isOver = true
    this.#server.close()
    const members = [...this.#members.values()]
    for (const member of members) member.drain()
    const late = setTimeout(() => void this.#kill(), DRAIN_TIMEOUT_MS + WORKER_EXIT_MS)
    await Promise.all(members.map(({ ended }) => ended))
    clearTimeout(late)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    clearInterval(this.#timer)
    this.#unwatch()
    this.#server.close()
    await this.#kill()
  }

  async #kill(): Promise<void> {
    await Promise.all([...this.#members.values()].map((member) => member.kill()))
  }

  #begin(number: number, start: TeamStart): Member {
    const { main, writeLog, shared, ids } = this.#options
    const run = ids('run')
    shared?.workers.add(run)
    const own = { start: { ...start, number, proxy: this.address }, run, main, writeLog }
    const member = new Member(shared ? { ...own, ledger: shared } : own)
    this.#members.set(number, member)
    return member
  }

  #watch(member: Member): void {
    member.ended
      .then((how) => this.#ended(member, how))
      .catch((cause: unknown) => this.#options.events.warned('A worker that ended could not be replaced.', cause))
  }

  async #ended(member: Member, how: string): Promise<void> {
    if (this.#isOver) return
    const { clock, events } = this.#options
    events.workerEnded({ worker: member.number, how })
    events.workersUp(this.up)
    this.#past = mergeMetrics([this.#past, countedOnly((await member.status()).metrics)])
    this.#members.delete(member.number)
    await this.#settle(member)
    this.#deaths.push(clock.monotonic())
    const recent = this.#deaths.filter((at) => clock.monotonic() - at < WORKER_DEATHS_WINDOW_MS)
    if (recent.length >= MAX_WORKER_DEATHS) return this.#giveUp(how)
    setTimeout(() => this.#replace(member.number), WORKER_RESTART_MS)
  }

  /** It runs no more: what it held is nobody's, and what it signed is unknown. */
  async #settle({ run }: Member): Promise<void> {
    const { shared, ledger, events } = this.#options
    shared?.workers.delete(run)
    await ledger.takeOver().catch((cause: unknown) => events.warned('What an ended worker left behind could not be settled yet.', cause))
  }

  #replace(number: number): void {
    if (this.#isOver || !this.#start) return
    const member = this.#begin(number, this.#start)
    this.#watch(member)
    member.ready().then(
      () => this.#options.events.workersUp(this.up),
      (cause: unknown) => this.#options.events.warned(`Worker ${number} could not be replaced; it is tried again.`, cause),
    )
  }

  #giveUp(how: string): void {
    this.#isOver = true
    this.#server.close()
    const sentence = `${MAX_WORKER_DEATHS} workers ended within ${WORKER_DEATHS_WINDOW_MS / 1000} s, the last one by ${how}. The log says why.`
    this.#failed.resolve(new Error(sentence))
  }

  #tell(change: Change): void {
    for (const member of this.#members.values()) member.tell(change)
  }

  /** Round robin over those that serve. */
  #next(): Member | undefined {
    const up = [...this.#members.values()].filter(({ isUp }) => isUp)
    this.#turn += 1
    return up[this.#turn % up.length]
  }
}
