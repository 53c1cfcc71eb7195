/**
 * Watches whether the ledger can be written. While it cannot, nothing can be queued in it, so that people are told
 * straight from memory: once for each change that lasts, with a few retries, and again when it is over.
 */
import { type Alert, alertKey } from '../approval/alert.ts'
import { noticeId } from '../approval/notices.ts'
import { payloadOf } from '../approval/payload.ts'
import { type Address, alertRungs, type Contacts } from '../approval/people.ts'
import { type Post, webhookHeaders } from '../approval/webhook.ts'
import { type Clock, type Ids, type Pause, systemPause } from '../clock.ts'
import { LEDGER_DEBOUNCE_MS, LEDGER_LOOK_MS, MAX_DIRECT_ATTEMPTS, NOTICE_RETRY_MS } from '../people-limits.ts'
import type { Events } from '../telemetry/events.ts'

export interface LedgerWatchDeps {
  /** Why the ledger cannot be written now; empty when it can. May reject, which is a reason as well. */
  readonly reasons: () => Promise<readonly string[]>
  readonly contacts: Contacts
  readonly post: Post
  readonly clock: Clock
  readonly ids: Ids
  readonly events: Pick<Events, 'warned' | 'noticeEnded'>
  readonly pause?: Pause
}

export interface LedgerWatch {
  /** One look; resolves before anybody was reached. */
  look(): Promise<void>
  start(): void
  /** Whoever was not reached yet is not told any more. */
  stop(): Promise<void>
}

export function createLedgerWatch(deps: LedgerWatchDeps): LedgerWatch {
  return new Watch(deps)
}

class Watch implements LedgerWatch {
  readonly #deps: LedgerWatchDeps
  readonly #stopped = new AbortController()
  readonly #sending = new Set<Promise<void>>()
  /** What people were told last, and since when it is otherwise (monotonic); what is not told yet is ready. */
  #told: 'ready' | 'not ready' = 'ready'
  #changedAt: number | undefined
  /** Ends the retries of what holds no more. */
  #current = new AbortController()
  #loop: Promise<void> | undefined

  constructor(deps: LedgerWatchDeps) {
    this.#deps = deps
  }

  async look(): Promise<void> {
    const { clock } = this.#deps
    const reasons = await this.#reasons()
    const now = reasons.length === 0 ? 'ready' : 'not ready'
    if (now === this.#told) {
      this.#changedAt = undefined
      return
    }
    this.#changedAt ??= clock.monotonic()
    if (clock.monotonic() - this.#changedAt < LEDGER_DEBOUNCE_MS) return
    this.#told = now
    this.#changedAt = undefined
    this.#tell(now === 'ready' ? readyAlert(clock.now()) : notReadyAlert(reasons, clock.now()))
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#loop
    await Promise.all(this.#sending)
  }

  async #run(): Promise<void> {
    const { pause = systemPause } = this.#deps
    while (!this.#stopped.signal.aborted) {
      await this.look()
      await pause(LEDGER_LOOK_MS, this.#stopped.signal).catch(() => undefined)
    }
  }

  #reasons(): Promise<readonly string[]> {
    return this.#deps.reasons().catch(() => ['The ledger cannot be asked.'])
  }

  #tell(alert: Alert): void {
    this.#current.abort()
    this.#current = new AbortController()
    const signal = AbortSignal.any([this.#stopped.signal, this.#current.signal])
    const change = this.#deps.ids('chg')
    for (const { address } of alertRungs(this.#deps.contacts, alert)) {
      if (address.url === undefined) continue
      const sending = this.#send(alert, { address, url: address.url, change, signal }).finally(() => this.#sending.delete(sending))
      this.#sending.add(sending)
    }
  }

  async #send(alert: Alert, { address, url, change, signal }: Sending): Promise<void> {
    const { pause = systemPause, events } = this.#deps
    const id = noticeId([change, alertKey(alert, 1), address.name])
    for (let attempt = 1; attempt <= MAX_DIRECT_ATTEMPTS && !signal.aborted; attempt += 1) {
      const isTold = await this.#post(alert, { address, url, id })
      const isLast = attempt === MAX_DIRECT_ATTEMPTS
      events.noticeEnded({ channel: address.channel, outcome: isTold ? 'delivered' : isLast ? 'dead' : 'failed' })
      if (isTold) return
      if (isLast) events.warned(`${address.name} could not be told: ${alert.sentence}`)
      else await pause(NOTICE_RETRY_MS * 4 ** (attempt - 1), signal).catch(() => undefined)
    }
  }

  async #post(
    alert: Alert,
    { address, url, id }: { readonly address: Address; readonly url: string; readonly id: string },
  ): Promise<boolean> {
    const body = payloadOf({ type: alert.type, at: alert.at, alert }, address)
    const signing = { secret: address.secret, id, now: this.#deps.clock.now() }
    const headers = address.channel === 'slack' ? {} : webhookHeaders(body, signing)
    const status = await this.#deps.post(url, { body, headers }).catch(() => 0)
    return status >= 200 && status < 300
  }
}

interface Sending {
  readonly address: Address
  readonly url: string
  readonly change: string
  readonly signal: AbortSignal
}

const NOBODYS = { sessionId: '', agent: '', owner: '' }

function notReadyAlert(reasons: readonly string[], at: number): Alert {
  return {
    ...{ type: 'ledger.not_ready', ...NOBODYS, at },
    sentence: 'The ledger cannot be written. Nothing is paid until it can; other traffic goes on.',
    facts: reasons.map((reason) => ['Why', reason] as const),
    data: { reasons },
  }
}

function readyAlert(at: number): Alert {
  return {
    ...{ type: 'ledger.ready', ...NOBODYS, at },
    sentence: 'The ledger can be written again. Payments go on.',
    facts: [],
    data: {},
  }
}
