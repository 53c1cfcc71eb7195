/** The world of one history: everything that a plan names, put together and set going. */
import type { Ids } from '../../src/clock.ts'
import { PurserError } from '../../src/errors.ts'
import type { Ledger, NewSession } from '../../src/ledger/ledger.ts'
import { Agenda, type Life } from './agenda.ts'
import { Agent } from './agents.ts'
import { Violation } from './books.ts'
import { ChainModel } from './chain-model.ts'
import { type Bar, Checker, type Window } from './checker.ts'
import type { Ground } from './grounds.ts'
import { Happenings } from './happenings.ts'
import { HOUSE, tillOf } from './house.ts'
import { Merchant } from './merchants.ts'
import type { Plan, PlannedSession } from './plan.ts'
import { Random } from './random.ts'
import { Replica } from './replica.ts'
import { Truth } from './truth.ts'

/** A broken part in place of a sound one: the checker must find it. */
export interface Control {
  readonly name: string
  readonly ledgerOf?: (ledger: Ledger, place: ControlPlace) => Ledger
}

export interface ControlPlace {
  readonly agenda: Agenda
  readonly life: Life
  readonly random: Random
}

export interface WorldOptions {
  readonly plan: Plan
  readonly ground: Ground
  readonly control?: Control
  /** Tells what happens, for a trace. */
  readonly note?: (time_ms: number, what: string) => void
}

const DAY_MS = 86_400_000
const PAY_TO = [
  '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  '0x1111111111111111111111111111111111111111',
  '0x2222222222222222222222222222222222222222',
] as const

export class World {
  readonly agenda = new Agenda()
  readonly truth = new Truth()
  readonly chain: ChainModel
  readonly checker: Checker
  readonly replicas: readonly Replica[]
  readonly ground: Ground
  readonly #options: WorldOptions
  readonly #merchants: readonly Merchant[]
  readonly #ids: Ids
  readonly #caps = new Map<string, bigint>()
  readonly #parents = new Map<string, string | null>()
  readonly #sessionIds = new Map<string, string>()
  readonly #windows: Window[] = []
  readonly #bars: Bar[] = []
  readonly #wanted = new Map<string, number>()
  readonly #start: number
  #errandsLeft: number
  readonly #happenings: Happenings
  #healed = false
  #violation: unknown

