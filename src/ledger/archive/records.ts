/**
 * The ledger's records read on through the archive: what has left is found, listed behind what is still in the tables,
 * exported and verified as if it had stayed. Nothing that pays reads through this.
 */
import type { Receipt, ReceiptFilter, Verification } from '../../audit/receipt.ts'
import { PurserError, refused } from '../../errors.ts'
import { SEGMENTS_A_PAGE, VERIFY_ATTEMPTS } from '../../retention-limits.ts'
import type { Ledger, Page, PageRequest, Payment, PaymentFilter } from '../ledger.ts'
import { ArchiveFault, nameOf, type Past, type Segment, type SegmentQuery } from '../retention.ts'
import { type PlacedPayment, readPaymentLine, readReceiptLine } from './entries.ts'
import { readLines } from './files.ts'
import { type Placed, pageThrough, type Wanted } from './listing.ts'
import { isWanted, isWantedReceipt } from './matching.ts'

/** The same ledger for people: its records go on in the archive of this folder (absolute). */
export function withArchive(ledger: Ledger, folder: string): Ledger {
  const records = new Records(ledger, folder)
  const read: Partial<Ledger> = {
    payment: (id) => records.payment(id),
    payments: (filter, page) => records.payments(filter, page),
    receipt: (id) => records.receipt(id),
    receipts: (filter, page) => records.receipts(filter, page),
    verifyReceipts: () => records.verifyReceipts(),
    refund: (refund) => records.unlessLeft(refund.paymentId, () => ledger.refund(refund)),
    correct: (correction) => records.unlessLeft(correction.paymentId, () => ledger.correct(correction)),
  }
  return new Proxy(ledger, {
    get(target, name) {
      const member: unknown = Object.hasOwn(read, name) ? Reflect.get(read, name) : Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

/** Only payments in these states leave. */
const LEFT = ['denied', 'void', 'settled']

class Records {
  readonly #ledger: Ledger
  readonly #folder: string

  constructor(ledger: Ledger, folder: string) {
    this.#ledger = ledger
    this.#folder = folder
  }

  async payment(id: string): Promise<Payment | undefined> {
    return (await this.#ledger.payment(id)) ?? (await this.#archivedPayment(id))
  }

  async receipt(id: string): Promise<Receipt | undefined> {
    return (await this.#ledger.receipt(id)) ?? (await this.#archivedReceipt(id))
  }

  payments(filter: PaymentFilter, page: PageRequest): Promise<Page<Payment>> {
    const { state, disputed, session } = filter
    if (disputed === true || (state !== undefined && !LEFT.includes(state))) return this.#ledger.payments(filter, page)
    const placed = ({ place, payment }: PlacedPayment): Placed<Payment> => ({ place, at: payment.decidedAt, item: payment })
    return pageThrough(page, {
      ...{ retention: this.#ledger.retention, query: wanted('payments', filter, session) },
      here: (request) => this.#ledger.payments(filter, request),
      read: async (segment) => (await this.#payments(segment)).filter(({ payment }) => isWanted(payment, filter)).map(placed),
    })
  }

  receipts(filter: ReceiptFilter, page: PageRequest): Promise<Page<Receipt>> {
    const placed = (item: Receipt): Placed<Receipt> => ({ place: placeIn(item.id) ?? 0n, at: Date.parse(item.at), item })
    return pageThrough(page, {
      ...{ retention: this.#ledger.retention, query: wanted('receipts', filter, filter.payment ?? filter.session) },
      here: (request) => this.#ledger.receipts(filter, request),
      read: async (segment) => (await this.#receipts(segment)).filter((one) => isWantedReceipt(one, filter)).map(placed),
    })
  }

  /** What leaves while it looks would be missed in both places: then it looks once more. */
  async verifyReceipts(): Promise<Verification> {
    for (let attempt = 1; ; attempt++) {
      const before = await this.#newest()
      const verdict = await this.#ledger.verifyReceipts({ receipts: () => this.#past() })
      if (verdict.ok || attempt === VERIFY_ATTEMPTS || (await this.#newest()) === before) return verdict
    }
  }

  /** What has left is over and cannot change any more. */
  async unlessLeft<T>(paymentId: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (cause) {
      const isGone = cause instanceof PurserError && cause.refusal.code === 'not_found' && (await this.#archivedPayment(paymentId))
      throw isGone ? refused('conflict', `Payment ${paymentId} has left for the archive: nothing about it can change.`, cause) : cause
    }
  }

  async *#past(): ReturnType<Past['receipts']> {
    let last = 0
    for await (const segment of this.#rising()) {
      if (segment.number !== last + 1) throw new ArchiveFault(segment, `follows segment ${last}, and what was between them is missing`)
      last = segment.number
      if (segment.kind === 'receipts') yield* await this.#readReceipts(segment)
      else await this.#readPayments(segment)
    }
  }

  async *#rising(): AsyncGenerator<Segment, void, undefined> {
    for (let last = 0; ; ) {
      const segments = await this.#ledger.retention.segmentsAfter(last, SEGMENTS_A_PAGE)
      yield* segments
      last = segments.at(-1)?.number ?? last
      if (segments.length < SEGMENTS_A_PAGE) return
    }
  }

  #newest(): Promise<number> {
    return this.#ledger.retention.newest()
  }

  async #archivedPayment(id: string): Promise<Payment | undefined> {
    for (const segment of await this.#segments({ kind: 'payments', name: nameOf(id) })) {
      const found = (await this.#payments(segment)).find(({ payment }) => payment.id === id)
      if (found) return found.payment
    }
    return undefined
  }

  async #archivedReceipt(id: string): Promise<Receipt | undefined> {
    const place = placeIn(id)
    if (place === undefined) return undefined
    for (const segment of await this.#segments({ kind: 'receipts', place })) {
      const found = (await this.#receipts(segment)).find((receipt) => receipt.id === id)
      if (found) return found
    }
    return undefined
  }

  #segments(query: Wanted): Promise<readonly Segment[]> {
    return this.#ledger.retention.segments({ ...query, below: Number.MAX_SAFE_INTEGER, limit: SEGMENTS_A_PAGE })
  }

  #payments(segment: Segment): Promise<PlacedPayment[]> {
    return this.#readPayments(segment).catch(unavailable)
  }

  #receipts(segment: Segment): Promise<Receipt[]> {
    return this.#readReceipts(segment).catch(unavailable)
  }

  async #readPayments(segment: Segment): Promise<PlacedPayment[]> {
    return (await readLines(this.#folder, segment)).map(readPaymentLine)
  }

  async #readReceipts(segment: Segment): Promise<Receipt[]> {
    return (await readLines(this.#folder, segment)).map(readReceiptLine)
  }
}

/** A receipt's id ends with its place. */
function placeIn(id: string): bigint | undefined {
  const [, place] = /-([0-9a-z]{1,10})$/.exec(id) ?? []
  return place === undefined ? undefined : BigInt(Number.parseInt(place, 36))
}

function wanted(kind: SegmentQuery['kind'], span: Pick<SegmentQuery, 'since' | 'until'>, named: string | undefined): Wanted {
  const { since, until } = span
  return {
    ...{ kind, ...(since !== undefined && { since }), ...(until !== undefined && { until }) },
    ...(named !== undefined && { name: nameOf(named) }),
  }
}

function unavailable(cause: unknown): never {
  if (!(cause instanceof ArchiveFault)) throw cause
  throw refused('archive_unavailable', `This cannot be shown: ${cause.message}.`, cause)
}
