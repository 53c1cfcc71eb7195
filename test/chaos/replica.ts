/**
 * A replica: one process with the real payment flow, the real ledger, the real rail and the real wallet. Around it the
 * harness plays what it cannot decide itself: its clock, its timers, its wires, and its death.
 */
import type { Clock, Ids } from '../../src/clock.ts'
import { noDiscovery } from '../../src/discovery/discovery.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { createAnswers } from '../../src/payment/answers.ts'
import { createFunds } from '../../src/payment/balance.ts'
import { createClockGuard } from '../../src/payment/clock-guard.ts'
import { createPhases, type PaymentDeps } from '../../src/payment/deps.ts'
import { createGuards } from '../../src/payment/guards.ts'
import { createInFlight } from '../../src/payment/in-flight.ts'
import { createPay } from '../../src/payment/pay.ts'
import { createPreempt } from '../../src/payment/preempt.ts'
import { createRecovery } from '../../src/payment/recover.ts'
import { createRoutes, type Routes } from '../../src/payment/routes.ts'
import type { OnPaymentRequired, Preempt } from '../../src/session/exchange.ts'
import type { Events } from '../../src/telemetry/events.ts'
import type { TransferAuthorization } from '../../src/wallet/wallet.ts'
import { type Agenda, Life } from './agenda.ts'
import { isDue, isUnproven, returnsCounted } from './books.ts'
import type { ChainModel } from './chain-model.ts'
import { chainPort } from './chain-port.ts'
import { EMPTY_BODY } from './empty-body.ts'
import type { Ground, Place } from './grounds.ts'
import { HOUSE, type tillOf } from './house.ts'
import type { Random } from './random.ts'
import { watchedWallet } from './truth.ts'

export interface ReplicaOptions {
  readonly name: string
  readonly agenda: Agenda
  readonly random: Random
  readonly chain: ChainModel
  /** The chain can be asked at all, and now. */
  readonly chainKnown: boolean
  readonly chainUp: () => boolean
  /** First attempts are paid where a route is known to charge. */
  readonly preemptive: boolean
  /** Transfers back are looked for. */
  readonly watching: boolean
  readonly ground: Ground
  readonly ids: Ids
  readonly till: ReturnType<typeof tillOf>
  /** Share of calls to the ledger of which something is lost, now. */
  readonly losses: () => number
  readonly round_ms: number
  /** A broken control puts itself between the flow and its ledger here. */
  readonly ledgerOf: (ledger: Ledger, life: Life) => Ledger
  readonly onSign: (data: TransferAuthorization, life: Life) => void
  readonly onFault: (where: string, cause: unknown) => void
}

/** What runs while the process lives. */
export interface Running {
  readonly life: Life
  readonly ledger: Ledger
  readonly pay: OnPaymentRequired
  readonly preempt: Preempt | undefined
  readonly look: () => Promise<void>
}

/** After so many rounds in a row that found nothing due, the next ones come later and later, up to so many times as late. */
const PATIENCE = { rounds: 8, times: 256 } as const

/** Far more eager than the program: one challenge makes a route known, and nothing pauses it. */
function eagerRoutes(clock: Clock): Routes {
  const routes = createRoutes({ after: 1, terms_ms: 3_600_000, hosts: ['*'] }, clock)
  return { ...routes, challenged: (matter) => routes.charged({ ...matter, body: EMPTY_BODY }, 0), pause: () => undefined }
}

/** A process takes this long from its start to its first request. */
const START_MS = [1, 2_000] as const
const RESTART_MS = 1_000

export class Replica {
  readonly name: string
  readonly #options: ReplicaOptions
  readonly #booted: number
  #running: Running | undefined
  #life: Life
  #starts = 0
  #offset_ms = 0
  #cutSince: number | undefined
  #diedAt = 0
  /** A round of recovery has looked at the chain. */
  #looked = false
  /** Rounds in a row that found nothing due. */
  #idle = 0
  /** The latest wall time that it has shown. */
  latest = 0

  constructor(options: ReplicaOptions) {
    this.name = options.name
    this.#options = options
    this.#booted = options.agenda.now
    this.#life = new Life(options.name)
  }

  /** Undefined while it is down or starting. */
  get running(): Running | undefined {
    return this.#running
  }

  /** True while it runs or is about to. */
  get started(): boolean {
    return this.#life.alive && this.#starts > 0
  }

  /** Resolves when it can be asked. A start that cannot reach its ledger is tried again, as a supervisor would. */
  async start(): Promise<void> {
    const { agenda, random, name, ledgerOf } = this.#options
    const life = new Life(`${name}#${++this.#starts}`)
    this.#life = life
    const { clock, events } = this.#surroundings()
    const ledger = await this.#open(life, { clock, events })
    await agenda.pause(random.spread(...START_MS), life)
    this.#running = this.#compose(life, { ledger: ledgerOf(ledger, life), clock, events })
    this.#rounds(this.#running)
  }

