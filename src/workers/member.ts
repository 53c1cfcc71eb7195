/** One worker as its primary sees it, from its start to its end. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Change } from '../ledger/ledger.ts'
import type { SharedLedger } from '../ledger/shared.ts'
import { WORKER_START_TIMEOUT_MS, WORKER_STATUS_TIMEOUT_MS } from '../worker-limits.ts'
import { createLedgerDoor } from './ledger-door.ts'
import { createLink, type Link } from './link.ts'
import type { FromPrimary, FromWorker, Status, WorkerStart } from './messages.ts'
import { passWholeLines } from './whole-lines.ts'

/** What `main.ts` is told by its first argument. */
export const WORKER_ARGUMENT = 'worker'

export interface MemberOptions {
  readonly start: WorkerStart
  /** The program's own file. */
  readonly main: string
  /** The run that it is in the ledger. */
  readonly run: string
  /** Where its calls go; absent where it has a ledger of its own. */
  readonly ledger?: SharedLedger
  /** Whole lines of its log. */
  readonly writeLog: (lines: string) => void
}

export class Member {
  readonly number: number
  readonly run: string
  readonly #child: ChildProcess
  readonly #link: Link<FromPrimary>
  readonly #ready: PromiseWithResolvers<void> = Promise.withResolvers()
  readonly #start: WorkerStart
  readonly #asked: ((status: Status) => void)[] = []
  #isReady = false
  #isDraining = false
  #status: Status = { metrics: [], reasons: [] }
  /** Resolves with how it ended, when it runs no more. */
  readonly ended: Promise<string>

  constructor({ start, main, run, ledger, writeLog }: MemberOptions) {
    this.number = start.number
    this.#start = start
    this.run = run
    const child = fork(main, [WORKER_ARGUMENT], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    this.#child = child
    if (child.stderr) passWholeLines(child.stderr, writeLog)
    this.ended = endOf(child)
    void this.ended.then((how) => this.#gone(how))
    const answer = (id: number, outcome: Extract<FromPrimary, { kind: 'outcome' }>['outcome']) =>
      this.#link.post({ kind: 'outcome', id, outcome })
    const door = ledger && createLedgerDoor({ ledger, run, answer })
    const wire = {
      // Whoever is gone hears nothing, and is seen to be gone.
      send: (message: unknown) => void child.send(message as object, () => undefined),
      onMessage: (listener: (message: unknown) => void) => void child.on('message', listener),
    }
    this.#link = createLink<FromPrimary, FromWorker>(wire, (message) => {
      if (message.kind === 'call') door?.take(message.call)
      else this.#heard(message)
    })
    child.on('error', () => undefined)
    // It serves nobody without us; what still runs of it must end before its payments are settled.
    child.on('disconnect', () => this.#isDraining || child.kill('SIGKILL'))
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Serves connections. */
  get isUp(): boolean {
    return this.#isReady && this.#child.connected
  }

  /** @throws Error where it ends before it serves, or takes too long. */
  async ready(): Promise<void> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), WORKER_START_TIMEOUT_MS)
    try {
      await this.#ready.promise
    } finally {
      clearTimeout(timer)
    }
  }

  /** Hands an accepted connection over. */
  hand(socket: Socket): void {
    this.#child.send('connection', socket, {}, (fault) => fault && socket.destroy())
  }

  tell(change: Change): void {
    this.#link.post({ kind: 'change', change })
  }

  /** As it is now, or as it was when it last answered. */
  async status(): Promise<Status> {
    if (!this.isUp) return this.#status
    const { promise, resolve } = Promise.withResolvers<Status>()
    this.#asked.push(resolve)
    const timer = setTimeout(() => resolve(this.#status), WORKER_STATUS_TIMEOUT_MS)
    this.#link.post({ kind: 'status' })
    return promise.finally(() => clearTimeout(timer))
  }

  /** It takes no more requests, concludes what it has signed, and ends. */
  drain(): void {
    this.#isReady = false
    this.#isDraining = true
    this.#link.post({ kind: 'drain' })
  }

  /** At once, whatever it does. Resolves when it runs no more. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  #heard(message: Exclude<FromWorker, { kind: 'call' }>): void {
    switch (message.kind) {
      case 'hello':
        this.#link.post({ kind: 'start', start: this.#start })
        break
      case 'ready':
        this.#isReady = true
        this.#ready.resolve()
        break
      case 'status':
        this.#status = message.status
        for (const resolve of this.#asked.splice(0)) resolve(message.status)
        break
      case 'failed':
        this.#ready.reject(new Error(`Worker ${this.number} cannot start: ${message.reason}`))
        break
    }
  }

  #gone(how: string): void {
    this.#isReady = false
    this.#ready.reject(new Error(`Worker ${this.number} ended before it served (${how}).`))
    this.#ready.promise.catch(() => undefined)
    for (const resolve of this.#asked.splice(0)) resolve(this.#status)
  }
}

async function endOf(child: ChildProcess): Promise<string> {
  const [code, signal]: unknown[] = await once(child, 'exit').catch((fault: unknown) => [fault instanceof Error ? fault.message : 1])
  return typeof signal === 'string' ? signal : `exit code ${code}`
}
