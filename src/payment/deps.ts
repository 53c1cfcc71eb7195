/** What the payment flow is given: the ports, the policy in force, time and names. */
import type { Chain } from '../chain/chain.ts'
import type { Clock, Ids, Pause } from '../clock.ts'
import type { Discovery } from '../discovery/discovery.ts'
import type { Refusal } from '../errors.ts'
import type { Ledger, Payment } from '../ledger/ledger.ts'
import type { ClassifyRules } from '../policy/classify.ts'
import type { PolicyMode } from '../policy/decision.ts'
import type { Tier } from '../policy/tiers.ts'
import type { Rail } from '../rails/rail.ts'
import type { ChannelOnChain } from '../rails/x402/channels/correction.ts'
import type { Events, Phase } from '../telemetry/events.ts'
import type { ChannelConfig, Wallet } from '../wallet/wallet.ts'
import type { Answers } from './answers.ts'
import type { Funds } from './balance.ts'
import type { OperatorBounds } from './channels/plan.ts'
import type { Turns } from './channels/turns.ts'
import type { Guards } from './guards.ts'
import type { InFlight } from './in-flight.ts'
import type { People } from './people.ts'
import type { Routes } from './routes.ts'
import type { SponsoringDeps } from './sponsoring.ts'

/** The policy that is in force: what the operator's file says, parsed. */
export interface Policy {
  readonly mode: PolicyMode
  readonly tiers: readonly Tier[]
  readonly rules: ClassifyRules
  readonly version: string
}

export interface PaymentDeps {
  readonly rails: readonly Rail[]
  readonly ledger: Ledger
  readonly wallet: Wallet
  /** Read for every decision, so that a reload takes effect at once. */
  readonly policy: () => Policy
  readonly clock: Clock
  readonly ids: Ids
  readonly events: Events
  readonly phases: Phases
  readonly inFlight: InFlight
  /** What others list: informs people and agents, and decides nothing. */
  readonly discovery: Discovery
  readonly answers: Answers
  readonly people: People
  readonly guards: Guards
  readonly funds: Funds
  /** Absent: nothing is paid with the first attempt. */
  readonly routes?: Routes
  /** 32 bytes; nonces are derived from it. */
  readonly nonceSecret: Uint8Array
  /** Why nothing may be signed for this network now, because clocks disagree; undefined where they agree or nobody can tell. */
  readonly clockBar: (network: string) => Refusal | undefined
  /** Absent: no payment brings its own allowance to Permit2. */
  readonly sponsoring?: SponsoringDeps
  /** Absent: nothing is paid through channels. */
  readonly channels?: ChannelDeps
  /** Absent: nothing is paid on Solana. */
  readonly recentBlock?: NonNullable<Chain['recentBlock']>
  /** Absent: the system's timer. */
  readonly pause?: Pause
  /** Asks the chain about an open payment now, where it can be asked, and returns the payment as it stands then. */
  readonly settleNow: (payment: Payment) => Promise<Payment>
}

/** What is paid through channels, and how it is known what became of them. */
export interface ChannelDeps {
  readonly bounds: OperatorBounds
  readonly turns: Turns
  /** What the escrow says of a channel in a final block; undefined where nobody can tell. Never rejects. */
  onChain(network: string, channel: ChannelConfig): Promise<ChannelOnChain | undefined>
}

/** Measures the steps of a payment. */
export interface Phases {
  time<T>(phase: Phase, step: () => T): T
}

/** Times a step to its end, also when it is asynchronous or fails. */
export function createPhases(clock: Clock, events: Events): Phases {
  return {
    time(phase, step) {
      const start = clock.monotonic()
      const took = () => events.phaseTook(phase, clock.monotonic() - start)
      let result: ReturnType<typeof step>
      try {
        result = step()
      } catch (fault) {
        took()
        throw fault
      }
      if (result instanceof Promise) result.then(took, took)
      else took()
      return result
    },
  }
}
