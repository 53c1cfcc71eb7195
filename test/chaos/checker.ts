/**
 * The checker: whether the invariants hold, looked at whenever something happened.
 *
 * I1 cap: what was ever signed and is not proven dead fits into the cap of its session and of each ancestor.
 * I2 once: a purchase has one live authorization at most, and a nonce belongs to one payment for ever.
 * I3 no signature without a row, no byte without what is stored, no release without proof.
 * I4 what is signed is what was decided, and what the receipt says.
 * I5 every signature has its receipt in the end, chains are unbroken, states only move forward.
 * I6 nothing is reserved beyond a window, nor where an end or a halt was acknowledged (by clocks that were never wrong).
 */
import { createHash } from 'node:crypto'
import { UNDELIVERED_TTL_MS } from '../../src/limits.ts'
import type { TransferAuthorization } from '../../src/wallet/wallet.ts'
import type { Life } from './agenda.ts'
import { type Books, type Entry, type ReceiptEntry, Violation } from './books.ts'
import type { ChainModel } from './chain-model.ts'
import type { Signed, Truth } from './truth.ts'

/** Where nothing may be reserved, and when. */
export interface Bar {
  /** With all below it; null: everywhere. */
  readonly sessionId: string | null
  /** Milliseconds since 1970. */
  readonly from: number
  until: number
}

/** No more than `max` millionths in any `per_ms`. */
export interface Window {
  readonly sessionId: string
  readonly max: bigint
  readonly per_ms: number
}

export interface CheckerOptions {
  readonly truth: Truth
  readonly chain: ChainModel
  /** Millionths: the most that the cap of this session may be by what operators did so far. */
  readonly capOf: (sessionId: string) => bigint
  readonly parentOf: (sessionId: string) => string | null
  /** How many purchases the agents have asked for under this URL. */
  readonly wanted: (url: string) => number
  readonly windows: readonly Window[]
  readonly bars: readonly Bar[]
  /** No process has ever shown a wrong time. */
  readonly clocksRight: boolean
  /** The latest time that any replica's clock has shown, in milliseconds since 1970. */
  readonly latest: () => number
}

