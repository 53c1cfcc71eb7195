/**
 * The rows of payments that are being worked on, in memory. A row is inserted once, with all that happened to it until the
 * commit, and updated once for all that happens until the next.
 */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { BriefMap } from '../../brief-map.ts'
import type { Payment, PurchaseIdentity } from '../ledger.ts'
import { maybeText, money, type Row } from '../rows.ts'
import { FIXED, type Moving, movingOf, type PaymentEntry, readEntry } from './payment-entry.ts'
import { PaymentStatements } from './payment-statements.ts'
import type { Behind, Pending } from './pending.ts'
import type { Prices } from './prices.ts'

/** A new payment, with the columns that never change. */
export interface NewEntry {
  readonly entry: Omit<PaymentEntry, 'seq' | 'priceKey'>
  readonly columns: Readonly<Record<string, string | number | bigint | null>>
}

interface Place {
  entry: PaymentEntry
  /** What of it can change, as the file has it. */
  stored: Moving
  /** What is inserted with it; undefined once it is in the file. */
  fresh: readonly SQLInputValue[] | undefined
}

export interface PaymentRowsOptions {
  readonly db: DatabaseSync
  readonly pending: Pending
  /** Follow what settles. */
  readonly prices: Pick<Prices, 'add' | 'remove'>
}

export class PaymentRows implements Behind {
  readonly #pending: Pending
  readonly #prices: PaymentRowsOptions['prices']
  readonly #sql: PaymentStatements
  readonly #places = new BriefMap<Place>()
  readonly #dirty = new BriefMap<Place>()
  /** Those that are to be written with their next change. */
  readonly #remarked = new BriefMap<Place>()
  /** Changed since the last commit. */
  readonly #touched = new Set<string>()
  /** Ids by what a request repeats them by. */
  readonly #purchases = new BriefMap<Set<string>>()
  readonly #nonces = new Set<string>()
  #last: bigint | undefined

  constructor({ db, pending, prices }: PaymentRowsOptions) {
    this.#sql = new PaymentStatements(db)
    this.#pending = pending
    this.#prices = prices
    pending.join(this)
  }

  find(id: string): PaymentEntry | undefined {
    const place = this.#places.get(id)
    if (place) return place.entry
    const row = this.#sql.byId.get(id)
    return row && readEntry(row)
  }

  /** The row, or what became of it in memory. */
  read(row: Row): PaymentEntry {
    const entry = readEntry(row)
    return this.#places.get(entry.payment.id)?.entry ?? entry
  }

  hasNonce(nonce: string): boolean {
    return this.#nonces.has(nonce) || this.#sql.hasNonce.get(nonce) !== undefined
  }

  /** @throws Error where its id or nonce was used before: nothing of it is kept. */
  insert({ entry, columns }: NewEntry): void {
    this.#checkNew(entry.payment)
    this.#last ??= lastOf(this.#sql.last.get())
    const seq = this.#last + 1n
    this.#last = seq
    const fresh = FIXED.map((name) => (name === 'seq' ? seq : (columns[name] ?? null)))
    const whole = { ...entry, seq, priceKey: maybeText(columns, 'price_key') }
    this.#put(whole, { entry: whole, stored: [], fresh })
  }

  /** Puts the changed entry in the place of the one before. */
  change(before: PaymentEntry, entry: PaymentEntry): PaymentEntry {
    this.#put(entry, this.#placeOf(before))
    this.#price(before, entry)
    return entry
  }

  /** As `change`, for what is lost without harm: it is written with the next change. */
  remark(before: PaymentEntry, entry: PaymentEntry): void {
    this.#put(entry, this.#placeOf(before), this.#remarked)
  }

  /** Lets go of a row that is written and was taken out of the file. */
  leave(id: string): void {
    const place = this.#places.get(id)
    if (!place) return
    this.#drop(id)
    this.#pending.onUndo(() => this.#enter(id, place))
  }

