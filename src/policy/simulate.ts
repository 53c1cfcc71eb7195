/**
 * Simulation: recorded payments, oldest first, judged once more by another policy. Pure. It says which decisions change
 * and what they would have cost, and counts apart what nobody can know: what people would have answered is a span of two
 * sums, and what was refused for other reasons than the policy is not judged.
 */
import { uniformAddress } from '../address.ts'
import { MAX_SIMULATED_CHANGES } from '../limits.ts'
import { formatAmount } from '../money.ts'
import type { FrequencyOf, History, Trust } from '../session/history.ts'
import { outOfScope } from '../session/scope.ts'
import type { SessionScope } from '../session/session.ts'
import { type ClassifyRules, classify, type Payable } from './classify.ts'
import { decide } from './decide.ts'
import type { Classification, Decision, PolicyMode } from './decision.ts'
import type { Tier } from './tiers.ts'

/** The rail of what was only asked for: no protocol, because nothing is paid by it. */
export const ASKED_RAIL = 'authorize'

/** A payment or refusal as it was recorded. Amounts in millionths of `currency`, times in milliseconds since 1970. */
export interface RecordedPayment {
  readonly id: string
  readonly sessionId: string
  readonly agent: string
  readonly method: string
  readonly url: string
  readonly origin: string
  readonly tool: string | null
  readonly task: string | null
  readonly justification: string | null
  readonly tier: string
  readonly trust: Trust | null
  readonly wouldBe: string | null
  readonly state: string
  readonly code: string | null
  readonly delivered: boolean
  readonly decidedAt: number
  readonly terms: {
    readonly rail: string
    readonly amount: bigint
    readonly currency: string
    readonly network: string
    readonly payTo: string
  } | null
  readonly context: { readonly approval?: object } | null
}

/** What is known beside the record. */
export interface Beside {
  /** Of the session; undefined where the session is not known any more. */
  readonly scope: SessionScope | undefined
  /** The tier under the policy that decided, where that policy was kept. */
  readonly tier: Pick<Tier, 'approval'> | undefined
  /** False: it only fills the memory of what came before the span that is asked for. */
  readonly counted: boolean
}

export interface SimulatedPolicy {
  readonly tiers: readonly Tier[]
  readonly rules: ClassifyRules
  readonly version: string
  readonly mode: PolicyMode
}

export type Gate = 'allow' | 'notify' | 'ask' | 'deny'

export interface SimulatedChange {
  readonly paymentId: string
  readonly at: string
  readonly agent: string
  readonly method: string
  readonly url: string
  readonly amount: string
  readonly currency: string
  readonly before: { readonly decision: Gate; readonly tier: string; readonly state: string; readonly code: string | null }
  readonly after: { readonly decision: Gate; readonly tier: string; readonly code: string | null; readonly reason: string }
  /** False where the answer rests on what happened before the records that were looked at. */
  readonly certain: boolean
}

type Sums = Readonly<Record<string, string>>

/** Amounts are decimals by currency. */
export interface Simulation {
  readonly policyVersion: string
  readonly mode: PolicyMode
  readonly judged: number
  readonly unchanged: number
  readonly changed: number
  /** Judged payments whose answer is not certain. */
  readonly uncertain: number
  readonly notJudged: readonly { readonly reason: string; readonly payments: number }[]
  readonly before: Readonly<Record<Gate, number>> & { readonly spent: Sums }
  /** `atLeast`: nobody approves or everybody vetoes what was not decided by people then; `atMost`: all of it is paid. */
  readonly after: Readonly<Record<Gate, number>> & { readonly atLeast: Sums; readonly atMost: Sums }
  readonly changes: readonly SimulatedChange[]
  /** Changes beyond those that are listed. */
  readonly unlisted: number
  readonly caveats: readonly string[]
}

/** Codes by which the policy itself refused, and which it alone would lift. */
const POLICY_CODES: ReadonlySet<string> = new Set([
  ...['tier_prohibited', 'no_tier_matches', 'frequency_exceeded', 'out_of_scope', 'recipient_blocked', 'recipient_changed'],
  'justification_required',
])
const ASKED_CODES: ReadonlySet<string> = new Set(['approval_denied', 'approval_expired', 'approval_pending'])
const SPENT: ReadonlySet<string> = new Set(['settled', 'expired', 'unknown', 'signed', 'sent', 'reserved'])

const CAVEATS: readonly string[] = [
  'Agents would have gone on differently after another answer: what they would have asked for then is not known.',
  'What people would have approved or vetoed is not known; so what would have been spent is a span: at least, if they had said no to all; at most, if they had said yes.',
  'Caps and limits of sessions are not replayed: what the policy allows they may still refuse.',
  'Prices are not compared with earlier ones, and drift inside a session is not replayed.',
]

