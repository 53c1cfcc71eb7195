/** From constraints to a grant: each is a bound that a session can hold, or the mandate is refused with the reason. */
import { z } from 'zod'
import { formatAmount, least } from '../money.ts'
import { canonicalHostPattern } from '../session/host-pattern.ts'
import { amount } from '../session/values.ts'
import type { Grant, Refused } from './mandate.ts'

const currency = z.string().regex(/^[A-Z]{3}$/)
/** In minor units: cents of a dollar. */
const minor = z.int().nonnegative()
const moment = z.union([z.iso.datetime({ offset: true }), z.iso.date()])
/** AP2 leaves further members of payees and instruments to whoever issues them; they name nobody else. */
const payee = z.looseObject({ id: z.string().optional(), website: z.string().optional() })
const instrument = z.looseObject({ id: z.string() })

const constraint = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('payment.amount_range'), currency, min: minor.optional(), max: minor }),
  /** In major units, other than the range. */
  z.strictObject({ type: z.literal('payment.budget'), currency, max: amount }),
  z.strictObject({
    type: z.literal('payment.agent_recurrence'),
    frequency: z.enum(['ON_DEMAND', 'DAILY', 'WEEKLY', 'BIWEEKLY', 'MONTHLY', 'QUARTERLY', 'ANNUALLY']),
    max_occurrences: z.int().nonnegative().optional(),
  }),
  z.strictObject({ type: z.literal('payment.allowed_payees'), allowed: z.array(payee).max(1_000) }),
  z.strictObject({ type: z.literal('payment.allowed_payment_instruments'), allowed: z.array(instrument).max(1_000) }),
  z.strictObject({ type: z.literal('payment.execution_date'), not_before: moment.optional(), not_after: moment.optional() }),
  z.strictObject({ type: z.literal('payment.reference'), conditional_transaction_id: z.string() }),
])
type Constraint = z.infer<typeof constraint>

const seconds = z.int().nonnegative()
/** Every other member refuses: a claim that is not understood may be a condition. Risk data is the issuer's own note. */
const mandateSchema = z.strictObject({
  vct: z.literal('mandate.payment.open.1'),
  constraints: z.array(z.unknown()).max(100),
  iss: z.string().optional(),
  sub: z.string().optional(),
  jti: z.string().optional(),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
  iat: seconds.optional(),
  nbf: seconds.optional(),
  exp: seconds.optional(),
  cnf: z.unknown().optional(),
  payee: payee.optional(),
  payment_instrument: instrument.optional(),
  risk_data: z.unknown().optional(),
})

export interface GrantOptions {
  /** The operator takes mandates of this issuer although they name a checkout that nobody here has seen. */
  readonly ignoreReference: boolean
  /** Who we are to the issuer, where the mandate names an audience. */
  readonly audience: string
}

type Bounds = Partial<Omit<Grant, 'total' | 'currency' | 'payees' | 'accounts'>> & {
  readonly budget?: bigint
  readonly currencies: readonly string[]
  readonly recurs: boolean
  readonly payees?: readonly string[]
  readonly accounts?: NonNullable<Grant['accounts']>
}

/** Reads what the issuer signed, all disclosures in place. */
export function grantOf(signed: unknown, options: GrantOptions): Grant | Refused {
  const read = mandateSchema.safeParse(signed)
  if (!read.success) return { why: `it is no open payment mandate that is understood here: ${sentence(read.error)}` }
  const { aud, exp, nbf, payee: only, payment_instrument } = read.data
  if (aud !== undefined && ![aud].flat().includes(options.audience))
    return { why: `it is meant for another audience than ${options.audience}` }
  const given = [...read.data.constraints, ...preset(only, payment_instrument)]
  let bounds: Bounds = { currencies: [], recurs: false, from: (nbf ?? 0) * 1000, ...(exp === undefined ? {} : { until: exp * 1000 }) }
  for (const one of given) {
    const parsed = constraint.safeParse(one)
    if (!parsed.success) return { why: `its constraint ${typeOf(one)} is not understood here: ${sentence(parsed.error)}` }
    const next = apply(bounds, parsed.data, options)
    if ('why' in next) return next
    bounds = next
  }
  return complete(bounds)
}

/** What the mandate presets instead of leaving it open is the one choice that there is. */
function preset(only: z.infer<typeof payee> | undefined, paying: z.infer<typeof instrument> | undefined): Constraint[] {
  return [
    ...(only ? [{ type: 'payment.allowed_payees' as const, allowed: [only] }] : []),
    ...(paying ? [{ type: 'payment.allowed_payment_instruments' as const, allowed: [paying] }] : []),
  ]
}

/** All constraints hold together: each can only take something away. */
function apply(bounds: Bounds, one: Constraint, { ignoreReference }: GrantOptions): Bounds | Refused {
  switch (one.type) {
    case 'payment.amount_range':
      return (one.min ?? 0) > 0 ? { why: 'its payments have a least amount, which is not held here' } : ranged(bounds, one)
    case 'payment.budget':
      return { ...counted(bounds, one.currency), budget: least(one.max, bounds.budget) }
    case 'payment.agent_recurrence':
      return recurring(bounds, one)
    case 'payment.allowed_payees':
      return { ...bounds, payees: meet(bounds.payees, one.allowed.flatMap(recipientsOf)) }
    case 'payment.allowed_payment_instruments':
      return {
        ...bounds,
        accounts: meetAccounts(
          bounds.accounts,
          one.allowed.flatMap(({ id }) => accountIn(id)),
        ),
      }
    case 'payment.execution_date':
      return dated(bounds, one)
    case 'payment.reference':
      return ignoreReference ? bounds : { why: 'it belongs to a checkout (payment.reference), which cannot be verified here' }
  }
}

