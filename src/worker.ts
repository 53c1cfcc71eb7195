/**
 * A worker: the engine in a process of its own, for connections that the primary hands over. It begins with the first
 * message, and ends with its primary: without that nothing more is signed here.
 */
import type { Socket } from 'node:net'
import { systemClock } from './clock.ts'
import { startEngine } from './engine.ts'
import { openHouse } from './house.ts'
import { ticketKeys } from './proxy/authority.ts'
import { createLedgerClient } from './workers/ledger-client.ts'
import { createLink } from './workers/link.ts'
import type { FromPrimary, FromWorker, Status, WorkerStart } from './workers/messages.ts'

/** Ends the process; only `main.ts` holds the real one. */
export type Exit = (code: number) => never

const STARTED_ALONE = 'A worker is started by `purser serve` with proxy.workers above 1, and by nobody else.\n'

/** Serves until its primary says that it is enough, or is gone. */
export async function runWorker(exit: Exit): Promise<void> {
  if (!process.send) {
    process.stderr.write(STARTED_ALONE)
    exit(2)
  }
  // Terminals send their signals to all processes at once; the primary decides what becomes of that.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
  const alone = () => exit(1)
  process.on('disconnect', alone)
  const worker = new Worker()
  try {
    await worker.run()
  } catch (fault) {
    worker.post({ kind: 'failed', reason: fault instanceof Error ? fault.message : 'unknown fault' })
    process.exitCode = 1
  }
  process.off('disconnect', alone)
  await worker.leave()
}

class Worker {
  readonly #start: PromiseWithResolvers<WorkerStart> = Promise.withResolvers()
  readonly #drain: PromiseWithResolvers<void> = Promise.withResolvers()
  readonly #link = createLink<FromWorker, FromPrimary>(
    {
      send: (messages) => void process.send?.(messages),
      onMessage: (listener) => void process.on('message', listener),
    },
    (message) => this.#heard(message),
  )
  readonly #client = createLedgerClient({ send: (call) => this.#link.post({ kind: 'call', call }), clock: systemClock })
  #status: () => Promise<Status> = async () => ({ metrics: [], reasons: [] })

  post(message: FromWorker): void {
    this.#link.post(message)
  }

  /** What was posted arrives first. */
  leave(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => process.send?.([], undefined, {}, () => resolve(process.disconnect())))
    })
  }

  async run(): Promise<void> {
    process.channel?.ref()
    this.post({ kind: 'hello' })
    const start = await this.#start.promise
    await using started = new AsyncDisposableStack()
    const { config, env, acceptRestored, number, ticketSecret, proxy, doors, adminUrl } = start
    const ledger = config.ledger.kind === 'sqlite' ? { ledger: this.#client.ledger } : {}
    const house = await openHouse(config, { env, acceptRestored, worker: { number, ticketSecret, ...ledger } }, started)
    house.doors.push(...doors)
    const engine = await startEngine(
      house,
      { listens: false, handed: proxy, ticketKeys: ticketKeys(ticketSecret, ''), adminUrl: () => adminUrl, beside: false },
      started,
    )
    this.#status = async () => ({
      metrics: await house.telemetry.values(),
      reasons: (await Promise.all(engine.readiness.map((reasons) => reasons()))).flat(),
    })
    process.on('message', (_: unknown, socket: unknown) => socket && engine.proxy.take(socket as Socket))
    this.post({ kind: 'ready' })
    await this.#drain.promise
    await engine.drain()
    await this.#tellStatus()
  }

  #heard(message: FromPrimary): void {
    switch (message.kind) {
      case 'start':
        this.#start.resolve(message.start)
        break
      case 'outcome':
        this.#client.concluded(message.id, message.outcome)
        break
      case 'change':
        this.#client.changed(message.change)
        break
      case 'status':
        this.#tellStatus().catch(() => undefined)
        break
      case 'drain':
        this.#drain.resolve()
        break
    }
  }

  async #tellStatus(): Promise<void> {
    this.post({ kind: 'status', status: await this.#status() })
  }
}
