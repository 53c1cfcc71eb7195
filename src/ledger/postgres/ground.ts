/**
 * The ground that the ledger stands on: which server it is, whether what it acknowledges lasts, whether this process may
 * still write, and what the others changed. One connection of its own keeps all that up to date; the others come from
 * here, each of them vetted.
 */

import * as z from 'zod'
import type { Clock } from '../../clock.ts'
import { PurserError, refused } from '../../errors.ts'
import { CHANGE_POLL_MS, REPLICATION_CHECK_MS, RUN_HEARTBEAT_MS, RUN_TIMEOUT_MS } from '../../limits.ts'
import type { Events } from '../../telemetry/events.ts'
import type { Change } from '../ledger.ts'
import { Changes } from './changes.ts'
import { Connection, connectTo } from './connection.ts'
import { cleaned } from './faults.ts'
import { type HighMark, WAY_OUT } from './mark.ts'
import { migrate } from './migrations/migrate.ts'
import { type Host, type Place, readPlace } from './place.ts'
import { assess, readFacts } from './replication.ts'
import { Run } from './runs.ts'
import { Standing } from './standing.ts'

export interface GroundOptions {
  /** Without the password. */
  readonly url: string
  readonly password?: string
  readonly schema?: string
  readonly unsafeAsyncReplication: boolean
  /** Fresh for every start. */
  readonly runId: string
  /** Names the place that only one process can have, e.g. host and data folder; null where there is none such. */
  readonly instance: string | null
  /** Connections that write at a time. */
  readonly lanes: number
  readonly clock: Clock
  readonly events?: Pick<Events, 'warned'>
  /** These runs ended: what they left open is to be taken over. */
  readonly onRunsEnded?: (ids: readonly string[]) => void
  /** How far this ledger had come, kept outside of it. Closed with the ground. */
  readonly mark?: HighMark
}

const SCHEMA = /^[a-z_][a-z0-9_]{0,40}$/

/**
 * Finds the server, brings the schema up to date and enters this run.
 * @throws PurserError `ledger_unavailable` where there is no server that may be written to.
 */
export async function openGround(options: GroundOptions): Promise<Ground> {
  const ground = new Ground(options)
  await ground.start()
  return ground
}

export class Ground implements AsyncDisposable {
  readonly #options: GroundOptions
  readonly #place: Place
  readonly #schema: string
  readonly #changes = new Changes()
  readonly #warned = new Set<string>()
  #standing: Standing
  #run: Run | undefined
  #control: Connection | undefined
  #turning: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #due = { beat: 0, check: 0 }
  /** Why the last look at the server failed. */
  #trouble: string | undefined
  /** The one that served last comes first. */
  #order: readonly Host[]
  #returns = 0
  #closed = false
  #ledgerId: string | undefined

