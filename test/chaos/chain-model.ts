/**
 * The chain of the world: one token whose transfers are EIP-3009 authorizations. Blocks come at a steady pace unless the
 * chain stands still; what was put into one can be taken back by a reorganisation as long as it is not final. This model is
 * the truth about money: the ledger is compared with it, never the other way round.
 */
import type { Agenda } from './agenda.ts'

export const BLOCK_MS = 2_000
/** Blocks that were made before the history begins, so that finality has something to look back at. */
const EARLIER_BLOCKS = 64

/** What somebody wants put into a block. Times in seconds since 1970. */
export interface Call {
  readonly kind: 'transfer' | 'cancel'
  readonly nonce: string
  readonly to: string
  readonly value: bigint
  readonly validAfter_s: number
  readonly validBefore_s: number
}

/** A nonce that was used, and where. */
export interface Use {
  readonly call: Call
  readonly transaction: string
  readonly block: number
  readonly time_s: number
}

/** What a recipient sent back to our wallet, and where. Atomic units. */
export interface Return {
  readonly from: string
  readonly amount: bigint
  readonly transaction: string
  readonly block: number
}

export type Outcome = { readonly kind: 'included'; readonly use: Use } | { readonly kind: 'reverted'; readonly reason: string }

/** From when to when (milliseconds since 1970) no block is made. */
export interface Standstill {
  readonly from: number
  readonly until: number
}

export interface ChainOptions {
  /** Blocks below the head that are final; 0 makes the head final. */
  readonly finality: number
  readonly standstills: readonly Standstill[]
}

export class ChainModel {
  readonly finality: number
  readonly #agenda: Agenda
  readonly #standstills: readonly Standstill[]
  readonly #uses = new Map<string, Use>()
  /** When each block was made. */
  readonly #times: number[] = []
  #returns: readonly Return[] = []
  #next: number
  /** What the next block does. */
  #pending: (() => void)[] = []
  #awaited = false
  #transactions = 0

  constructor(agenda: Agenda, { finality, standstills }: ChainOptions) {
    this.#agenda = agenda
    this.finality = finality
    this.#standstills = standstills
    this.#next = agenda.now - EARLIER_BLOCKS * BLOCK_MS
  }

  /** The number of the newest block. */
  get head(): number {
    this.#grow()
    return this.#times.length
  }

  get finalBlock(): number {
    return this.head - this.finality
  }

  /** Seconds since 1970. */
  timeOf(block: number): number {
    this.#grow()
    return Math.floor((this.#times[block - 1] ?? 0) / 1_000)
  }

  /** Resolves when a block took it or refused it: a nonce is used once. */
  submit(call: Call): Promise<Outcome> {
    return new Promise((done) => {
      this.#pending.push(() => done(this.#execute(call)))
      this.#await()
    })
  }

  /** Sends it back, in the next block. */
  giveBack(from: string, amount: bigint): void {
    this.#pending.push(() => {
      this.#returns = [...this.#returns, { from, amount, transaction: this.#transaction(), block: this.head }]
    })
    this.#await()
  }

  finalReturns(): readonly Return[] {
    const { finalBlock } = this
    return this.#returns.filter(({ block }) => block <= finalBlock)
  }

  used(nonce: string): Use | undefined {
    return this.#uses.get(nonce)
  }

  /** A use in a final block: it is never taken back. */
  finalUse(nonce: string): Use | undefined {
    const use = this.#uses.get(nonce)
    return use && use.block <= this.finalBlock ? use : undefined
  }

  finalUses(): readonly Use[] {
    const { finalBlock } = this
    return [...this.#uses.values()].filter(({ block }) => block <= finalBlock)
  }

  /** True where no transfer by this nonce can happen any more, for certain. */
  dead(nonce: string, validBefore_s: number): boolean {
    const use = this.finalUse(nonce)
    if (use) return use.call.kind === 'cancel'
    return this.timeOf(this.finalBlock) >= validBefore_s
  }

  /** Takes back what is not final; what `again` names comes back in a later block, if it still can. */
  reorganise(again: (use: Use) => boolean): void {
    const { finalBlock } = this
    this.#returns = this.finalReturns()
    for (const use of [...this.#uses.values()]) {
      if (use.block <= finalBlock) continue
      this.#uses.delete(use.call.nonce)
      if (again(use)) void this.submit(use.call)
    }
  }

  #grow(): void {
    for (; this.#next <= this.#agenda.now; this.#next += BLOCK_MS) {
      if (!this.#still(this.#next)) this.#times.push(this.#next)
    }
  }

  #still(time: number): boolean {
    return this.#standstills.some(({ from, until }) => time >= from && time < until)
  }

  #await(): void {
    if (this.#awaited) return
    this.#awaited = true
    this.#grow()
    let next = this.#next
    while (this.#still(next)) next += BLOCK_MS
    this.#agenda.later(next - this.#agenda.now, this.#agenda.world, () => this.#mine())
  }

  #mine(): void {
    this.#awaited = false
    const pending = this.#pending
    this.#pending = []
    for (const happen of pending) happen()
  }

  #execute(call: Call): Outcome {
    const block = this.head
    const time_s = this.timeOf(block)
    const reason = this.#bar(call, time_s)
    if (reason) return { kind: 'reverted', reason }
    const use: Use = { call, transaction: this.#transaction(), block, time_s }
    this.#uses.set(call.nonce, use)
    return { kind: 'included', use }
  }

  #transaction(): string {
    return `0x${(++this.#transactions).toString(16).padStart(64, '0')}`
  }

  #bar({ kind, nonce, validAfter_s, validBefore_s }: Call, time_s: number): string | undefined {
    if (this.#uses.has(nonce)) return 'authorization is used or canceled'
    if (kind === 'cancel') return undefined
    if (time_s <= validAfter_s) return 'authorization is not yet valid'
    return time_s < validBefore_s ? undefined : 'authorization is expired'
  }
}
