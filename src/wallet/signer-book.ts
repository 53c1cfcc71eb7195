/**
 * What the signer has signed: sums by session and day, and the newest signature of each nonce. It counts by what it signs
 * and never by what the proxy says was spent, so nothing that the proxy forgets or invents gives any of it back.
 */
import { formatAmount } from '../money.ts'
import { MAX_SIGNER_NONCES } from '../signer-limits.ts'

/** Millionths of a whole token. */
export interface SignerCaps {
  readonly perPayment: bigint
  readonly perSession: bigint
  /** By the calendar day in UTC. */
  readonly perDay: bigint
}

/** A signature that may take money. */
export interface Charge {
  readonly sessionId: string
  readonly paymentId: string
  /** By which the chain takes one of all that were signed with it. */
  readonly place: string
  readonly nonce: string
  /** Millionths, rounded up. */
  readonly amount: bigint
  /** Seconds since 1970: nobody can take it afterwards. */
  readonly until_s: number
}

/** A line of the journal. */
export interface Entry extends Charge {
  readonly kind: 'charge'
  /** By how much it raised the sums. */
  readonly added: bigint
  readonly day: string
}

export interface Accepted {
  readonly kind: 'accepted'
}

export type Admitted = Entry | { readonly kind: 'refused'; readonly detail: string }

export class SignerBook {
  readonly #caps: SignerCaps
  readonly #sessions = new Map<string, bigint>()
  readonly #nonces = new Map<string, Charge>()
  #day = ''
  #today = 0n
  #head: Pick<Charge, 'paymentId' | 'nonce'> | undefined

  constructor(caps: SignerCaps) {
    this.#caps = caps
  }

  /** The newest payment that was signed: a ledger that does not know it is an older copy. */
  get head(): Pick<Charge, 'paymentId' | 'nonce'> | undefined {
    return this.#head
  }

  /** Counts it, or refuses. The same nonce again counts by how much it rises, because the chain takes one of them. */
  admit(charge: Charge, now: number): Admitted {
    const { sessionId, place, amount } = charge
    const before = this.#nonces.get(place)
    if (before && before.sessionId !== sessionId) return refuse('The nonce was signed for another session.')
    const added = !before ? amount : amount > before.amount ? amount - before.amount : 0n
    let day = dayOf(now)
    // A clock that goes back opens no second day.
    if (day < this.#day) day = this.#day
    const why = this.#excess({ sessionId, amount, added, spent: day === this.#day ? this.#today : 0n })
    if (why !== undefined) return refuse(why)
    const entry: Entry = { ...charge, kind: 'charge', added, day }
    this.enter(entry)
    if (this.#nonces.size > MAX_SIGNER_NONCES) this.#forget(Math.floor(now / 1000))
    return entry
  }

  /** Takes over a line of the journal. */
  enter(entry: Entry | Accepted): void {
    if (entry.kind === 'accepted') {
      this.#head = undefined
      return
    }
    const { sessionId, place, amount, added, day } = entry
    if (day > this.#day) [this.#day, this.#today] = [day, 0n]
    this.#today += added
    this.#sessions.set(sessionId, (this.#sessions.get(sessionId) ?? 0n) + added)
    const before = this.#nonces.get(place)
    this.#nonces.set(place, before && before.amount > amount ? { ...entry, amount: before.amount } : entry)
    this.#head = entry
  }

  #excess({
    sessionId,
    amount,
    added,
    spent,
  }: Pick<Charge, 'sessionId' | 'amount'> & { added: bigint; spent: bigint }): string | undefined {
    const { perPayment, perSession, perDay } = this.#caps
    const signed = this.#sessions.get(sessionId) ?? 0n
    if (amount > perPayment)
      return `${formatAmount(amount)} is more than the ${formatAmount(perPayment)} that the signer signs in one payment.`
    if (signed + added > perSession)
      return `The signer has signed ${formatAmount(signed)} for this session, and ${formatAmount(perSession)} is the most it signs for one.`
    if (spent + added > perDay)
      return `The signer has signed ${formatAmount(spent)} today, and ${formatAmount(perDay)} is the most it signs in a day.`
    return undefined
  }

  /** Whoever asks for one of them again is counted anew, which is the safe side. */
  #forget(now_s: number): void {
    for (const [place, { until_s }] of this.#nonces) if (until_s < now_s) this.#nonces.delete(place)
  }
}

function refuse(detail: string): Admitted {
  return { kind: 'refused', detail }
}

function dayOf(now: number): string {
  return new Date(now).toISOString().slice(0, 10)
}