  /** Those in memory that this request would repeat. */
  repeatedBy(identity: PurchaseIdentity): PaymentEntry[] {
    const ids = this.#purchases.get(nameOf(identity)) ?? []
    return [...ids].flatMap((id) => this.#places.get(id)?.entry ?? [])
  }

  callIn(): boolean {
    if (this.#remarked.size === 0) return false
    for (const place of this.#remarked.values()) mark(this.#dirty, place)
    this.#remarked.clear()
    return true
  }

  /** What is freed comes before what is taken: a purchase can pass from one payment to another in one transaction. */
  write(): void {
    if (this.#dirty.size === 0) return
    const changed = this.#dirty
      .values()
      .map((place) => ({ place, stored: place.stored, fresh: place.fresh, moving: movingOf(place.entry) }))
    this.#dirty.clear()
    for (const { place } of changed) this.#remarked.delete(place.entry.payment.id)
    for (const open of [false, true]) {
      for (const { place, stored, fresh, moving } of changed) {
        if (!fresh && place.entry.open === open) this.#sql.update(place.entry.seq, stored, moving)
      }
    }
    for (const { fresh, moving } of changed) if (fresh) this.#sql.insert.run(...fresh, ...moving)
    for (const { place, moving } of changed) Object.assign(place, { stored: moving, fresh: undefined })
    this.#pending.onUndo(() => {
      for (const { place, stored, fresh } of changed) {
        Object.assign(place, { stored, fresh })
        mark(this.#dirty, place)
      }
    })
  }

  /** Only what this process works on stays: it is needed again soon. */
  committed(): void {
    for (const id of this.#touched) {
      const place = this.#places.get(id)
      if (place && !isWorkedOn(place.entry) && this.#remarked.delete(id)) mark(this.#dirty, place)
      else this.#touched.delete(id)
      if (place && !isWorkedOn(place.entry) && !this.#dirty.has(id)) this.#drop(id)
    }
  }

  forget(): void {
    this.#places.clear()
    this.#purchases.clear()
    this.#nonces.clear()
    this.#dirty.clear()
    this.#remarked.clear()
    this.#touched.clear()
    this.#last = undefined
  }

  #price(before: PaymentEntry, { priceKey, payment }: PaymentEntry): void {
    const [was, is] = [before.payment.state === 'settled', payment.state === 'settled']
    if (was === is || priceKey === null) return
    if (was) this.#prices.remove(priceKey)
    else this.#prices.add(priceKey, { at: payment.reservedAt ?? 0, amount: payment.terms?.amount ?? 0n })
  }

  #checkNew(payment: Payment): void {
    const { id } = payment
    const nonce = ownNonce(payment)
    if (this.#places.has(id) || this.#sql.hasId.get(id)) throw new Error(`there is a payment ${id} already`)
    if (nonce === null) return
    if (this.hasNonce(nonce)) throw new Error(`the nonce of payment ${id} was used before`)
  }

  #placeOf(entry: PaymentEntry): Place {
    return this.#places.get(entry.payment.id) ?? { entry, stored: movingOf(entry), fresh: undefined }
  }

  #put(entry: PaymentEntry, place: Place, marked = this.#dirty): void {
    const { id } = entry.payment
    const [before, wasMarked, wasKnown] = [place.entry, marked.has(id), this.#places.has(id)]
    place.entry = entry
    if (!wasKnown) this.#enter(id, place)
    marked.set(id, place)
    this.#touched.add(id)
    this.#pending.onUndo(() => {
      place.entry = before
      if (!wasMarked) marked.delete(id)
      if (!wasKnown) this.#drop(id)
    })
  }

  #enter(id: string, place: Place): void {
    this.#places.set(id, place)
    const nonce = ownNonce(place.entry.payment)
    if (nonce !== null) this.#nonces.add(nonce)
    const name = nameOfEntry(place.entry)
    if (name === undefined) return
    const ids = this.#purchases.get(name)
    if (ids) ids.add(id)
    else this.#purchases.set(name, new Set([id]))
  }

  #drop(id: string): void {
    const place = this.#places.get(id)
    if (!place) return
    this.#places.delete(id)
    this.#nonces.delete(ownNonce(place.entry.payment) ?? '')
    const name = nameOfEntry(place.entry)
    if (name === undefined) return
    const ids = this.#purchases.get(name)
    ids?.delete(id)
    if (ids?.size === 0) this.#purchases.delete(name)
  }
}

function mark(marked: BriefMap<Place>, place: Place): void {
  marked.set(place.entry.payment.id, place)
}

function isWorkedOn({ open, holder }: PaymentEntry): boolean {
  return open && holder !== 'none'
}

/** A key names a purchase by itself, whatever is asked for with it. */
function nameOf({ sessionId, fingerprint, keyDigest }: PurchaseIdentity): string {
  return keyDigest === null ? `${sessionId} ${fingerprint}` : `${sessionId} key ${keyDigest}`
}

function nameOfEntry({ payment: { sessionId }, fingerprint, keyDigest }: PaymentEntry): string | undefined {
  return fingerprint === null ? undefined : nameOf({ sessionId, fingerprint, keyDigest })
}

/** Null where it takes another payment's place: then the nonce is that one's. */
function ownNonce({ nonce, replaces }: Payment): string | null {
  return replaces === null ? nonce : null
}

function lastOf(row: Row | undefined): bigint {
  return row ? money(row, 'seq') : 0n
}