/** Where a state may lead, with evidence from a chain or from people where it needs some. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
  reserved: ['signed', 'sent', 'unknown', 'settled', 'void'],
  signed: ['sent', 'unknown', 'settled', 'void', 'expired'],
  sent: ['unknown', 'settled', 'void', 'expired'],
  unknown: ['settled', 'void', 'expired'],
  expired: ['settled', 'void'],
  settled: ['void'],
  void: [],
}

export class Checker {
  readonly #options: CheckerOptions
  readonly #states = new Map<string, string>()
  readonly #purchases = new Map<string, string>()
  readonly #heads = new Map<string, { number: number; hash: string }>()
  /** When a nonce's payment became settled or expired. */
  readonly #concluded = new Map<string, number>()
  /** Payments whose bytes are durable. */
  readonly #kept = new Set<string>()
  /** Payments that have a receipt beside a refusal's, with the state that the newest one says. */
  readonly #told = new Map<string, string>()
  #receipts = 0
  #seen = -1
  #truth = -1

  constructor(options: CheckerOptions) {
    this.#options = options
  }

  get told(): ReadonlyMap<string, string> {
    return this.#told
  }

  /** After a step of the world: everything that may have changed is looked at. @throws Violation. */
  look(books: Books): void {
    const { truth } = this.#options
    if (books.version === this.#seen && truth.version === this.#truth) return
    if (books.version !== this.#seen) {
      this.#rows(books)
      this.#chains(books)
      if (this.#options.clocksRight) this.#windows(books)
    }
    this.#seen = books.version
    this.#truth = truth.version
    this.#caps(books)
    this.#purchasesOnce(books)
  }

  /** Before a signature is made. @throws Violation. */
  signing(data: TransferAuthorization, life: Life, books: Books): void {
    const { truth } = this.#options
    const entry = books.decided(data.nonce)
    if (!entry) throw new Violation('I3', `nonce ${data.nonce} was signed without a row`)
    // Where signing takes a commit of its own, a payment may be voided meanwhile: what was signed must never leave then.
    if (entry.state !== 'reserved' && entry.state !== 'void')
      throw new Violation('I3', `payment ${entry.id} was signed while it was ${entry.state}`)
    const same = entry.amountAtomic === String(data.value) && entry.payTo.toLowerCase() === data.to.toLowerCase()
    if (!same) throw new Violation('I4', `payment ${entry.id} was decided for ${entry.amountAtomic} and signed for ${data.value}`)
    const { id, sessionId, url, replaces } = entry
    if (truth.of(id)) throw new Violation('I2', `payment ${id} was signed twice`)
    const other = truth.with(data.nonce).find(({ paymentId }) => paymentId !== replaces)
    if (other) throw new Violation('I2', `nonce ${data.nonce} belongs to payment ${other.paymentId} and was signed for ${id}`)
    truth.add({ transfer: data, paymentId: id, sessionId, url, life, left: false, withdrawn: entry.state === 'void' })
  }

  /** Before the first byte of a payment leaves. `headers`: what carries it. @throws Violation. */
  leaving(nonce: string, headers: readonly string[], books: Books): void {
    const { truth } = this.#options
    const all = truth.with(nonce)
    if (all.length === 0) throw new Violation('I3', `nonce ${nonce} left without ever being signed`)
    const carried = JSON.stringify(headers)
    const rows = books.entries().filter((one) => one.nonce === nonce)
    const entry = rows.find((one) => one.headers === carried) ?? rows.at(-1)
    const signed = all.find(({ paymentId }) => paymentId === entry?.id)
    if (!entry || !signed) throw new Violation('I3', `nonce ${nonce} left before its row was durable`)
    if (entry.headers !== carried) throw new Violation('I3', `payment ${entry.id} left before its bytes were durable`)
    if (entry.state === 'void') throw new Violation('I3', `payment ${entry.id} left although it is void`)
    truth.leave(signed)
  }

  #rows(books: Books): void {
    for (const entry of books.entries()) {
      const before = this.#states.get(entry.id)
      if (before === entry.state) continue
      if (before === undefined) this.#allowed(entry)
      this.#states.set(entry.id, entry.state)
      this.#forward(entry, before)
      if (entry.state === 'void') this.#released(entry)
      const first = this.#purchases.get(entry.purchaseId) ?? entry.id
      this.#purchases.set(entry.purchaseId, first)
      if (first !== entry.id) throw new Violation('I2', `purchase ${entry.purchaseId} has payments ${first} and ${entry.id}`)
    }
    for (const { id, cap, spent, held } of books.accounts()) {
      if (spent + held > cap || spent < 0n || held < 0n)
        throw new Violation('I1', `session ${id} has spent ${spent} and holds ${held} of ${cap}`)
    }
  }

  #allowed({ id, sessionId, reservedAt }: Entry): void {
    const { bars, clocksRight } = this.#options
    if (!clocksRight) return
    const met = bars.find((bar) => reservedAt > bar.from && reservedAt < bar.until && this.#isBelow(sessionId, bar.sessionId))
    if (met)
      throw new Violation('I6', `payment ${id} was reserved at ${reservedAt}, ${met.sessionId ?? 'all'} being barred from ${met.from}`)
  }

  #isBelow(sessionId: string, above: string | null): boolean {
    for (let id: string | null = sessionId; id !== null; id = this.#options.parentOf(id)) if (id === above) return true
    return above === null
  }

  /** Recounted from the rows: what is free again by now counts for nobody. */
  #windows(books: Books): void {
    for (const { sessionId, max, per_ms } of this.#options.windows) {
      const counted = books.entries().filter((entry) => entry.state !== 'void' && this.#isBelow(entry.sessionId, sessionId))
      for (const { reservedAt: to } of counted) {
        const within = counted.filter(({ reservedAt }) => reservedAt > to - per_ms && reservedAt <= to)
        const sum = within.reduce((total, { amount }) => total + amount, 0n)
        if (sum > max) throw new Violation('I6', `${sum} were set aside within ${per_ms} ms in session ${sessionId}, whose limit is ${max}`)
      }
    }
  }

  #forward({ id, state }: Entry, before: string | undefined): void {
    if (before === undefined) return
    if (!NEXT[before]?.includes(state)) throw new Violation('I5', `payment ${id} went from ${before} to ${state}`)
  }

  /** Money is free again only where nothing was signed, nothing of it left, or the chain can never take it. */
  #released({ id, nonce }: Entry): void {
    const { truth, chain } = this.#options
    const signed = truth.of(id)
    if (!signed || this.#dead(signed)) return
    if (signed.left) {
      const how = chain.used(nonce) ? 'the chain has taken it' : 'the chain may still take it'
      throw new Violation('I3', `payment ${id} was released without proof: ${how}`)
    }
    truth.withdraw(signed)
  }

  #dead(signed: Signed): boolean {
    const { chain, truth } = this.#options
    const { nonce, validBefore } = signed.transfer
    if (chain.dead(nonce, Number(validBefore))) return true
    const use = chain.finalUse(nonce)
    return use?.call.kind === 'transfer' && !truth.made(signed, use.call)
  }

  /** Nobody can ever take it: withdrawn, dead, or lost with the process that alone had it. */
  #gone(signed: Signed, books: Books): boolean {
    return signed.withdrawn || this.#dead(signed) || (!signed.left && this.#unreachable(signed, books))
  }

  /**
   * It never left. Where it is written nowhere it ended with its process; where its void is decided, whatever was decided
   * on the room that this gave is durable with it or not at all.
   */
  #unreachable({ life, paymentId, transfer: { nonce } }: Signed, books: Books): boolean {
    return life.alive ? books.decided(nonce)?.state === 'void' : !this.#kept.has(paymentId)
  }

  #caps(books: Books): void {
    const { truth, capOf, parentOf } = this.#options
    const sums = new Map<string, bigint>()
    for (const signed of truth.all) {
      if (this.#gone(signed, books)) continue
      for (let id: string | null = signed.sessionId; id !== null; id = parentOf(id)) {
        sums.set(id, (sums.get(id) ?? 0n) + signed.transfer.value)
      }
    }
    for (const [id, sum] of sums) {
      if (sum > capOf(id)) throw new Violation('I1', `${sum} is signed and not dead in session ${id}, whose cap is ${capOf(id)}`)
    }
  }

  #purchasesOnce(books: Books): void {
    const live = new Map<string, Set<string>>()
    for (const signed of this.#options.truth.all) {
      if (this.#gone(signed, books) || this.#over(signed)) continue
      // Of two with one nonce the token settles one.
      live.set(signed.url, (live.get(signed.url) ?? new Set()).add(signed.transfer.nonce))
    }
    for (const [url, { size }] of live) {
      const wanted = this.#options.wanted(url)
      if (size > wanted) throw new Violation('I2', `${size} authorizations are live or taken for ${wanted} purchases of ${url}`)
    }
  }

  /** A purchase that was settled long ago, by the latest of all clocks, is no repeat any more. */
  #over({ transfer: { nonce } }: Signed): boolean {
    const at = this.#concluded.get(nonce)
    return at !== undefined && this.#options.latest() - at >= UNDELIVERED_TTL_MS
  }

  #chains(books: Books): void {
    for (const receipt of books.receipts(this.#receipts)) {
      this.#receipts++
      this.#link(receipt)
    }
    for (const { id, nonce, state, headers, concludedAt } of books.entries()) {
      if (headers !== null) this.#kept.add(id)
      if ((state === 'settled' || state === 'expired') && concludedAt !== null) this.#concluded.set(nonce, concludedAt)
    }
  }

  #link({ sessionId, number, paymentId, kind, hash, body }: ReceiptEntry): void {
    const head = this.#heads.get(sessionId) ?? { number: 0, hash: '0'.repeat(64) }
    if (number !== head.number + 1) throw new Violation('I5', `receipt ${number} of session ${sessionId} follows ${head.number}`)
    if (createHash('sha256').update(body).digest('hex') !== hash)
      throw new Violation('I5', `receipt ${number} of ${sessionId} has another hash`)
    if (!body.includes(`"previousHash":"${head.hash}"`))
      throw new Violation('I5', `receipt ${number} of ${sessionId} does not follow the one before`)
    this.#heads.set(sessionId, { number, hash })
    if (kind === 'refusal') return
    this.#told.set(paymentId, /"state":"([a-z_]+)"/.exec(body)?.[1] ?? '')
    this.#agrees(paymentId, body)
  }

  /** I4: the receipt tells of what was signed. */
  #agrees(paymentId: string, body: string): void {
    for (const { paymentId: id, transfer } of this.#options.truth.all) {
      if (id !== paymentId) continue
      const said = body.includes(`"amountAtomic":"${transfer.value}"`) && body.includes(`"nonce":"${transfer.nonce}"`)
      if (!said) throw new Violation('I4', `the receipt of payment ${id} does not tell what was signed`)
    }
  }
}
