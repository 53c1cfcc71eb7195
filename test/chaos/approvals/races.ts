/**
 * Races: everybody who can touch an approval does so at once, over the real service and the real SQLite store, and a seed
 * decides who is next whenever somebody asks the store. What was paid is then held against what people saw and said.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Approval, ApprovalStore } from '../../../src/approval/approval.ts'
import type { Approvals } from '../../../src/approval/approvals.ts'
import { type Approvable, approvalDigest } from '../../../src/approval/digest.ts'
import { createApprovals } from '../../../src/approval/service.ts'
import type { Ids } from '../../../src/clock.ts'
import { PurserError } from '../../../src/errors.ts'
import { composeLedger } from '../../../src/ledger/sqlite.ts'
import { PASSED_TTL_MS, WINDOW_GRACE_MS, WINDOW_START_MS } from '../../../src/limits.ts'
import { shownOf } from '../../approval/facts.ts'
import { pausingClock } from '../../approval/service-rig.ts'
import { countingIds } from '../../clock.ts'
import { emptyDatabase } from '../../ledger/sqlite/workbench.ts'
import { Random } from '../random.ts'
import { Scheduler } from './scheduler.ts'

const WINDOW_MS = 30_000
const HOLD_MS = 60_000
const TIMEOUT_MS = 3_600_000
const AGENT = 'researcher'

type Time = ReturnType<typeof pausingClock>
type OpenLedger = Awaited<ReturnType<typeof composeLedger>>
export type Offer = Approvable & ReturnType<typeof shownOf>

/** Each changes one of the fields that an approval binds. */
export const MUTATIONS: readonly ((offer: Offer) => Offer)[] = [
  (offer) => ({ ...offer, method: 'PUT' }),
  (offer) => ({ ...offer, url: `${offer.url}?more` }),
  (offer) => ({ ...offer, bodyDigest: 'c'.repeat(64) }),
  (offer) => ({ ...offer, rail: 'mpp' }),
  (offer) => ({ ...offer, scheme: 'upto' }),
  (offer) => ({ ...offer, network: 'eip155:8453' }),
  (offer) => ({ ...offer, asset: { ...offer.asset, address: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913' } }),
  (offer) => ({ ...offer, amountAtomic: offer.amountAtomic + 1n }),
  (offer) => ({ ...offer, payTo: '0x1111111111111111111111111111111111111111' }),
  (offer) => ({ ...offer, flow: 'upfront' }),
  (offer) => ({ ...offer, sessionId: `${offer.sessionId}_other` }),
]

/** What a control breaks; nothing where the real parts are tried. */
export interface Breakage {
  store?(store: ApprovalStore): ApprovalStore
  service?(service: Approvals, store: ApprovalStore): Partial<Approvals>
  /** The payer signs whatever it has, without comparing it with what was approved. */
  readonly signsBlindly?: true
  /** The payer signs what it claimed with, and never looks at what the claim says. */
  readonly trustsClaims?: true
  /** Whoever waited for a window takes any used one for theirs. */
  readonly takesAnyUsed?: true
}

interface Paid {
  readonly approval: Approval
  readonly paymentId: string
  readonly signed: string
  readonly at: number
}

/** All that one interleaving has to be judged by. */
interface Record {
  readonly paid: Paid[]
  readonly refusedBy: Set<string>
  readonly approvedBy: Map<string, Set<string>>
  readonly shown: Map<string, string>
  readonly started: Map<string, number>
}

/** Told apart from the digest under test: the fields as one text. */
function textOf({ sessionId, method, url, bodyDigest, rail, scheme, network, asset, amountAtomic, payTo, flow }: Offer): string {
  return [sessionId, method, url, bodyDigest, rail, scheme, network, asset.address, amountAtomic, payTo, flow].join('\n')
}

/** One store for many interleavings; each finds it empty. */
export class Races implements AsyncDisposable {
  /** How interleavings ended, so that it is seen that each end was met. */
  readonly tally = new Map<string, number>()
  readonly #db: DatabaseSync
  readonly #time = pausingClock()
  readonly #ids = countingIds()
  readonly #ledger: OpenLedger
  readonly #breakage: Breakage

  private constructor(db: DatabaseSync, parts: { ledger: OpenLedger; time: Time; ids: Ids; breakage: Breakage }) {
    this.#db = db
    this.#ledger = parts.ledger
    this.#time = parts.time
    this.#ids = parts.ids
    this.#breakage = parts.breakage
  }

  static async open(breakage: Breakage = {}): Promise<Races> {
    const db = emptyDatabase()
    const time = pausingClock()
    const ids = countingIds()
    // Every write has its commit at once: what is told is durable, and nothing but the seed decides the order.
    const schedule = (run: () => void, delay_ms: number) => {
      if (delay_ms === 0) run()
      return () => undefined
    }
    const ledger = await composeLedger(db, { clock: time.clock, ids, runId: 'run_1', schedule })
    return new Races(db, { ledger, time, ids, breakage })
  }

  /** What went wrong in the interleaving of this seed; empty where nothing did. */
  async violations(seed: number): Promise<readonly string[]> {
    const random = new Random(seed)
    const scheduler = new Scheduler(random, this.#time)
    const record: Record = { paid: [], refusedBy: new Set(), approvedBy: new Map(), shown: new Map(), started: new Map() }
    const race = new Race({
      ...{ random, scheduler, record, time: this.#time, ids: this.#ids, breakage: this.#breakage },
      store: this.#ledger.approvals,
      sessionId: `ses_${seed}`,
    })
    await race.run()
    this.#db.exec('DELETE FROM approvals')
    this.#count(record)
    return judge(record)
  }

  #count({ paid, refusedBy }: Record): void {
    for (const { approval } of paid) this.#add(`${approval.kind} paid`)
    if (refusedBy.size > 0) this.#add('refused')
    else if (paid.length === 0) this.#add('neither')
  }

  #add(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ledger[Symbol.asyncDispose]()
  }
}

interface RaceOptions {
  readonly random: Random
  readonly scheduler: Scheduler
  readonly record: Record
  readonly time: Time
  readonly ids: Ids
  readonly store: ApprovalStore
  readonly sessionId: string
  readonly breakage: Breakage
}

class Race {
  readonly #options: RaceOptions
  readonly #services: readonly Approvals[]
  readonly #offer: Offer
  /** How many people have to say yes. */
  readonly #required: number
  readonly #opened = Promise.withResolvers<string>()

  constructor(options: RaceOptions) {
    this.#options = options
    this.#offer = { ...shownOf(), sessionId: options.sessionId }
    this.#required = 1 + options.random.below(2)
    const broken = options.breakage.store?.(options.store) ?? options.store
    this.#services = [this.#service(broken), this.#service(broken)]
  }

  async run(): Promise<void> {
    const { random, scheduler } = this.#options
    const first = random.below(2) === 0 ? this.#asker() : this.#owner()
    const people = [this.#approver('ada'), this.#approver('ada'), this.#approver('eve'), this.#approver(AGENT), this.#noticer()]
    const others = [this.#clock(), this.#repeater(), this.#repeater(), this.#repeater()]
    if (random.below(2) === 0) people.push(this.#denier())
    if (random.below(2) === 0) others.push(this.#sweeper())
    if (random.below(4) === 0) others.push(this.#undelivered())
    if (random.below(8) === 0) others.push(this.#sessionEnd())
    await scheduler.run([first, ...people, ...others])
    for (const service of this.#services) await service[Symbol.asyncDispose]()
  }

  #service(store: ApprovalStore): Approvals {
    const { time, ids, scheduler, record, breakage, sessionId } = this.#options
    const slow = scheduler.slow(store)
    const service = createApprovals({
      ...{ store: slow, clock: time.clock, pause: time.pause, ids },
      events: { warned: () => undefined, approvalWaited: () => undefined },
      notify: async (approval) => {
        record.shown.set(approval.id, textOf({ ...approval.shown, sessionId }))
        this.#opened.resolve(approval.id)
        return { queued: 1 }
      },
    })
    const changes = breakage.service?.(service, slow) ?? {}
    return new Proxy<Approvals>(service, {
      get(target, name) {
        const changed: unknown = Reflect.get(changes, name)
        if (changed !== undefined) return changed
        const kept: unknown = Reflect.get(target, name)
        return typeof kept === 'function' ? kept.bind(target) : kept
      },
    })
  }

  /** Any of the processes. */
  get #any(): Approvals {
    const service = this.#services[this.#options.random.below(this.#services.length)]
    if (!service) throw new Error('there are no services')
    return service
  }

  get #now(): number {
    return this.#options.time.clock.now()
  }

  /** Before anybody is told to begin: what is shown is the original. */
  async #asker(): Promise<void> {
    const { sessionId } = this.#options
    const service = this.#any
    const request = { sessionId, agent: AGENT, shown: shownOf(), required: this.#required, timeout_ms: TIMEOUT_MS }
    const asked = await service.ask(request)
    await service.settled(asked.id, HOLD_MS, new AbortController().signal)
    await this.#claimAndPay(this.#offer)
  }

  /** Whoever reserved a payment and opened a window for it; sometimes the agent gives up before its end. */
  async #owner(): Promise<void> {
    const { sessionId, random, ids, breakage } = this.#options
    const service = this.#any
    const paymentId = ids('pay')
    const opened = await service.openWindow({ sessionId, agent: AGENT, shown: shownOf(), paymentId, length_ms: WINDOW_MS })
    const { signal } = new AbortController()
    const patience = random.below(3) === 0 ? random.below(WINDOW_MS) : HOLD_MS
    let window = await service.settled(opened.id, patience, signal)
    const waiting = patience === HOLD_MS
    if (!waiting) window = await service.settled(opened.id, HOLD_MS * 2, signal)
    if (window.state === 'pending' && window.kind === 'veto') window = await service.closeWindow(opened.id, waiting)
    if (window.state !== 'used' || (window.paymentId !== paymentId && !breakage.takesAnyUsed)) return
    if (waiting) this.#sign(window, this.#mutated(this.#offer, 4), paymentId)
  }

  /** The agent repeats its request; the server may ask for something else by then. */
  async #repeater(): Promise<void> {
    await this.#opened.promise
    for (let count = 0; count < 2; count++) {
      await this.#options.scheduler.turn()
      await this.#claimAndPay(this.#mutated(this.#offer, 4))
    }
  }

  async #claimAndPay(offer: Offer): Promise<void> {
    const { sessionId, random } = this.#options
    const service = this.#any
    const claim = await service.claim(sessionId, approvalDigest(offer))
    if (!claim) return
    await this.#options.scheduler.turn()
    if (random.below(4) === 0) {
      // The policy in force refuses it now. One of two lets go twice, which must not take another one’s claim.
      await service.unclaim(claim)
      if (random.below(2) === 0) await service.unclaim(claim)
      return
    }
    if (this.#now >= claim.expiresAt) return
    if (this.#options.breakage.trustsClaims) return this.#pay(claim, offer, claim.paymentId)
    this.#sign(claim, this.#mutated(offer, 6), claim.paymentId)
  }

  /** What the ledger reserves and the wallet signs; the digest is computed anew from it. */
  #sign(approval: Approval, signed: Offer, paymentId: string): void {
    if (!this.#options.breakage.signsBlindly && approvalDigest(signed) !== approval.digest) return
    this.#pay(approval, signed, paymentId)
  }

  #pay(approval: Approval, signed: Offer, paymentId: string): void {
    this.#options.record.paid.push({ approval, paymentId, signed: textOf(signed), at: this.#now })
  }

  async #approver(person: string): Promise<void> {
    const { approvedBy } = this.#options.record
    const id = await this.#opened.promise
    await this.#options.scheduler.turn()
    const voted = await this.#attempt(() => this.#any.vote(id, { person, verdict: 'approve', reason: '', channel: 'link' }))
    if (voted) approvedBy.set(id, (approvedBy.get(id) ?? new Set()).add(person))
  }

  async #denier(): Promise<void> {
    const id = await this.#opened.promise
    await this.#options.scheduler.turn()
    const voted = await this.#attempt(() => this.#any.vote(id, { person: 'bob', verdict: 'deny', reason: '', channel: 'slack' }))
    if (voted) this.#options.record.refusedBy.add(id)
  }

  async #noticer(): Promise<void> {
    const { started } = this.#options.record
    const id = await this.#opened.promise
    if (this.#options.random.below(8) === 0) return
    await this.#options.scheduler.turn()
    const at = this.#now
    await this.#any.noticed(id)
    started.set(id, at)
  }

  async #undelivered(): Promise<void> {
    const id = await this.#opened.promise
    await this.#options.scheduler.turn()
    await this.#any.undeliverable(id)
  }

  async #sessionEnd(): Promise<void> {
    await this.#opened.promise
    await this.#options.scheduler.turn()
    await this.#any.sessionEnded(this.#options.sessionId)
  }

  async #sweeper(): Promise<void> {
    await this.#opened.promise
    for (let count = 0; count < 3; count++) {
      await this.#options.scheduler.turn()
      const [service] = this.#services
      if (service && 'sweep' in service && typeof service.sweep === 'function') await service.sweep()
    }
  }

  async #clock(): Promise<void> {
    const { random, time, scheduler } = this.#options
    const leaps = [1, WINDOW_MS, WINDOW_MS, WINDOW_MS, WINDOW_GRACE_MS, PASSED_TTL_MS, WINDOW_START_MS, TIMEOUT_MS]
    for (let count = 0; count < 3; count++) {
      for (let wait = random.below(12); wait > 0; wait--) await scheduler.turn()
      time.advance(leaps[random.below(leaps.length)] ?? 1)
    }
  }

  /** A refusal is an answer like another; undefined. */
  async #attempt<T>(step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step()
    } catch (cause) {
      if (cause instanceof PurserError && ['conflict', 'forbidden'].includes(cause.refusal.code)) return undefined
      throw cause
    }
  }

  #mutated(offer: Offer, oneOf: number): Offer {
    const { random } = this.#options
    if (random.below(oneOf) > 0) return offer
    return MUTATIONS[random.below(MUTATIONS.length)]?.(offer) ?? offer
  }
}

function judge({ paid, refusedBy, approvedBy, shown, started }: Record): string[] {
  const found: string[] = []
  for (const { approval, signed, at } of paid) {
    const { id, kind, required } = approval
    if (refusedBy.has(id)) found.push(`${id} was paid though it was vetoed or denied`)
    if (shown.get(id) !== signed) found.push(`${id} was paid with other terms than people saw`)
    const yes = approvedBy.get(id) ?? new Set()
    if (kind === 'approval' && yes.size < required) found.push(`${id} was paid with ${yes.size} of ${required} approvals`)
    if (yes.has(AGENT)) found.push(`${id} was approved by the one who asks`)
    const since = started.get(id)
    const silent = kind === 'veto' && (since === undefined || at < since + WINDOW_MS)
    if (silent) found.push(`${id} was paid before its window was over`)
  }
  const rests = paid.map(({ approval }) => approval.id)
  for (const id of new Set(rests.filter((one, index) => rests.indexOf(one) !== index))) found.push(`${id} was used twice`)
  const payments = paid.map(({ paymentId }) => paymentId)
  if (new Set(payments).size < payments.length) found.push('two payments have one id')
  return found
}