  constructor(options: WorldOptions) {
    const { plan, ground } = options
    this.#options = options
    this.ground = ground
    this.#start = this.agenda.now
    this.#ids = idsOf(plan.seed)
    const standstills = plan.mishaps.flatMap((one) => (one.kind === 'standstill' ? [this.#span(one.at_ms, one.lasts_ms)] : []))
    this.chain = new ChainModel(this.agenda, { finality: plan.finality, standstills })
    this.checker = new Checker({
      ...{ truth: this.truth, chain: this.chain },
      capOf: (id) => this.#caps.get(id) ?? 0n,
      parentOf: (id) => this.#parents.get(id) ?? null,
      wanted: (url) => this.#wanted.get(url) ?? 0,
      ...{ windows: this.#windows, bars: this.#bars, clocksRight: !plan.mishaps.some(({ kind }) => kind === 'clock') },
      latest: () => Math.max(this.agenda.now, ...this.replicas.map(({ latest }) => latest)),
    })
    this.#merchants = Array.from({ length: plan.merchants }, (_, at) => this.#merchant(at))
    this.replicas = Array.from({ length: plan.replicas }, (_, at) => this.#replica(at))
    this.#errandsLeft = plan.errands.length
    this.#happenings = new Happenings({
      ...{ agenda: this.agenda, chain: this.chain, truth: this.truth, replicas: this.replicas },
      ...{ ground, bars: this.#bars },
      start: (replica) => this.#guard(replica.start(), 'start'),
      sessionId: (name) => this.#sessionIds.get(name) ?? '',
      onRaise: (id, amount) => this.#caps.set(id, (this.#caps.get(id) ?? 0n) + amount),
      note: (what) => this.note(what),
    })
  }

  /** True while agents still want something or something of the plan is still to come. */
  get busy(): boolean {
    return this.#errandsLeft > 0 || this.#happenings.left > 0
  }

  /** Processes start, operators open the sessions, and the plan begins. */
  begin(): void {
    for (const replica of this.replicas) this.#guard(replica.start(), 'start')
    const [first] = this.#until(() => allOf(this.replicas.map(({ running }) => running)))
    if (!first) throw new Error('a world needs a replica')
    for (const session of this.#options.plan.sessions) this.#open(first.ledger, session)
    for (const errand of this.#options.plan.errands) this.#agent(errand).begin()
    this.#happenings.begin(this.#options.plan)
  }

  /** The next thing happens, and the invariants are looked at. @throws Violation. */
  step(until?: number): boolean {
    const went = this.agenda.step(until)
    if (this.#violation) throw this.#violation
    this.checker.look(this.ground.books)
    return went
  }

  /** Whatever was broken works again, so that what is open can be settled. */
  heal(): void {
    this.#healed = true
    this.#happenings.mend()
    for (const replica of this.replicas) {
      replica.mend()
      replica.setRight()
      if (!replica.started) this.#guard(replica.start(), 'start')
    }
    this.#until(() => this.replicas.every(({ running }) => running) || undefined)
  }

  note(what: string): void {
    this.#options.note?.(this.agenda.now - this.#start, what)
  }

  /** Steps on until there is such a thing. */
  #until<T>(look: () => T | undefined): T {
    this.agenda.settle()
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      if (!this.step()) throw new Violation('harness', 'nothing happens any more, and something is waited for')
    }
  }

  #settled<T>(promise: Promise<T>): T {
    const results: { readonly value: T }[] = []
    this.#guard(
      promise.then((value) => results.push({ value })),
      'a call',
    )
    return this.#until(() => results[0]).value
  }

  #open(ledger: Ledger, { name, parent, cap, window }: PlannedSession): void {
    const id = this.#ids('ses')
    const parentId = parent === null ? null : (this.#sessionIds.get(parent) ?? null)
    this.#sessionIds.set(name, id)
    this.#caps.set(id, cap)
    this.#parents.set(id, parentId)
    if (window) this.#windows.push({ sessionId: id, ...window })
    const limits = window ? { perWindow: [window] } : {}
    const now = Math.floor(this.agenda.now)
    const session: NewSession = {
      ...{ id, tokenHash: `hash of ${id}`, name: null, agent: `agent ${this.#options.plan.seed}`, purpose: 'chaos', currency: 'USD' },
      ...{ cap, createdAt: now, expiresAt: now + 30 * DAY_MS, limits, scope: {}, networks: [HOUSE.network], assets: ['USDC'] },
      ...{ wallet: null, owner: 'ops', parent: parentId, singleUse: false, labels: {}, refill: null },
    }
    this.#insist(() => ledger.openSession(session, { key: id, digest: id }))
  }

  /** As an operator's command line does: the same request again under the same key, until it is answered. */
  #insist(call: () => Promise<unknown>): void {
    for (;;) {
      const answered = this.#settled(call().then(() => true, unavailable))
      if (answered) return
    }
  }

  #merchant(at: number): Merchant {
    const { agenda, chain } = this
    const payTo = PAY_TO[at] ?? PAY_TO[0]
    return new Merchant({ name: `m${at}`, payTo, agenda, chain, random: new Random(this.#options.plan.seed, 10 + at) })
  }

  #replica(at: number): Replica {
    const { plan, control } = this.#options
    const { agenda, chain, ground } = this
    const random = new Random(plan.seed, 20 + at)
    return new Replica({
      ...{ name: `r${at}`, agenda, chain, ground, random, ids: this.#ids },
      ...{ till: tillOf(plan.seed), losses: () => (this.#healed ? 0 : plan.losses), round_ms: plan.round_ms },
      chainKnown: plan.known,
      preemptive: plan.preemptive,
      watching: plan.orders.some(({ kind }) => kind === 'refund'),
      chainUp: () => this.#happenings.chainUp,
      ledgerOf: (ledger, life) => control?.ledgerOf?.(ledger, { agenda, life, random }) ?? ledger,
      onSign: (data, life) => this.#watching(() => this.checker.signing(data, life, ground.books)),
      onFault: (where, cause) => this.#faulted(where, cause),
    })
  }

  #agent(errand: Plan['errands'][number]): Agent {
    const { agenda, replicas, ground } = this
    const merchant = this.#merchants[errand.merchant]
    if (!merchant) throw new Error(`there is no merchant ${errand.merchant}`)
    return new Agent({
      ...{ errand, agenda, replicas, merchant, way_ms: this.#options.plan.way_ms },
      random: new Random(this.#options.plan.seed, errand.stream),
      sessionId: this.#sessionIds.get(errand.session) ?? '',
      onWant: (url) => this.#want(url, errand.keyed),
      onLeaving: (nonce, headers) => this.#watching(() => this.checker.leaving(nonce, headers, ground.books)),
      onOver: () => void this.#errandsLeft--,
      note: (what) => this.note(what),
    })
  }

  #want(url: string, keyed: boolean): void {
    this.#wanted.set(url, keyed ? 1 : (this.#wanted.get(url) ?? 0) + 1)
  }

  #span(at_ms: number, lasts_ms: number): { readonly from: number; readonly until: number } {
    return { from: this.#start + at_ms, until: this.#start + at_ms + lasts_ms }
  }

  /** What is found inside the program's own call must not be caught by it. */
  #watching(look: () => void): void {
    try {
      look()
    } catch (cause) {
      this.#violation ??= cause
      throw cause
    }
  }

  #guard(promise: Promise<unknown>, where: string): void {
    promise.catch((cause: unknown) => {
      this.#violation ??= new Violation('fault', `${where} failed: ${cause instanceof Error ? cause.stack : String(cause)}`)
    })
  }

  /** A store that cannot be reached is a fault of the world; everything else is one of ours. */
  #faulted(where: string, cause: unknown): void {
    const message = cause instanceof Error ? cause.message : String(cause)
    this.note(`fault at ${where}: ${message}`)
    const expected = cause instanceof Error && (cause.name === 'StoreFault' || cause.name === 'PurserError')
    if (!expected) this.#violation ??= new Violation('fault', `${where}: ${cause instanceof Error ? cause.stack : message}`)
  }
}

/** Ids that no other history has. */
function idsOf(seed: number): Ids {
  let count = 0
  return (prefix) => `${prefix}_${seed.toString(36)}_${(++count).toString(36)}`
}

/** False where the ledger could not be reached; anything else is a fault. */
function unavailable(cause: unknown): false {
  if (cause instanceof PurserError && cause.refusal.code === 'ledger_unavailable') return false
  throw cause
}

/** All of them, where none is missing. */
function allOf<T>(things: readonly (T | undefined)[]): readonly T[] | undefined {
  const there = things.flatMap((thing) => thing ?? [])
  return there.length === things.length ? there : undefined
}
