/**
 * Agents and the doorway through which they ask: a stand-in for the proxy, which knows no money. An agent asks, waits as
 * long as it likes, and asks again for what it did not get, at any replica.
 */
import type { Readable } from 'node:stream'
import type { PaidAnswer, PaidRequest, PaymentOutcome } from '../../src/session/exchange.ts'
import type { Agenda, Life } from './agenda.ts'
import { EMPTY_BODY } from './empty-body.ts'
import type { Merchant } from './merchants.ts'
import type { Errand } from './plan.ts'
import type { Random } from './random.ts'
import type { Replica, Running } from './replica.ts'
import { askUnpaid, type RoadOptions, roadOf } from './road.ts'

/** An agent's new request comes later than the news of the connection that it closed. */
const AT_LEAST_MS = 60
const GIVES_UP = 0.2
const LOSES_A_WHOLE_ANSWER = 0.04

export interface AgentOptions {
  readonly errand: Errand
  readonly agenda: Agenda
  readonly random: Random
  readonly merchant: Merchant
  readonly sessionId: string
  readonly way_ms: readonly [low: number, high: number]
  readonly replicas: readonly Replica[]
  /** Somebody wants one more of what stands under this URL. */
  readonly onWant: (url: string) => void
  readonly onLeaving: RoadOptions['onLeaving']
  readonly onOver: () => void
  readonly note: (what: string) => void
}

/** What an agent hears of one request. */
type Heard = { readonly kind: 'goods' } | { readonly kind: 'refused'; readonly code: string } | { readonly kind: 'nothing' }

/** One request on one connection. */
interface Connection {
  readonly running: Running
  readonly gone: AbortController
  open: boolean
  /** All of this answer was handed to the connection; the agent has not read it yet. */
  handed: PaidAnswer | undefined
}

/** Refusals after which the same request may do better. */
const AGAIN: ReadonlySet<string> = new Set([
  ...['purchase_in_progress', 'payment_unknown', 'payment_rejected', 'ledger_unavailable', 'upstream_unreachable', 'upstream_timeout'],
  ...[
    'paid_not_delivered',
    'clock_skew',
    'internal_error',
    'spending_limit_exceeded',
    'session_exhausted',
    'frequency_exceeded',
    'window_limit_exceeded',
    'payments_halted',
  ],
])

export class Agent {
  readonly url: string
  readonly #options: AgentOptions
  #tries = 0
  #wanted = false
  /** Whose answer was handed over whole and never read. */
  #lostAt: Life | undefined

  constructor(options: AgentOptions) {
    const { errand, merchant } = options
    this.#options = options
    this.url = `https://${merchant.host}/${errand.session.replace(' ', '-')}/${errand.group}`
  }

  begin(): void {
    const { agenda, errand } = this.#options
    agenda.later(errand.at_ms, agenda.world, () => this.#ask())
  }

  #ask(): void {
    const { agenda, random, replicas } = this.#options
    this.#tries++
    const replica = replicas[random.below(replicas.length)]
    const running = replica?.running
    if (!running) {
      this.#heard({ kind: 'nothing' })
      return
    }
    this.#want(running)
    const connection: Connection = { running, gone: new AbortController(), open: true, handed: undefined }
    this.#options.note(`${this.url}: request ${this.#tries} at ${running.life.name}`)
    agenda.later(random.spread(...this.#options.way_ms), running.life, () => void this.#serve(connection))
    this.#watch(connection)
  }

  /**
   * A whole answer that was lost on the way is known as such by the process that handed it over; elsewhere, and once that
   * process is gone, it may count as delivered, and the same request is a new wish.
   */
  #want({ life }: Running): void {
    const { onWant, errand } = this.#options
    const unnoticed = this.#lostAt !== undefined && this.#lostAt !== life && !errand.keyed
    if (!this.#wanted || unnoticed) onWant(this.url)
    this.#wanted = true
    this.#lostAt = undefined
  }

  /** A replica that dies takes its connections with it; an agent may have had enough before. */
  #watch(connection: Connection): void {
    const { agenda, random } = this.#options
    const { life } = connection.running
    if (random.chance(GIVES_UP)) agenda.later(random.spread(5, 150_000), agenda.world, () => this.#giveUp(connection))
    life.afterwards(() =>
      agenda.later(random.spread(...this.#options.way_ms), agenda.world, () => {
        if (connection.open && connection.handed) this.#lostAt = life
        this.#end(connection, { kind: 'nothing' })
      }),
    )
  }

  #giveUp(connection: Connection): void {
    if (!connection.open) return
    this.#options.note(`${this.url}: gives up waiting`)
    // A process that is dead hears nothing of it.
    if (connection.running.life.alive) connection.gone.abort()
    if (connection.handed) this.#reset(connection, connection.handed)
    this.#end(connection, { kind: 'nothing' })
  }

  #end(connection: Connection, heard: Heard): void {
    if (!connection.open) return
    connection.open = false
    this.#heard(heard)
  }

