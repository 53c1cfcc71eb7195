/** An undici dispatcher whose requests go through the engine: whatever takes a `dispatcher` can pay. */
import type { Socket } from 'node:net'
import { Dispatcher, Dispatcher1Wrapper, errors, Pool } from 'undici'
import type { HouseOptions } from '../house.ts'
import { MAX_AGENT_CONNECTIONS, MAX_HEAD_BYTES } from '../limits.ts'
import { AGENT_DOOR_HOST } from '../proxy/admit.ts'
import { type Opened, openPaid } from './open.ts'
import { type PaidOptions, readOptions } from './options.ts'
import type { Oversight } from './oversight.ts'

/**
 * Opens the engine and leads to it. `http://purser.internal/` is the session's own door, as through the proxy.
 * @throws ConfigError, SecretError; PurserError `request_invalid`, `session_invalid`, or `ledger_unavailable` where another
 * process or another instance has the ledger
 */
export async function paidDispatcher(options: PaidOptions, internals: HouseOptions = {}): Promise<PaidDispatcher> {
  return new PaidDispatcher(await openPaid(await readOptions(options), internals))
}

/** Ends with `close`, which lets requests end and concludes what was signed, or `destroy`, which breaks them off. */
export class PaidDispatcher extends Dispatcher implements AsyncDisposable {
  readonly #opened: Opened
  readonly #pool: Pool
  /** For every undici there is in a supported Node, whose `fetch` speaks to dispatchers in its own way. */
  readonly #way: Dispatcher
  #closing: Promise<void> | undefined

  constructor(opened: Opened) {
    super()
    this.#opened = opened
    this.#pool = poolOver(opened)
    this.#way = new Dispatcher1Wrapper(this.#pool)
  }

  /** What waits for people. Not for the agent's own hands. */
  get oversight(): Oversight {
    return this.#opened.oversight
  }

  get walletAddress(): string {
    return this.#opened.walletAddress
  }

  /** What an operator should know about this configuration. */
  get warnings(): readonly string[] {
    return this.#opened.warnings
  }

  /** Why payments cannot be made now; empty when they can. */
  readiness(): Promise<readonly string[]> {
    return this.#opened.readiness()
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return this.#way.dispatch({ ...options, path: absolute(options) }, handler)
  }

  override close(): Promise<void>
  override close(callback: () => void): void
  override close(callback?: () => void): Promise<void> | undefined {
    this.#closing ??= this.#pool.close().then(() => this.#opened.drain())
    return told(this.#closing, callback)
  }

  /** Also while it closes. */
  override destroy(error?: Error | null): Promise<void>
  override destroy(callback: () => void): void
  override destroy(error: Error | null, callback: () => void): void
  override destroy(first?: Error | null | (() => void), second?: () => void): Promise<void> | undefined {
    const [error, callback] = typeof first === 'function' ? [null, first] : [first ?? null, second]
    return told(
      this.#pool.destroy(error).then(() => this.#opened[Symbol.asyncDispose]()),
      callback,
    )
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function told(ending: Promise<void>, callback?: () => void): Promise<void> | undefined {
  if (!callback) return ending
  ending.then(callback, callback)
  return undefined
}

/** The engine itself bounds how long upstreams and people may take; a second clock here would end what it still waits for. */
function poolOver(opened: Opened): Pool {
  return new Pool(`http://${AGENT_DOOR_HOST}`, {
    // Not at once: undici forgets requests whose connection is there before it has asked. Of a socket it uses what every duplex stream has.
    connect: (_, callback) => queueMicrotask(() => callback(null, opened.connect() as Socket)),
    connections: MAX_AGENT_CONNECTIONS,
    pipelining: 1,
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: MAX_HEAD_BYTES,
  })
}

/** As requests to a proxy name where they go. */
function absolute({ origin, path }: Dispatcher.DispatchOptions): string {
  if (origin === undefined) throw new errors.InvalidArgumentError('A request through Purser names its origin.')
  return new URL(path, origin).href
}