  /** SIGKILL. What it had sent is on its way; what it had not committed is gone, or just came through. */
  crash(landed: boolean): void {
    this.#diedAt = this.#options.agenda.now
    this.#life.end()
    this.#running = undefined
    this.#options.ground.crashed(landed)
  }

  cut(): void {
    this.#cutSince ??= this.#options.agenda.now
  }

  mend(): void {
    this.#cutSince = undefined
  }

  /** The wall clock jumps; the monotonic one never does. */
  jump(by_ms: number): void {
    this.#offset_ms += by_ms
  }

  setRight(): void {
    this.#offset_ms = 0
  }

  async #open(life: Life, surroundings: { readonly clock: Clock; readonly events: Events }): Promise<Ledger> {
    const { agenda, ground, chainKnown, ids } = this.#options
    const place: Place = {
      ...{ ...this.#options, ...surroundings, life, confirmable: chainKnown ? [HOUSE.network] : [] },
      nameRun: () => ids('run'),
      cut: () => this.#cutSince !== undefined,
      heardAt: () => (life.alive ? (this.#cutSince ?? agenda.now) : this.#diedAt),
    }
    for (;;) {
      try {
        return await ground.open(place)
      } catch (cause) {
        this.#options.onFault('start', cause)
        await agenda.pause(RESTART_MS, life)
      }
    }
  }

  #surroundings(): { readonly clock: Clock; readonly events: Events } {
    const { agenda, onFault } = this.#options
    const clock: Clock = {
      now: () => {
        const now = Math.floor(agenda.now + this.#offset_ms)
        this.latest = Math.max(this.latest, now)
        return now
      },
      monotonic: () => agenda.now - this.#booted,
    }
    return { clock, events: { ...HOUSE.events, faulted: onFault } }
  }

  #compose(life: Life, { ledger, clock, events }: Pick<PaymentDeps, 'ledger' | 'clock' | 'events'>): Running {
    const { ids, onSign, agenda, ground, till, watching, preemptive } = this.#options
    const chain = chainPort({ ...this.#options, life })
    const recovery = createRecovery({ ledger, chain, clock, events, wallets: watching ? [HOUSE.watched] : [] })
    const guard = createClockGuard({ chain, clock, events })
    const deps: PaymentDeps = {
      ...{ ledger, clock, events, ids, rails: [till.rail], policy: () => HOUSE.policy, people: HOUSE.people, nonceSecret: HOUSE.secret },
      wallet: watchedWallet(till.wallet, (data) => onSign(data, life)),
      phases: createPhases(clock, events),
      funds: createFunds({ chain: { networks: [], balance: async () => 0n }, ledger, clock, events }),
      guards: createGuards({ circuitBreaker: null, loopGuard: null, clock, events }),
      inFlight: createInFlight(),
      ...(preemptive && { routes: eagerRoutes(clock) }),
      discovery: noDiscovery,
      answers: createAnswers({ ledger, key: HOUSE.secret, clock, events }),
      clockBar: (network) => guard.bar(network),
      pause: (ms, signal) => agenda.wait(ms, { life, signal }),
      settleNow: (payment) => recovery.settleNow(payment),
    }
    const look = async () => {
      await guard.look()
      ground.attend(agenda.now)
      const due = this.#due()
      this.#idle = due ? 0 : this.#idle + 1
      if (!due) return
      await recovery.round()
      this.#looked = true
    }
    const preempt = deps.routes && createPreempt(deps, { routes: deps.routes, provable: new Set([HOUSE.network]) })
    return { life, ledger, pay: createPay(deps), preempt, look }
  }

  /** Rounds that could find nothing are not played; most of them are of that kind. */
  #due(): boolean {
    const { ground, agenda, chainKnown } = this.#options
    const now = Math.floor(agenda.now + this.#offset_ms)
    return this.#returnsLeft() || ground.books.entries().some((entry) => isDue(entry, { chainKnown, now }))
  }

  /** Something came back that is not counted yet, or nobody has looked where the chain is. */
  #returnsLeft(): boolean {
    const { watching, chain, ground } = this.#options
    return watching && (!this.#looked || !returnsCounted(ground.books, chain))
  }

  /** One round after the other, as the real loops have it. Nobody looks where nothing is open. */
  #rounds({ life, look }: Running): void {
    const { agenda, random, round_ms, onFault, ground, chainKnown } = this.#options
    const later = Math.min(2 ** Math.max(0, this.#idle - PATIENCE.rounds), PATIENCE.times)
    agenda.later(random.between(0.2, 1) * round_ms * later, life, () => {
      const something = this.#returnsLeft() || ground.books.entries().some((entry) => isUnproven(entry, chainKnown))
      const looked = something ? look() : Promise.resolve()
      looked.catch((cause: unknown) => onFault('round', cause)).then(() => this.#running && this.#rounds(this.#running))
    })
  }
}