function counted(bounds: Bounds, code: string): Bounds {
  return { ...bounds, currencies: [...new Set([...bounds.currencies, code])] }
}

function ranged(bounds: Bounds, { max, currency: code }: Extract<Constraint, { type: 'payment.amount_range' }>): Bounds {
  const digits = new Intl.NumberFormat('en', { style: 'currency', currency: code }).resolvedOptions().maximumFractionDigits ?? 0
  return { ...counted(bounds, code), perPayment: least(BigInt(max) * 10n ** BigInt(6 - digits), bounds.perPayment) }
}

/** How often within a week or a month is no bound that a session has. */
function recurring(bounds: Bounds, one: Extract<Constraint, { type: 'payment.agent_recurrence' }>): Bounds | Refused {
  if (one.frequency !== 'ON_DEMAND') return { why: `its payments recur ${one.frequency}, which is not held here; ON_DEMAND is` }
  const payments = one.max_occurrences === undefined ? bounds.payments : Math.min(bounds.payments ?? Infinity, one.max_occurrences)
  return { ...bounds, recurs: true, ...(payments === undefined ? {} : { payments }) }
}

/** A date without a time is the day in UTC. */
function dated(bounds: Bounds, { not_before, not_after }: Extract<Constraint, { type: 'payment.execution_date' }>): Bounds {
  const end = not_after && (not_after.length === 10 ? Date.parse(not_after) + 86_400_000 : Date.parse(not_after))
  return {
    ...bounds,
    ...(not_before ? { from: Math.max(bounds.from ?? 0, Date.parse(not_before)) } : {}),
    ...(typeof end === 'number' ? { until: Math.min(bounds.until ?? Infinity, end) } : {}),
  }
}

/** A payee is the host of its website, or else an address; one that says neither names nobody who could be paid here. */
function recipientsOf({ id, website }: z.infer<typeof payee>): string[] {
  const host = website === undefined ? undefined : hostOf(website)
  if (host !== undefined) return [host]
  return website === undefined ? accountIn(id ?? '').map(({ address }) => address) : []
}

function hostOf(website: string): string | undefined {
  const url = website.includes('://') ? website : `https://${website}`
  if (!URL.canParse(url)) return undefined
  const { protocol, host } = new URL(url)
  const pattern = /^https?:$/.test(protocol) ? canonicalHostPattern(host) : undefined
  return pattern?.includes('*') ? undefined : pattern
}

/** An address, or an account with its network (CAIP-10). */
function accountIn(id: string): NonNullable<Grant['accounts']>[number][] {
  const [, network, address] = /^(?:(eip155:[0-9]{1,20}):)?(0x[0-9a-fA-F]{40})$/.exec(id) ?? []
  return address === undefined ? [] : [{ address: address.toLowerCase(), ...(network === undefined ? {} : { network }) }]
}

function meet(one: readonly string[] | undefined, other: readonly string[]): readonly string[] {
  return [...new Set(one === undefined ? other : one.filter((name) => other.includes(name)))]
}

type Accounts = NonNullable<Grant['accounts']>

/** What both name: the one with its network says more. */
function meetAccounts(one: Accounts | undefined, other: Accounts): Accounts {
  if (one === undefined) return other
  return one.flatMap((mine) =>
    other
      .filter(({ address, network }) => address === mine.address && (!network || !mine.network || network === mine.network))
      .map((theirs) => ({ ...mine, ...theirs })),
  )
}

/** What is absent means no: a mandate states a sum, a currency and an end. */
function complete({ budget, currencies, recurs, ...bounds }: Bounds): Grant | Refused {
  const [code, ...more] = currencies
  if (code === undefined) return { why: 'it states no amount' }
  if (more.length > 0) return { why: `it counts in ${currencies.join(' and ')}; one currency is held here` }
  if (bounds.until === undefined) return { why: 'it states no end (exp, or payment.execution_date with not_after)' }
  const payments = recurs ? bounds.payments : 1
  const most = bounds.perPayment !== undefined && payments !== undefined ? bounds.perPayment * BigInt(payments) : undefined
  const total = budget === undefined ? most : least(budget, most)
  if (total === undefined) return { why: 'it states no sum: a budget, or a largest amount with a number of payments' }
  if (total === 0n) return { why: `its sum is ${formatAmount(total)} ${code}` }
  return { ...bounds, currency: code, total, from: bounds.from ?? 0, until: bounds.until, ...(payments === undefined ? {} : { payments }) }
}

/** Names what it is about, in words of ours: the mandate's own text may say anything. */
function sentence(error: z.ZodError): string {
  const [issue] = error.issues
  const at = (issue?.path ?? []).map(String).filter((part) => /^[A-Za-z0-9_]{1,40}$/.test(part))
  if (issue?.code === 'unrecognized_keys') return `${[...at, 'a member'].join('.')} is unknown`
  if (issue?.code === 'invalid_union' && at.join('.') === 'type') return 'no such type is known'
  return at.length > 0 ? `${at.join('.')} is missing or of another form` : 'it is of another form'
}

function typeOf(one: unknown): string {
  const type = typeof one === 'object' && one !== null && 'type' in one ? one.type : undefined
  return typeof type === 'string' && /^[a-z_.]{1,60}$/.test(type) ? type : 'of an unreadable type'
}
