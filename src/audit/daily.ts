/**
 * The report of a day: what was paid and refused, added up, and signed with the receipts' key. It names how many receipts
 * the day has and their digest, so that nobody can add up other entries than those that are kept. Days are UTC.
 */

import { createHash, type Hash } from 'node:crypto'
import * as z from 'zod'
import { movedBy } from '../channel-terms.ts'
import { MAX_REPORT_LINES } from '../limits.ts'
import { formatAmount } from '../money.ts'
import { canonicalJson } from './canonical.ts'
import { type CheckpointSigner, hasSigned } from './checkpoint.ts'
import { AUDIT_DEPTHS, type EvidenceWanted, RECORD_FORMATS, recordFormatFor } from './depths.ts'

/** The label of a session that says on whose budget its payments are booked. */
export const COST_CENTRE = 'costCentre'

const text = z.string()
const count = z.int().nonnegative()
const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`))

export const DAILY_OUTCOMES = ['settled', 'open', 'expired', 'void', 'refused'] as const
export type DailyOutcome = (typeof DAILY_OUTCOMES)[number]

const lineSchema = z.strictObject({
  tier: text.describe('empty where no tier applied'),
  audit: z.enum(AUDIT_DEPTHS).nullable(),
  record: z.enum(RECORD_FORMATS),
  agent: text.describe('* where the report has too many lines to name each'),
  costCentre: text.exactOptional().describe('the label costCentre of the session; empty without one; * as above; absent in older reports'),
  host: text.describe('of the recipient; * as above'),
  categories: z.array(text),
  currency: text.nullable(),
  outcome: z.enum(DAILY_OUTCOMES).describe('open: reserved or unknown, held; expired: counts as spent'),
  code: text.nullable(),
  payments: count.describe('refused: how many attempts'),
  amount: text.describe('sum, decimal'),
  refunded: text,
  approved: count.describe('payments that rest on an approval'),
  relaxed: count.describe('payments that mode open or report let pass, and that enforce would not have'),
  first: z.iso.datetime(),
  last: z.iso.datetime(),
})

export const dailyReportSchema = z.strictObject({
  kind: z.literal('daily_report'),
  ledgerId: text,
  date: z.iso.date(),
  generatedAt: z.iso.datetime(),
  final: z.boolean().describe('the day is over and none of its payments is open'),
  policyVersions: z.array(text),
  lines: z.array(lineSchema),
  totals: z.array(z.strictObject({ currency: text.nullable(), outcome: z.enum(DAILY_OUTCOMES), payments: count, amount: text })),
  receipts: z.strictObject({
    count,
    digest: hex(64).describe('SHA-256 over the hash of each receipt of the day, newest first, each with a line break'),
  }),
  publicKey: hex(64),
  signature: hex(128).describe('Ed25519 over the canonical JSON (RFC 8785) of the report without it'),
})
export type DailyReport = z.infer<typeof dailyReportSchema>
type DailyLine = z.infer<typeof lineSchema>

/** JSON Schema (2020-12); `config/records/daily.schema.json` is this as a file. */
export function dailyJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(dailyReportSchema), title: 'Daily report of Purser' }
}

/** A payment or refusal of the day. Amounts in millionths of `currency`; times in milliseconds since 1970. */
export interface DailyPayment {
  readonly agent: string
  readonly host: string
  readonly tier: string
  readonly categories: readonly string[]
  readonly state: string
  readonly code: string | null
  readonly policyVersion: string
  readonly wouldBe: string | null
  readonly terms: { readonly amount: bigint; readonly currency: string; readonly method?: string } | null
  readonly refunded: bigint
  readonly count: number
  readonly decidedAt: number
  readonly context: { readonly approval?: object } | null
}

/** What is known around a payment, but not written in it. */
export interface DailyStanding {
  /** As the policy of that moment had it. */
  readonly tier: EvidenceWanted | undefined
  /** Of its session; empty without one. */
  readonly costCentre: string
}

export interface Day {
  /** The report's name: `2026-06-27`. */
  readonly date: string
  /** Milliseconds since 1970: from its first moment to the first of the day after. */
  readonly since: number
  readonly until: number
}

const DAY_MS = 86_400_000

/** @param date ISO, e.g. `2026-06-27` */
export function dayOf(date: string): Day {
  const since = Date.parse(`${date}T00:00:00.000Z`)
  return { date, since, until: since + DAY_MS }
}

/** The name of the day of this moment, in milliseconds since 1970. */
export function dayAt(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

interface Sum {
  readonly line: Omit<DailyLine, 'amount' | 'refunded' | 'first' | 'last'>
  amount: bigint
  refunded: bigint
  payments: number
  approved: number
  relaxed: number
  first: number
  last: number
}

export interface Signing {
  readonly ledgerId: string
  /** Milliseconds since 1970. */
  readonly now: number
  readonly signer: CheckpointSigner
}

/** Adds a day up, one payment and one receipt at a time; memory grows with the lines, not with the payments. */
export class DailyBook {
  readonly #day: Day
  readonly #sums = new Map<string, Sum>()
  readonly #versions = new Set<string>()
  readonly #digest: Hash = createHash('sha256')
  #receipts = 0
  #open = false

  constructor(day: Day) {
    this.#day = day
  }

  addPayment(payment: DailyPayment, standing: DailyStanding): void {
    if (payment.policyVersion !== '') this.#versions.add(payment.policyVersion)
    const sum = this.#sumFor(payment, standing)
    if (sum.line.outcome === 'open') this.#open = true
    sum.amount += payment.terms ? movedBy(payment.terms) : 0n
    sum.refunded += payment.refunded
    sum.payments += payment.count
    if (payment.context?.approval) sum.approved += 1
    if (payment.wouldBe !== null) sum.relaxed += 1
    sum.first = Math.min(sum.first, payment.decidedAt)
    sum.last = Math.max(sum.last, payment.decidedAt)
  }

  /** Newest first, as they are exported. */
  addReceipt({ hash }: { readonly hash: string }): void {
    this.#receipts += 1
    this.#digest.update(`${hash}\n`)
  }

  /** Ends the book: nothing can be added after it. */
  sign({ ledgerId, now, signer }: Signing): DailyReport {
    const sums = [...this.#sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum)
    const body: Omit<DailyReport, 'signature'> = {
      kind: 'daily_report',
      ledgerId,
      date: this.#day.date,
      generatedAt: iso(now),
      final: now >= this.#day.until && !this.#open,
      policyVersions: [...this.#versions].sort(),
      lines: sums.map(lineOf),
      totals: totalsOf(sums),
      receipts: { count: this.#receipts, digest: this.#digest.digest('hex') },
      publicKey: signer.publicKey,
    }
    return { ...body, signature: signer.sign(canonicalJson(body)) }
  }

  #sumFor(payment: DailyPayment, standing: DailyStanding): Sum {
    const line = placeOf(payment, standing)
    const known = this.#sums.get(nameOf(line))
    if (known) return known
    const full = this.#sums.size >= MAX_REPORT_LINES
    const place = full ? { ...line, agent: '*', costCentre: '*', host: '*' } : line
    return this.#sums.get(nameOf(place)) ?? this.#begin(place)
  }

  #begin(line: Sum['line']): Sum {
    const sum = { line, amount: 0n, refunded: 0n, payments: 0, approved: 0, relaxed: 0, first: Number.POSITIVE_INFINITY, last: 0 }
    this.#sums.set(nameOf(line), sum)
    return sum
  }
}

function placeOf(payment: DailyPayment, { tier, costCentre }: DailyStanding): Sum['line'] {
  const { agent, host, categories, terms, state, code } = payment
  return {
    tier: payment.tier,
    audit: tier?.audit ?? null,
    record: recordFormatFor(tier),
    ...{ agent, costCentre, host, categories: [...categories], currency: terms?.currency ?? null },
    outcome: outcomeOf(state),
    code: state === 'settled' ? null : code,
    ...{ payments: 0, approved: 0, relaxed: 0 },
  }
}

function nameOf({ tier, audit, record, agent, costCentre = '', host, categories, currency, outcome, code }: Sum['line']): string {
  return canonicalJson([tier, outcome, agent, costCentre, host, [...categories], currency, code, audit, record])
}

function outcomeOf(state: string): DailyOutcome {
  switch (state) {
    case 'settled':
    case 'expired':
    case 'void':
      return state
    case 'denied':
      return 'refused'
    default:
      return 'open'
  }
}

function lineOf({ line, amount, refunded, payments, approved, relaxed, first, last }: Sum): DailyLine {
  return {
    ...line,
    ...{ payments, amount: formatAmount(amount), refunded: formatAmount(refunded), approved, relaxed },
    ...{ first: iso(first), last: iso(last) },
  }
}

function totalsOf(sums: readonly Sum[]): DailyReport['totals'] {
  const totals = new Map<string, { currency: string | null; outcome: DailyOutcome; payments: number; amount: bigint }>()
  for (const { line, amount, payments } of sums) {
    const name = `${line.currency} ${line.outcome}`
    const before = totals.get(name) ?? { currency: line.currency, outcome: line.outcome, payments: 0, amount: 0n }
    totals.set(name, { ...before, payments: before.payments + payments, amount: before.amount + amount })
  }
  return [...totals.values()]
    .map(({ amount, ...total }) => ({ ...total, amount: formatAmount(amount) }))
    .sort((a, b) => DAILY_OUTCOMES.indexOf(a.outcome) - DAILY_OUTCOMES.indexOf(b.outcome))
}

/** True where the key that the report names has signed it, to the last sum. */
export function isSignedReport({ signature, ...body }: DailyReport): boolean {
  return hasSigned(canonicalJson(body), { publicKey: body.publicKey, signature })
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
