/**
 * Recovery: everything that was left open comes to its end, at start and for as long as the process runs. What runs that
 * are gone left behind is taken over, payments that nobody can be sure of are claimed one by one and proven, transfers
 * back are counted. A round that fails is warned of, and the next one begins where it stopped.
 */
import { LRUCache } from 'lru-cache'
import type { Chain, Incoming } from '../chain/chain.ts'
import { type Clock, type Pause, systemPause } from '../clock.ts'
import type { Ledger, Payment } from '../ledger/ledger.ts'
import {
  INCOMING_INTERVAL_MS,
  MAX_REPORT_ENTRIES,
  PROOF_BATCH,
  PROOF_CONCURRENCY,
  PROOF_INTERVAL_MS,
  PROOF_LEASE_MS,
  SETTLE_NOW_INTERVAL_MS,
} from '../limits.ts'
import type { Events } from '../telemetry/events.ts'
import { passing } from '../waypoints.ts'
import { type ProveDeps, type Proven, prove } from './prove.ts'
import { lookForRefunds, type RefundDeps, type WatchedWallet } from './refunds.ts'
import { type RoundReport, stillOpen } from './report.ts'
import { RoundNotes } from './round-notes.ts'
import type { SessionWallets } from './session-wallets.ts'

type RecoveryLedger = ProveDeps['ledger'] & RefundDeps['ledger'] & Pick<Ledger, 'takeOver' | 'claimUnproven' | 'putOff' | 'payment'>

export interface RecoveryDeps {
  readonly ledger: RecoveryLedger
  readonly chain: Pick<Chain, 'networks' | 'find' | 'incoming'>
  readonly clock: Clock
  readonly events: Pick<Events, 'warned'>
  /** Our wallets, with the tokens that they pay in, on each network that can be asked. */
  readonly wallets: readonly WatchedWallet[]
  /** Those of sessions, where each has its own; a few in each round. */
  readonly sessionWallets?: Pick<SessionWallets, 'next'>
  /** Waits between two rounds; resolves or rejects early when the signal comes. */
  readonly pause?: Pause
}

export interface Recovery {
  /** Rounds until `stop`, the first one at once. */
  start(): void
  /** Resolves when the round that runs is over: what it has begun is ended, and nothing more is begun. */
  stop(): Promise<void>
  /** One full round, after the one that may be running. */
  round(): Promise<RoundReport>
  /** Looks at one payment now, whoever has claimed it; undefined where that failed, which was warned of. */
  look(payment: Payment): Promise<Proven | undefined>
  /** The payment as it stands once its chain was asked, if it could be. */
  settleNow(payment: Payment): Promise<Payment>
  /** The last transfers to us that fit no payment, since the start. */
  unmatched(): readonly Incoming[]
}

export function createRecovery(deps: RecoveryDeps): Recovery {
  return new Rounds(deps)
}

/** Of claims in one round, so that a long backlog keeps nothing else waiting. */
const BATCHES = 10

class Rounds implements Recovery {
  readonly #deps: RecoveryDeps
  readonly #looks = new Map<string, Promise<Proven | undefined>>()
  readonly #lately = new LRUCache<string, number>({ max: MAX_REPORT_ENTRIES })
  readonly #warned = new Set<string>()
  readonly #stop = new AbortController()
  #loop: Promise<void> | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #unmatched: readonly Incoming[] = []
  #incomingAt: number | undefined

  constructor(deps: RecoveryDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#loop
    await this.#turn
  }

  round(): Promise<RoundReport> {
    return this.#inTurn({ incoming: true })
  }

  unmatched(): readonly Incoming[] {
    return this.#unmatched
  }

  look(payment: Payment): Promise<Proven | undefined> {
    const running = this.#looks.get(payment.id)
    if (running !== undefined) return running
    const look = this.#prove(payment).finally(() => this.#looks.delete(payment.id))
    this.#looks.set(payment.id, look)
    return look
  }

  async settleNow(payment: Payment): Promise<Payment> {
    const { clock, ledger } = this.#deps
    const last = this.#lately.get(payment.id)
    if (last === undefined || clock.monotonic() - last >= SETTLE_NOW_INTERVAL_MS) {
      this.#lately.set(payment.id, clock.monotonic())
      await this.look(payment)
    }
    return (await ledger.payment(payment.id)) ?? payment
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    const pause = this.#deps.pause ?? systemPause
    while (!signal.aborted) {
      const { clock } = this.#deps
      const due = this.#incomingAt === undefined || clock.monotonic() - this.#incomingAt >= INCOMING_INTERVAL_MS
      await this.#inTurn({ incoming: due })
      await pause(PROOF_INTERVAL_MS, signal).catch(() => undefined)
    }
  }

