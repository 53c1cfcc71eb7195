/** What somebody asks for who opens a session: the body of `POST /v1/sessions`, and the default session's terms. */

import { z } from 'zod'
import { uniformAddress } from '../address.ts'
import { MAX_HINT_CHARS, MAX_LABELS, MAX_MANDATE_CHARS, MIN_REFILL_INTERVAL_MS } from '../limits.ts'
import { formatDuration } from './duration.ts'
import type { Refill, SessionLimits, SessionScope } from './session.ts'
import {
  address,
  amount,
  category,
  duration,
  hostPattern,
  listOf,
  mapOf,
  method,
  name,
  network,
  pathGlob,
  positiveDuration,
  section,
  text,
} from './values.ts'
import { OWN_LABELS } from './workload.ts'

const recipientKey = z.union([address.transform(uniformAddress), hostPattern])
/** `*` stands for every name that the map does not name. */
const categoryKey = z.union([z.literal('*'), category])
const window = section({ max: amount, per: positiveDuration }).transform(({ max, per }) => ({ max, per_ms: per }))

const count = z.int({ error: 'write a whole number' }).nonnegative({ error: 'must not be negative' })
const perTask = section({ payments: count.exactOptional(), requests: count.exactOptional() })

/** Absent keys stay absent, empty maps and lists stay empty, zero stays zero: each means something else. */
export const limitsSchema = section({
  perPayment: amount.exactOptional(),
  payments: count.exactOptional(),
  perRecipient: mapOf(recipientKey, amount).exactOptional(),
  perCategory: mapOf(categoryKey, amount).exactOptional(),
  perTool: mapOf(name, amount).exactOptional(),
  perUser: mapOf(name, amount).exactOptional(),
  perWindow: listOf(window).exactOptional(),
  perTask: perTask.exactOptional(),
})

export const scopeSchema = section({
  hosts: listOf(hostPattern).exactOptional(),
  methods: listOf(method).exactOptional(),
  paths: listOf(pathGlob).exactOptional(),
  categories: listOf(category).exactOptional(),
  tools: listOf(name).exactOptional(),
  enforce: z.enum(['payments', 'all'], { error: 'write payments or all' }).exactOptional(),
  onDrift: z.enum(['report', 'escalate', 'deny'], { error: 'write report, escalate or deny' }).exactOptional(),
})

const labelName = name.refine((label) => !label.startsWith(OWN_LABELS), {
  error: `labels that begin with ${OWN_LABELS} are set by Purser alone`,
})
const labelsSchema = mapOf(labelName, text(MAX_HINT_CHARS)).refine((labels) => Object.keys(labels).length <= MAX_LABELS, {
  error: `at most ${MAX_LABELS} labels`,
})

const currency = z.string({ error: 'write a currency like USD' }).regex(/^[A-Z]{3,5}$/, { error: 'write a currency like USD' })

const positiveAmount = amount.refine((millionths) => millionths > 0n, { error: 'must be more than nothing' })
const refillInterval = duration.refine((every_ms) => every_ms >= MIN_REFILL_INTERVAL_MS, {
  error: `must be ${formatDuration(MIN_REFILL_INTERVAL_MS)} at least`,
})

/** A recurring budget. `max` is what may remain after a refill at most; a smaller one than `amount` would cut every refill. */
export const refillSchema = section({ amount: positiveAmount, every: refillInterval, max: positiveAmount })
  .refine((refill) => refill.amount <= refill.max, { path: ['max'], error: 'must not be less than the amount of one refill' })
  .transform(({ every, ...refill }): Refill => ({ ...refill, every_ms: every }))

/** What every session may say, however it is opened. The cap and the lifetime have no default: absent means no. */
const terms = {
  cap: amount,
  ttl: duration,
  currency: currency.exactOptional(),
  limits: limitsSchema.exactOptional(),
  scope: scopeSchema.exactOptional(),
  networks: listOf(network).exactOptional(),
  assets: listOf(name).exactOptional(),
  wallet: name.nullable().exactOptional(),
  owner: name.exactOptional(),
  labels: labelsSchema.exactOptional(),
  refill: refillSchema.nullable().exactOptional(),
}

/**
 * The body of `POST /v1/sessions`, as it was said: what is absent stays so, because a child takes it from its parent and
 * everybody else from the defaults. Unknown keys are refused. Cap and lifetime must be said.
 */
export const sessionRequestSchema = section({
  agent: name.exactOptional(),
  purpose: text(MAX_HINT_CHARS).exactOptional(),
  ...terms,
  parent: name.nullable().exactOptional(),
  singleUse: z.boolean({ error: 'write true or false' }).exactOptional(),
  tokenFormat: z.enum(['opaque', 'jwt'], { error: 'write opaque or jwt' }).exactOptional(),
  mandate: z
    .string({ error: 'write the mandate as an SD-JWT' })
    .max(MAX_MANDATE_CHARS, { error: `at most ${MAX_MANDATE_CHARS} characters` })
    .exactOptional(),
}).transform(renameTtl)

/** As `sessionRequestSchema`, completed for a session without a parent. */
export const sessionSpecSchema = sessionRequestSchema.transform(completed)

/** `proxy.defaultSession`: agent and purpose have defaults, because nobody asks for this session. */
export const defaultSessionSchema = section({
  agent: name.default('default'),
  purpose: text(MAX_HINT_CHARS).default('default session'),
  ...terms,
}).transform((spec) => completed(renameTtl(spec)))

/** What a session without a parent gets where its opener says nothing. Only authority has no default. */
export function completed(request: SessionRequest): SessionSpec {
  const { agent = 'agent', purpose = 'not stated', limits = {}, scope = {}, labels = {}, parent = null, singleUse = false } = request
  return { ...request, agent, purpose, limits, scope, labels, parent, singleUse, refill: request.refill ?? null }
}

function renameTtl<Spec extends { readonly ttl: number }>({ ttl, ...spec }: Spec): Omit<Spec, 'ttl'> & { readonly ttl_ms: number } {
  return { ...spec, ttl_ms: ttl }
}

/** What somebody said who opens a session. Amounts in millionths, the lifetime in milliseconds, networks as CAIP-2. */
export interface SessionRequest {
  readonly cap: bigint
  readonly ttl_ms: number
  readonly agent?: string
  readonly purpose?: string
  readonly currency?: string
  readonly limits?: SessionLimits
  readonly scope?: SessionScope
  readonly networks?: readonly string[]
  readonly assets?: readonly string[]
  readonly wallet?: string | null
  readonly owner?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly refill?: Refill | null
  readonly parent?: string | null
  readonly singleUse?: boolean
  /** `jwt`: the token can be read and verified offline. */
  readonly tokenFormat?: 'opaque' | 'jwt'
  /** An AP2 open payment mandate as a compact SD-JWT; the session can do no more than it grants. */
  readonly mandate?: string
}

/** Amounts in millionths, the lifetime in milliseconds, networks as CAIP-2. What is absent defaults to the configuration's. */
export interface SessionSpec {
  readonly agent: string
  readonly purpose: string
  readonly cap: bigint
  readonly ttl_ms: number
  readonly currency?: string
  readonly limits: SessionLimits
  readonly scope: SessionScope
  readonly networks?: readonly string[]
  readonly assets?: readonly string[]
  readonly wallet?: string | null
  readonly owner?: string
  readonly parent: string | null
  readonly singleUse: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly refill: Refill | null
}