  #heard(heard: Heard): void {
    const { agenda, random, errand, onOver, note } = this.#options
    note(`${this.url}: ${heard.kind === 'refused' ? heard.code : heard.kind}`)
    const over = heard.kind === 'goods' || (heard.kind === 'refused' && !AGAIN.has(heard.code))
    if (over || this.#tries >= errand.tries) onOver()
    else agenda.later(AT_LEAST_MS + random.spread(1, 60_000), agenda.world, () => this.#ask())
  }

  /** What the proxy does for one request. */
  async #serve(connection: Connection): Promise<void> {
    const { running } = connection
    const road = { ...this.#options, life: running.life, url: this.url }
    const paid = await this.#payFirst(connection, road)
    if (paid) return this.#answer(connection, paid)
    const unpaid = await askUnpaid(road)
    if (!unpaid) return this.#tell(connection, { kind: 'nothing' })
    const session = await running.ledger.session(this.#options.sessionId).catch(() => undefined)
    if (!session) return this.#tell(connection, { kind: 'refused', code: 'ledger_unavailable' })
    const request = this.#request(connection, session)
    const outcome = await running.pay(request, unpaid, roadOf(road), () => askUnpaid(road))
    return this.#answer(connection, outcome)
  }

  /** Undefined where nothing has left. */
  async #payFirst(connection: Connection, road: RoadOptions): Promise<PaymentOutcome | undefined> {
    const { preempt, ledger } = connection.running
    if (!preempt) return undefined
    const session = await ledger.session(this.#options.sessionId).catch(() => undefined)
    if (!session) return undefined
    const request = this.#request(connection, session)
    if (!preempt.expects(request)) return undefined
    return preempt.pay(request, roadOf({ ...road, first: true }), () => askUnpaid(road))
  }

  #request({ gone }: Connection, session: PaidRequest['session']): PaidRequest {
    const { errand } = this.#options
    return {
      ...{ exchangeId: `exc ${errand.stream} ${this.#tries}`, mode: 'forward', session, method: 'GET', url: this.url, line: {} },
      headers: errand.keyed ? ['Idempotency-Key', errand.group] : [],
      hints: { payNever: false },
      signal: gone.signal,
      body: async () => EMPTY_BODY,
      transport: 'verified-tls',
    }
  }

  async #answer(connection: Connection, outcome: PaymentOutcome): Promise<void> {
    if (outcome.kind === 'refuse') return this.#tell(connection, { kind: 'refused', code: outcome.refusal.code })
    if (outcome.kind === 'pass') throw new Error('a challenge passed unpaid')
    const { random } = this.#options
    const { body, status } = outcome.answer
    const whole = await readAll(body, connection.gone.signal)
    const complete = whole !== undefined && connection.open
    const lost = complete && random.chance(LOSES_A_WHOLE_ANSWER)
    const noted = outcome.delivered({ status, bytes: whole?.length ?? 0, complete })
    if (complete) connection.handed = outcome
    if (lost) this.#giveUp(connection)
    else this.#tell(connection, complete && status < 300 ? { kind: 'goods' } : { kind: 'nothing' })
    await noted
  }

  /** All of it was handed to the connection, which is reset before the agent has read it. The replica hears of that. */
  #reset({ running }: Connection, { lost }: PaidAnswer): void {
    const { agenda, random } = this.#options
    this.#lostAt = running.life
    agenda.later(random.spread(0.1, 50), running.life, () => lost?.())
  }

  #tell(connection: Connection, heard: Heard): void {
    const { agenda, random } = this.#options
    agenda.later(random.spread(...this.#options.way_ms), agenda.world, () => this.#end(connection, heard))
  }
}

/** The whole body, or undefined where it broke off or the agent went away. */
function readAll(body: Readable, signal: AbortSignal): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    if (signal.aborted) body.destroy()
    if (body.closed) resolve(undefined)
    body.on('data', (chunk: Buffer) => chunks.push(chunk))
    body.on('end', () => resolve(Buffer.concat(chunks)))
    body.on('error', () => resolve(undefined))
    body.on('close', () => resolve(undefined))
  })
}
