/** A session's row: how its limits, scope and lists are kept as text, and read back. */
import * as z from 'zod'
import { refused } from '../errors.ts'
import { MAX_CAP, MAX_TTL_MS } from '../limits.ts'
import { formatAmount } from '../money.ts'
import type { Refill, Session, SessionLimits, SessionScope } from '../session/session.ts'
import type { NewSession } from './ledger.ts'
import { flag, int, json, maybeJson, maybeText, money, type Row, text, toJson, word } from './rows.ts'

const amount = z
  .string()
  .regex(/^[0-9]{1,19}$/)
  .transform((digits) => BigInt(digits))
const amounts = z.record(z.string(), amount)
const words = z.array(z.string())

const limitsSchema: z.ZodType<SessionLimits> = z.strictObject({
  perPayment: amount.exactOptional(),
  payments: z.int().nonnegative().exactOptional(),
  perRecipient: amounts.exactOptional(),
  perCategory: amounts.exactOptional(),
  perTool: amounts.exactOptional(),
  perUser: amounts.exactOptional(),
  perWindow: z.array(z.strictObject({ max: amount, per_ms: z.int().positive() })).exactOptional(),
  perTask: z
    .strictObject({ payments: z.int().nonnegative().exactOptional(), requests: z.int().nonnegative().exactOptional() })
    .exactOptional(),
})

const scopeSchema: z.ZodType<SessionScope> = z.strictObject({
  hosts: words.exactOptional(),
  methods: words.exactOptional(),
  paths: words.exactOptional(),
  categories: words.exactOptional(),
  tools: words.exactOptional(),
  enforce: z.enum(['payments', 'all']).exactOptional(),
  onDrift: z.enum(['report', 'escalate', 'deny']).exactOptional(),
})

const refillSchema: z.ZodType<Refill> = z.strictObject({ amount, every_ms: z.int().positive(), max: amount })

const labelsSchema: z.ZodType<Readonly<Record<string, string>>> = z.record(z.string(), z.string())

/** What is decided once, when the session is opened. */
export type SessionTerms = Omit<Session, 'cap' | 'spent' | 'held' | 'payments' | 'expiresAt' | 'status' | 'refills'>

/** The part of the row that never changes. */
export function readTerms(row: Row): SessionTerms {
  return {
    id: text(row, 'id'),
    name: maybeText(row, 'name'),
    agent: text(row, 'agent'),
    purpose: text(row, 'purpose'),
    currency: text(row, 'currency'),
    createdAt: int(row, 'created_at'),
    limits: json(row, 'limits', limitsSchema),
    scope: json(row, 'scope', scopeSchema),
    networks: json(row, 'networks', words),
    assets: json(row, 'assets', words),
    wallet: maybeText(row, 'wallet'),
    owner: text(row, 'owner'),
    parent: maybeText(row, 'parent'),
    singleUse: flag(row, 'single_use'),
    labels: json(row, 'labels', labelsSchema),
    refill: maybeJson(row, 'refill', refillSchema),
  }
}

/** The whole session: its terms with what moves. */
export function readSession(row: Row, terms: SessionTerms): Session {
  return {
    ...terms,
    cap: money(row, 'cap'),
    spent: money(row, 'spent'),
    held: money(row, 'held'),
    payments: int(row, 'payments'),
    expiresAt: int(row, 'expires_at'),
    status: word(row, 'status', ['open', 'closed', 'revoked']),
    refills: int(row, 'refills'),
  }
}

/** The columns of a new session, by name. */
export function columnsOf(session: NewSession): Record<string, string | number | bigint | null> {
  return {
    id: session.id,
    token_hash: session.tokenHash,
    name: session.name,
    agent: session.agent,
    purpose: session.purpose,
    currency: session.currency,
    cap: session.cap,
    created_at: session.createdAt,
    expires_at: session.expiresAt,
    limits: toJson(session.limits),
    scope: toJson(session.scope),
    networks: toJson(session.networks),
    assets: toJson(session.assets),
    wallet: session.wallet,
    owner: session.owner,
    parent: session.parent,
    single_use: session.singleUse ? 1 : 0,
    labels: toJson(session.labels),
    refill: session.refill && toJson(session.refill),
  }
}

export interface TopUp {
  /** Millionths to add to the cap. */
  readonly amount: bigint
  /** Added to the lifetime, or from now on where it is over; 0 leaves it. */
  readonly extend_ms: number
}

/**
 * The cap and the end of a session after a top-up.
 * @throws PurserError `conflict` for an ended session, `request_invalid` beyond the bounds.
 */
export function toppedUp(session: Session, by: TopUp, now: number): Pick<Session, 'cap' | 'expiresAt'> {
  if (session.status !== 'open') throw refused('conflict', `Session ${session.id} is ${session.status}; open a new one.`)
  if (by.amount < 0n || !Number.isSafeInteger(by.extend_ms) || by.extend_ms < 0) {
    throw refused('request_invalid', 'A top-up adds to the cap and to the lifetime; it takes nothing away.')
  }
  const cap = session.cap + by.amount
  checkCap(cap)
  const expiresAt = by.extend_ms === 0 ? session.expiresAt : Math.max(session.expiresAt, now) + by.extend_ms
  if (by.extend_ms > 0 && expiresAt > now + MAX_TTL_MS) {
    throw refused('request_invalid', `A session may live ${MAX_TTL_MS / 86_400_000} days from now at most.`)
  }
  return { cap, expiresAt }
}

/** @throws PurserError `request_invalid` for a cap below nothing or beyond what is counted safely. */
export function checkCap(cap: bigint): void {
  if (cap < 0n || cap > MAX_CAP) throw refused('request_invalid', `A cap is between 0 and ${formatAmount(MAX_CAP)}.`)
}
