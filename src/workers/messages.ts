/** What the primary and a worker say to one another. All of it survives a structured clone. */
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/load.ts'
import type { Refusal } from '../errors.ts'
import type { Change } from '../ledger/ledger.ts'
import type { Address } from '../proxy/listen.ts'
import type { MetricValues } from '../telemetry/merged.ts'

/** The parts of the ledger whose methods a worker calls by name. */
export type Store = 'ledger' | 'approvals' | 'reports' | 'insight' | 'told' | 'retention' | 'channels' | 'fundings'

export type Call =
  | { readonly to: Store; readonly id: number; readonly name: string; readonly args: readonly unknown[] }
  /** Of a reservation that this worker holds: `handle` is the id of the call that gave it. */
  | { readonly to: 'reservation'; readonly id: number; readonly handle: number; readonly name: string; readonly args: readonly unknown[] }

/** `decided` comes before another one: it is so from now on, but not yet durable. */
export type Outcome =
  | { readonly kind: 'decided' }
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'failed'; readonly message: string }

/** How a worker is: what it has counted, and why it cannot pay. */
export interface Status {
  readonly metrics: readonly MetricValues[]
  readonly reasons: readonly string[]
}

/** All that a worker has to know. The configuration is the primary's, whatever has become of the file since. */
export interface WorkerStart {
  /** From 1 on; its successor has the same. */
  readonly number: number
  readonly config: Config
  readonly env: Environment
  readonly acceptRestored: boolean
  /** Where agents reach the proxy; the primary listens there. */
  readonly proxy: Address
  /** The other listeners of ours, which agents must not reach through the proxy. */
  readonly doors: readonly Address[]
  readonly adminUrl: string
  /** 32 bytes: the keys of TLS tickets are derived from it, so that any worker resumes what another one began. */
  readonly ticketSecret: Uint8Array
}

export type FromPrimary =
  | { readonly kind: 'start'; readonly start: WorkerStart }
  | { readonly kind: 'outcome'; readonly id: number; readonly outcome: Outcome }
  | { readonly kind: 'change'; readonly change: Change }
  | { readonly kind: 'status' }
  | { readonly kind: 'drain' }

export type FromWorker =
  | { readonly kind: 'call'; readonly call: Call }
  /** It listens: what others that are loaded before it listen to is not lost on it. */
  | { readonly kind: 'hello' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'status'; readonly status: Status }
  /** It cannot start, and why. */
  | { readonly kind: 'failed'; readonly reason: string }