  constructor(options: GroundOptions) {
    this.#options = options
    this.#place = readPlace(options.url)
    this.#order = this.#place.hosts
    this.#schema = options.schema ?? 'purser'
    if (!SCHEMA.test(this.#schema)) throw refused('ledger_unavailable', 'The ledger’s schema has to be a plain lower-case name.')
    this.#standing = new Standing(options.runId, options.mark?.found?.high)
  }

  async start(): Promise<void> {
    for (const warning of this.#place.warnings) this.#warn(warning)
    const connection = await this.#anyHost((candidate) => this.#prepare(candidate))
    try {
      this.#run = await Run.enter(connection, this.#options)
      await this.#adopt(connection)
    } catch (cause) {
      await connection.close()
      throw refused('ledger_unavailable', `${sentenceOf(cause)} Nothing is paid.`, cause)
    }
    this.#plan(CHANGE_POLL_MS)
  }

  /** This process as the ledger knows it. */
  get run(): Run {
    if (!this.#run) throw new Error('the ground was not started')
    return this.#run
  }

  get standing(): Standing {
    return this.#standing
  }

  /** Why nothing may be written now, in a sentence for the operator. */
  get fault(): string | undefined {
    const { over, silence } = this.run
    if (over !== undefined) return over
    if (silence < RUN_TIMEOUT_MS) return this.#trouble
    return `The ledger was not reached for ${Math.floor(silence / 1000)} s; nothing is paid until it is${this.#trouble ? `. ${this.#trouble}` : '.'}`
  }

  /** A new connection to the server that may be written to. @throws PurserError `ledger_unavailable` where there is none. */
  connect(): Promise<Connection> {
    return this.#anyHost((candidate) => this.#vet(candidate))
  }

  watch(listener: (change: Change) => void): () => void {
    return this.#changes.watch(listener)
  }

  /** Looks at once for what others changed and who has ended, instead of in a moment. */
  async refresh(): Promise<void> {
    await this.#turning
    this.#due = { beat: 0, check: 0 }
    await this.#turn()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#turning
    const control = this.#control
    if (control && !control.lost) await this.#run?.leave(control).catch(() => undefined)
    await control?.close()
    this.#options.mark?.[Symbol.dispose]()
  }

  /** The first of the hosts that `accept` has nothing against; it says a reason otherwise. */
  async #anyHost(accept: (candidate: Connection) => Promise<string | undefined>): Promise<Connection> {
    const reasons: string[] = []
    for (const host of this.#order) {
      const found = await this.#tryHost(host, accept)
      if (found instanceof Connection) {
        this.#order = [host, ...this.#order.filter((other) => other !== host)]
        return found
      }
      reasons.push(`${host.name}:${host.port}: ${found}`)
    }
    throw refused('ledger_unavailable', `The ledger has no server that may be written to; nothing is paid. ${reasons.join(' ')}`)
  }

  async #tryHost(host: Host, accept: (candidate: Connection) => Promise<string | undefined>): Promise<Connection | string> {
    const { password, runId } = this.#options
    let candidate: Connection | undefined
    try {
      candidate = await connectTo(host, {
        place: this.#place,
        schema: this.#schema,
        name: `purser ${runId}`,
        onNotify: () => this.#wake(),
        ...(password !== undefined && { password }),
      })
      const reason = await accept(candidate)
      if (reason === undefined) return candidate
      await candidate.close()
      return reason
    } catch (cause) {
      await candidate?.close()
      if (cause instanceof PurserError) throw cause
      return `${cleaned(cause).message}.`
    }
  }

  async #prepare(candidate: Connection): Promise<string | undefined> {
    const reason = await this.#assess(candidate)
    if (reason !== undefined) return reason
    await migrate(candidate.sql, this.#schema)
    return (await this.#stranger(candidate)) ?? this.#objection(candidate)
  }

  /** Another ledger than the one of the mark: an empty one too, because it has forgotten everything. */
  async #stranger(candidate: Connection): Promise<string | undefined> {
    const found = this.#options.mark?.found
    if (!found || found.ledgerId === (await ledgerIdOf(candidate))) return undefined
    return `This is not the ledger that the high-water mark belongs to. ${WAY_OUT}`
  }

  async #vet(candidate: Connection): Promise<string | undefined> {
    return (await this.#assess(candidate)) ?? this.#objection(candidate)
  }

  async #assess(candidate: Connection): Promise<string | undefined> {
    const assessment = assess(await readFacts(candidate), this.#options)
    if (assessment.kind === 'refused') return assessment.reason
    for (const warning of assessment.warnings) this.#warn(warning)
    return undefined
  }

  async #objection(candidate: Connection): Promise<string | undefined> {
    const objection = await this.#standing.objection(candidate)
    return objection === undefined ? undefined : `This server is refused, because ${objection}. ${WAY_OUT}`
  }

  async #adopt(connection: Connection): Promise<void> {
    await this.#changes.listen(connection, this.#schema)
    await this.#changes.poll(connection)
    this.#control = connection
  }

  #plan(delay_ms: number): void {
    if (this.#closed) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#turn(), delay_ms).unref()
  }

  /** Somebody has told of a change. */
  #wake(): void {
    this.#plan(0)
  }

