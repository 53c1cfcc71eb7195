/**
 * The way to one origin: a pool of connections, all to one address. The name is resolved and vetted when the first
 * connection opens, and again only when none is left and nobody pins it, so that a payment goes to the very
 * address that asked for it.
 */
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { Pool } from 'undici'
import UndiciPool from 'undici/lib/dispatcher/pool.js'
import type { Clock } from '../clock.ts'
import type { Events } from '../telemetry/events.ts'
import type { AddressGuard, Vetted } from './address-guard.ts'
import { late, openConnection, UpstreamFault } from './connection.ts'
import type { Origin } from './door.ts'
import { type ParentProxy, type Parents, vetFor } from './parent.ts'
import { openThroughParent } from './parent-connection.ts'
import { authorityOf } from './target.ts'

export interface LaneLimits {
  readonly connect_ms: number
  readonly head_ms: number
  readonly idle_ms: number
  readonly keepAlive_ms: number
  readonly connections: number
  readonly headBytes: number
}

export interface LaneDeps {
  readonly guard: AddressGuard
  /** Without it every way is direct. */
  readonly parents?: Parents
  readonly trust: SecureContext
  readonly events: Events
  readonly clock: Clock
  readonly limits: LaneLimits
}

type Address = Extract<Vetted, { kind: 'vetted' }>

export class Lane {
  readonly origin: Origin
  /** The proxy through which this way leads. */
  readonly parent: ParentProxy | undefined
  readonly pool: Pool
  readonly #deps: LaneDeps
  #vetting: Promise<Address> | undefined
  #address: Address | undefined
  #session: Buffer | undefined
  #open = 0
  #uses = 0
  #pins = 0
  #retired = false

  constructor(origin: Origin, deps: LaneDeps) {
    this.origin = origin
    this.#deps = deps
    this.parent = deps.parents?.of(origin)
    const { limits } = deps
    this.pool = new UndiciPool(`${origin.scheme}://${authorityOf(origin)}`, {
      connect: (_, callback) => {
        this.#counted(origin.scheme === 'https').then(
          (socket) => callback(null, socket),
          (fault: Error) => callback(fault, null),
        )
      },
      connections: limits.connections,
      pipelining: 1,
      allowH2: false,
      headersTimeout: limits.head_ms,
      bodyTimeout: limits.idle_ms,
      keepAliveTimeout: limits.keepAlive_ms,
      maxHeaderSize: limits.headBytes,
    })
  }

  /** True where the connections lead into a network that the operator opened. */
  get opened(): boolean {
    return this.#address?.opened === true
  }

  /** Keeps the lane from being closed until the returned function is called. */
  use(): () => void {
    this.#uses++
    return once(() => {
      this.#uses--
      this.#settle()
    })
  }

  /** Keeps the address too: whatever is sent meanwhile goes to the one that is in use now. */
  pin(): () => void {
    this.#pins++
    return once(() => {
      this.#pins--
      this.#settle()
    })
  }

  /** A fresh connection to the vetted address, by a tunnel where a parent leads there. @throws UpstreamFault */
  connect(): Promise<Socket> {
    return this.#counted(true)
  }

  async #counted(tunnel: boolean): Promise<Socket> {
    this.#open++
    try {
      const socket = await this.#connect(tunnel)
      this.#deps.events.upstreamConnections(1)
      socket.once('close', () => {
        this.#deps.events.upstreamConnections(-1)
        this.#closed()
      })
      return socket
    } catch (fault) {
      this.#closed()
      throw fault
    }
  }

  /** Closes the lane once nobody uses it. */
  retire(): void {
    this.#retired = true
    this.#settle()
  }

  async #connect(tunnel: boolean): Promise<Socket> {
    const { clock, limits } = this.#deps
    const { connect_ms } = limits
    const started_ms = clock.monotonic()
    const { address } = await this.#vetted(connect_ms)
    const options = {
      clock,
      origin: this.origin,
      secureContext: this.#deps.trust,
      session: this.#session,
      onSession: (session: Buffer) => {
        this.#session = session
      },
      timeout_ms: Math.max(1, connect_ms - (clock.monotonic() - started_ms)),
    }
    return this.parent ? openThroughParent({ ...options, parent: this.parent, tunnel }) : openConnection({ ...options, address })
  }

  #vetted(timeout_ms: number): Promise<Address> {
    this.#vetting ??= this.#vet(timeout_ms)
    return this.#vetting
  }

  async #vet(timeout_ms: number): Promise<Address> {
    const vetted = await within(vetFor(this.parent, this.#deps.guard, this.origin), timeout_ms)
    if (vetted === 'late') throw late(this.origin)
    if (vetted.kind === 'refused') throw new UpstreamFault('destination_not_allowed', vetted.reason)
    if (vetted.kind === 'unresolved') throw new UpstreamFault('upstream_unreachable', vetted.reason)
    this.#address = vetted
    return vetted
  }

  #closed(): void {
    this.#open--
    this.#settle()
  }

  #settle(): void {
    if (this.#retired && this.#uses === 0 && !this.pool.closed && !this.pool.destroyed) void this.pool.close()
    if (this.#open > 0 || this.#pins > 0) return
    this.#vetting = undefined
    this.#address = undefined
  }
}

function once(work: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    work()
  }
}

async function within<T>(work: Promise<T>, timeout_ms: number): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const alarm = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), timeout_ms)
  })
  try {
    return await Promise.race([work, alarm])
  } finally {
    clearTimeout(timer)
  }
}