export class Simulator {
  readonly #policy: SimulatedPolicy
  readonly #past: Past
  readonly #notJudged = new Map<string, number>()
  readonly #changes: SimulatedChange[] = []
  readonly #before = { allow: 0, notify: 0, ask: 0, deny: 0 }
  readonly #after = { allow: 0, notify: 0, ask: 0, deny: 0 }
  readonly #sums = { spent: new Map<string, bigint>(), atLeast: new Map<string, bigint>(), atMost: new Map<string, bigint>() }
  #judged = 0
  #changed = 0
  #uncertain = 0

  /** @param complete The records that follow begin with the ledger's first. */
  constructor(policy: SimulatedPolicy, complete: boolean) {
    this.#policy = policy
    this.#past = new Past(policy, complete)
  }

  /** Oldest first. */
  add(payment: RecordedPayment, beside: Beside): void {
    const why = unjudgeable(payment, beside)
    const terms = payment.terms
    if (why !== undefined || !terms) {
      if (beside.counted) this.#notJudged.set(why ?? NO_PRICE, (this.#notJudged.get(why ?? NO_PRICE) ?? 0) + 1)
    } else {
      this.#judge({ payment, terms, beside })
    }
    this.#past.remember(payment)
  }

  result(): Simulation {
    const { spent, atLeast, atMost } = this.#sums
    return {
      policyVersion: this.#policy.version,
      mode: this.#policy.mode,
      judged: this.#judged,
      unchanged: this.#judged - this.#changed,
      changed: this.#changed,
      uncertain: this.#uncertain,
      notJudged: [...this.#notJudged].map(([reason, payments]) => ({ reason, payments })),
      before: { ...this.#before, spent: decimals(spent) },
      after: { ...this.#after, atLeast: decimals(atLeast), atMost: decimals(atMost) },
      changes: this.#changes,
      unlisted: this.#changed - this.#changes.length,
      caveats: CAVEATS,
    }
  }

  #judge(subject: Judgeable): void {
    const { payment, terms, beside } = subject
    const { decision, certain, place } = judged(subject, this.#policy, this.#past)
    const [before, after] = [gateThen(payment, beside.tier), decision.kind]
    if (after !== 'deny') this.#past.count(decision.tier, place, payment.decidedAt)
    if (!beside.counted) return
    this.#judged += 1
    this.#before[before] += 1
    this.#after[after] += 1
    if (!certain) this.#uncertain += 1
    this.#price(subject, before, after)
    if (before === after && (payment.tier === decision.tier || before === 'deny')) return
    this.#changed += 1
    if (this.#changes.length < MAX_SIMULATED_CHANGES) this.#changes.push(changeOf({ payment, terms, before, decision, certain }))
  }

  #price({ payment, terms }: Judgeable, before: Gate, after: Gate): void {
    const { spent, atLeast, atMost } = this.#sums
    const cost = SPENT.has(payment.state) ? terms.amount : 0n
    addTo(spent, terms.currency, cost)
    if (after === 'deny') return
    // Where people were asked then too, their answer is on record; where nobody refused, the outcome is.
    const known = before === after || (after === 'allow' && before !== 'deny' && cost > 0n)
    addTo(atMost, terms.currency, known ? cost : terms.amount)
    addTo(atLeast, terms.currency, known ? cost : after === 'allow' ? terms.amount : 0n)
  }
}

const NO_PRICE = 'No price was recorded: it was refused before an offer was chosen.'

function unjudgeable({ terms, state, code, tier }: RecordedPayment, { scope }: Beside): string | undefined {
  if (!terms) return NO_PRICE
  // Whoever asked said category and trust themselves, and the payment that followed is on record by itself.
  if (terms.rail === ASKED_RAIL) return 'It was only asked for ahead, and paid nothing.'
  if (scope === undefined) return 'Its session is not known any more.'
  if (state !== 'denied' || code === null || POLICY_CODES.has(code) || ASKED_CODES.has(code) || code === 'vetoed') return undefined
  return `It was refused with ${code}, which is not the policy’s${tier === '' ? '' : ' alone'}.`
}

/** What the policy answered then. */
function gateThen({ state, code, wouldBe, context }: RecordedPayment, tier: Pick<Tier, 'approval'> | undefined): Gate {
  if (code !== null && ASKED_CODES.has(code)) return 'ask'
  if (code === 'vetoed') return 'notify'
  if (state === 'denied') return 'deny'
  if (wouldBe !== null) return 'allow'
  if (tier?.approval === 'notify_with_veto') return 'notify'
  return tier?.approval === 'explicit_human' || context?.approval ? 'ask' : 'allow'
}

interface Judgeable {
  readonly payment: RecordedPayment
  readonly terms: NonNullable<RecordedPayment['terms']>
  readonly beside: Beside
}

interface Verdict {
  readonly decision: Decision
  readonly certain: boolean
  readonly place: Place
}

/** By what frequencies count. */
type Place = Readonly<Record<FrequencyOf, string>>

function judged({ payment, terms, beside }: Judgeable, policy: SimulatedPolicy, past: Past): Verdict {
  const { tool, task, justification, decidedAt: now } = payment
  const { amount, currency, payTo } = terms
  const target = targetOf(payment, payTo)
  const place = { agent: payment.agent, session: payment.sessionId, recipient: uniformAddress(payTo), tier: '' }
  const history = { ...past.of(payment, terms), frequency: past.frequency(place, now) }
  const classification = classify(target, policy.rules, history)
  const hints = { ...(tool !== null && { tool }), ...(task !== null && { task }), ...(justification !== null && { justification }) }
  const decision = decide({
    quote: { amount, currency, host: target.host },
    ...{ classification, history, policy, now },
    hints: { payNever: false, ...hints },
    scopeReason: outOfScope(beside.scope ?? {}, { ...target, categories: classification.categories }),
  })
  return { decision, certain: past.isCertain(payment, classification), place }
}

const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

function targetOf({ url, method, tool }: RecordedPayment, payTo: string): Payable {
  const { hostname, port, protocol, pathname } = new URL(url)
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (PORTS[protocol] ?? 0) : Number.parseInt(port, 10),
    ...{ path: pathname, method, payTo },
    ...(tool !== null && { tool }),
  }
}

/** What had happened by then: dealings from the records, frequencies as the other policy would have counted them. */
class Past {
  readonly #tiers: readonly Tier[]
  readonly #complete: boolean
  readonly #known = new Set<string>()
  readonly #last = new Map<string, string>()
  readonly #pins = new Map<string, string>()
  readonly #counts = new Map<string, number[]>()

  constructor({ tiers }: SimulatedPolicy, complete: boolean) {
    this.#tiers = tiers
    this.#complete = complete
  }

  of({ agent, origin, trust }: RecordedPayment, { network, payTo }: Judgeable['terms']): Omit<History, 'frequency'> {
    const dealing = `${agent} ${origin} ${network}`
    const known = this.#known.has(`${dealing} ${uniformAddress(payTo)}`) || trust === 'known'
    return { known, lastPayTo: this.#last.get(dealing) ?? (known ? payTo : undefined), pinnedPayTo: this.#pins.get(`${origin} ${network}`) }
  }

  frequency(place: Place, now: number): History['frequency'] {
    const counted = this.#tiers.flatMap(({ name, conditions: { frequency } }) => {
      if (!frequency) return []
      const times = this.#counts.get(seriesOf(name, frequency.of, place)) ?? []
      const from = times.findIndex((at) => at > now - frequency.per_ms)
      return [[name, { count: from < 0 ? 0 : times.length - from, oldestAt: from < 0 ? undefined : times[from] }] as const]
    })
    return Object.fromEntries(counted)
  }

  count(tier: string, place: Place, at: number): void {
    const frequency = this.#tiers.find(({ name }) => name === tier)?.conditions.frequency
    if (!frequency) return
    const name = seriesOf(tier, frequency.of, place)
    const times = this.#counts.get(name) ?? []
    times.push(at)
    const stale = times.findIndex((one) => one > at - frequency.per_ms)
    if (stale > 0) times.splice(0, stale)
    this.#counts.set(name, times)
  }

  /** Trust that the other policy’s listings do not give rests on dealings, of which there may be earlier ones. */
  isCertain({ trust }: RecordedPayment, { trust: now }: Classification): boolean {
    return this.#complete || now === 'verified' || trust !== 'verified' || now === 'known'
  }

  remember({ agent, origin, state, delivered, terms }: RecordedPayment): void {
    if (!terms || state !== 'settled') return
    const { network, payTo } = terms
    const dealing = `${agent} ${origin} ${network}`
    if (!this.#pins.has(`${origin} ${network}`)) this.#pins.set(`${origin} ${network}`, payTo)
    if (!delivered) return
    this.#known.add(`${dealing} ${uniformAddress(payTo)}`)
    this.#last.set(dealing, payTo)
  }
}

function seriesOf(tier: string, of: FrequencyOf = 'agent', place: Place): string {
  return `${tier} ${of} ${place[of]}`
}

interface Changed {
  readonly payment: RecordedPayment
  readonly terms: Judgeable['terms']
  readonly before: Gate
  readonly decision: Decision
  readonly certain: boolean
}

function changeOf({ payment, terms, before, decision, certain }: Changed): SimulatedChange {
  const { id, agent, method, url, tier, state, code, decidedAt } = payment
  return {
    ...{ paymentId: id, at: new Date(decidedAt).toISOString(), agent, method, url },
    ...{ amount: formatAmount(terms.amount), currency: terms.currency },
    before: { decision: before, tier, state, code },
    after: {
      decision: decision.kind,
      tier: decision.tier,
      code: decision.kind === 'deny' ? decision.code : null,
      reason: decision.reason,
    },
    certain,
  }
}

function addTo(sums: Map<string, bigint>, currency: string, amount: bigint): void {
  sums.set(currency, (sums.get(currency) ?? 0n) + amount)
}

function decimals(sums: ReadonlyMap<string, bigint>): Sums {
  return Object.fromEntries([...sums].map(([currency, sum]) => [currency, formatAmount(sum)]))
}