  /** One at a time; never rejects. */
  #turn(): Promise<void> {
    this.#turning ??= this.#look().finally(() => {
      this.#turning = undefined
      this.#plan(CHANGE_POLL_MS)
    })
    return this.#turning
  }

  async #look(): Promise<void> {
    try {
      if (!this.#control || this.#control.lost) await this.#adopt(await this.connect())
      if (this.#control) await this.#keepUp(this.#control)
      this.#recovered()
    } catch (cause) {
      this.#failed(cause)
      await this.#control?.close()
      this.#control = undefined
    }
  }

  /** After a failover the server that served last is the wrong one, also where it still answers: the others come first. */
  #failed(cause: unknown): void {
    const sentence = sentenceOf(cause)
    if (this.#trouble === undefined) this.#options.events?.warned(sentence, cause)
    this.#trouble = sentence
    const served = this.#order[0]
    if (this.#control && served) this.#order = [...this.#order.slice(1), served]
  }

  #recovered(): void {
    if (this.#trouble === undefined) return
    this.#trouble = undefined
    const host = this.#control?.host
    this.#options.events?.warned(`The ledger’s server is reached again${host ? `: ${host.name}:${host.port}` : ''}.`)
  }

  async #keepUp(control: Connection): Promise<void> {
    if (this.run.over !== undefined) await this.#comeBack(control)
    await this.#changes.poll(control)
    const now = this.#options.clock.monotonic()
    if (now >= this.#due.beat) {
      await this.#beat(control)
      this.#due.beat = now + RUN_HEARTBEAT_MS
    }
    if (now >= this.#due.check) {
      await this.#check(control)
      this.#due.check = now + REPLICATION_CHECK_MS
    }
  }

  async #beat(control: Connection): Promise<void> {
    const { mark, onRunsEnded } = this.#options
    this.#standing.reached(await this.run.beat(control))
    this.#ledgerId ??= await ledgerIdOf(control)
    if (this.#ledgerId !== undefined) mark?.write({ ledgerId: this.#ledgerId, high: this.#standing.high })
    const ended = await this.run.endSilent(control)
    if (ended.length > 0) onRunsEnded?.(ended)
  }

  /** A process that was only paused goes on as a new run; what it was doing before is the old one's, and is taken over. */
  async #comeBack(control: Connection): Promise<void> {
    const { onRunsEnded, runId } = this.#options
    const old = this.run
    if (!(await old.mayComeBack(control))) throw refused('ledger_unavailable', old.over ?? '')
    const id = `${runId}.${++this.#returns}`
    this.#standing = this.#standing.successor(id)
    this.#run = await Run.enter(control, { ...this.#options, runId: id })
    this.#warn(`${old.over} It goes on as ${id}.`)
    onRunsEnded?.([old.id])
  }

  async #check(control: Connection): Promise<void> {
    const reason = await this.#vet(control)
    if (reason !== undefined) throw refused('ledger_unavailable', `${reason} Nothing is paid until that is mended.`)
    await this.#changes.prune(control)
    await this.run.prune(control)
  }

  #warn(sentence: string): void {
    if (this.#warned.has(sentence)) return
    this.#warned.add(sentence)
    this.#options.events?.warned(sentence)
  }
}

function sentenceOf(cause: unknown): string {
  return cause instanceof PurserError ? cause.refusal.detail : `The ledger’s server failed: ${cleaned(cause).message}.`
}

const idRow = z.object({ value: z.string() })

/** Undefined before anybody has given it one. */
async function ledgerIdOf(connection: Connection): Promise<string | undefined> {
  const [row] = await connection.within(connection.sql.unsafe("SELECT value FROM meta WHERE key = 'ledger_id'"))
  return row === undefined ? undefined : idRow.parse(row).value
}