  #inTurn(round: { readonly incoming: boolean }): Promise<RoundReport> {
    const mine = this.#turn.then(() => this.#round(round))
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  async #round({ incoming }: { readonly incoming: boolean }): Promise<RoundReport> {
    const notes = new RoundNotes()
    await this.#step(notes, 'Taking over what ended runs left behind', async () => {
      passing('taking over')
      notes.takenOver = await this.#deps.ledger.takeOver()
      passing('taken over')
    })
    await this.#step(notes, 'Looking into open payments', () => this.#proveClaimed(notes))
    if (incoming) {
      this.#incomingAt = this.#deps.clock.monotonic()
      const ofSessions = await this.#sessionWallets(notes)
      for (const watched of [...this.#deps.wallets, ...ofSessions]) await this.#lookForRefunds(notes, watched)
    }
    this.#unmatched = [...this.#unmatched, ...notes.unmatched].slice(-MAX_REPORT_ENTRIES)
    this.#warnOfNetworks(notes)
    return notes.report()
  }

  async #sessionWallets(notes: RoundNotes): Promise<readonly WatchedWallet[]> {
    let found: readonly WatchedWallet[] = []
    await this.#step(notes, 'Listing the wallets of sessions', async () => {
      found = (await this.#deps.sessionWallets?.next()) ?? []
    })
    return found
  }

  async #proveClaimed(notes: RoundNotes): Promise<void> {
    const { ledger, chain } = this.#deps
    for (let batch = 0; batch < BATCHES && !this.#stop.signal.aborted; batch++) {
      const claimed = await ledger.claimUnproven({ networks: chain.networks, limit: PROOF_BATCH })
      passing('claimed')
      await inParallel(claimed, (payment) => this.#settle(notes, payment))
      if (claimed.length < PROOF_BATCH) return
    }
  }

  /** A network that gives no answers is not asked about the next payment of the same round. What is not begun waits for its lease. */
  async #settle(notes: RoundNotes, payment: Payment): Promise<void> {
    if (this.#stop.signal.aborted) return
    const { clock, ledger } = this.#deps
    const network = payment.terms?.network
    const down = notes.silenceOf(network)
    const later = clock.now() + PROOF_LEASE_MS
    const proven = down ? { kind: 'unavailable' as const, reason: down, lookAgain: later } : await this.look(payment)
    if (proven && proven.kind !== 'unavailable') notes.answeredBy(network)
    if (proven?.kind === 'resolved') {
      notes.resolved.push(proven.resolved)
      return
    }
    if (proven) notes.open.push(stillOpen(payment, proven.reason))
    else notes.failures++
    if (proven?.kind === 'unavailable') notes.unavailableAt(network, proven.reason)
    await ledger.putOff(payment.id, Math.max(proven?.lookAgain ?? later, clock.now() + 1))
    passing('put off')
  }

  async #prove(payment: Payment): Promise<Proven | undefined> {
    try {
      return await prove(this.#deps, payment)
    } catch (fault) {
      this.#deps.events.warned(`Payment ${payment.id} could not be looked into.`, fault)
      return undefined
    }
  }

  async #lookForRefunds(notes: RoundNotes, watched: WatchedWallet): Promise<void> {
    if (this.#stop.signal.aborted || notes.reasonOf(watched.network) !== undefined) return
    await this.#step(notes, `Looking for transfers back on ${watched.network}`, async () => {
      const { refunds, unmatched } = await lookForRefunds(this.#deps, watched, this.#stop.signal)
      notes.refunds.push(...refunds)
      notes.unmatched.push(...unmatched)
    })
  }

  /** Warned of once, until it goes well again. */
  async #step(notes: RoundNotes, what: string, step: () => Promise<void>): Promise<void> {
    try {
      await step()
      this.#warned.delete(what)
    } catch (fault) {
      notes.failures++
      this.#warnOnce(what, `${what} failed; it is tried again.`, fault)
    }
  }

  #warnOfNetworks(notes: RoundNotes): void {
    for (const network of this.#deps.chain.networks) {
      const reason = notes.reasonOf(network)
      if (reason === undefined) this.#warned.delete(network)
      else this.#warnOnce(network, `${network} cannot be asked about open payments, which stay held: ${reason}`)
    }
  }

  #warnOnce(what: string, sentence: string, cause?: unknown): void {
    if (this.#warned.has(what)) return
    this.#warned.add(what)
    this.#deps.events.warned(sentence, cause)
  }
}

/** A few at once; the first fault ends it when those that run are over. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await work(item)
  }
  const ends = await Promise.allSettled(Array.from({ length: PROOF_CONCURRENCY }, worker))
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed) throw failed.reason
}
