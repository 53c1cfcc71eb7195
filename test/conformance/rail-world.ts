/**
 * What the table of cases in `rail-cases.ts` needs of a rail: an official server that settles for real, behind a meddler,
 * and a look at its chain. One file in `rail-worlds/` for each rail, and its line in `rails.test.ts`.
 */
import type { Meddler } from '../testnet/meddler.ts'
import type { RailHouse } from './rail-house.ts'

/** One request of the agent and how its answer is read. */
export interface Shopping {
  /** What is asked for, below the route; each name is a purchase of its own. */
  target(name: string): string
  init(name: string): RequestInit
  /** Status, refusal and goods of an answer, where they are not those of HTTP. */
  read(answer: Response, text: string): Told
}

/** What an agent is told. */
export interface Told {
  readonly status: number
  /** Of a refusal by us. */
  readonly code?: string
  /** `Purser-Money`, or what a refusal says of it. */
  readonly money: string
}

/** What happens behind the server; the meddler does the rest. */
export type Fault =
  /** The facilitator says that the payment is worth nothing. */
  | 'verify: invalid'
  /** The facilitator fails before it settles. */
  | 'settle: error'
  /** The settlement is sent, and the chain does not carry it out. */
  | 'settle: revert'
  /** The facilitator settles, and its answer never arrives. */
  | 'settle: lost'

export interface RailWorld {
  readonly meddler: Meddler
  readonly shopping: Shopping
  fault(fault: Fault): void
  /** Faults that nothing has suffered yet. */
  faults(): number
  /** What left the payer's account on the chain so far, in the order in which it did. Atomic units. */
  settled(): Promise<readonly bigint[]>
  /** What happened so far becomes final. */
  finalize(): Promise<void>
  /** Time passes, on the chain and here, up to this moment (milliseconds since 1970). */
  passUntil(moment_ms: number): Promise<void>
}

/** A rail or scheme under test; what is said of it is data. */
export interface RailSpec {
  readonly name: string
  /**
   * What may leave the wallet for the one purchase of a session (by a channel: its deposit), and what does at an honest
   * server. Millionths of a dollar, which are the asset's atomic units.
   */
  readonly price: bigint
  readonly charged: bigint
  /** How long its authorizations can be taken after their end, in milliseconds: until then nothing may be freed. */
  readonly afterEnd_ms: number
  /** By case: where it differs from what the table says an agent is told, and why. */
  readonly differs: Readonly<Record<string, Difference>>
  start(house: RailHouse): Promise<RailWorld>
}

export interface Difference {
  readonly why: string
  readonly told?: { readonly first?: Told; readonly repeat?: Told }
  /** It cannot happen here. */
  readonly never?: true
}
