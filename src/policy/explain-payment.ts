/** Why one recorded payment was decided so: the facts as they were recorded, held against the policy of its version. */
import { displayAmount } from '../money.ts'
import type { Trust } from '../session/history.ts'
import { failuresOf } from './conditions.ts'
import type { Classification } from './decision.ts'
import { tierSentence } from './sentences.ts'
import type { Tier } from './tiers.ts'
import type { KeptPolicy } from './written.ts'

/** A payment or refusal as it was recorded. Amounts in millionths, times in milliseconds since 1970. */
export interface DecidedPayment {
  readonly method: string
  readonly url: string
  readonly agent: string
  readonly tool: string | null
  readonly justification: string | null
  readonly state: string
  readonly code: string | null
  readonly tier: string
  readonly rule: string
  readonly reason: string
  readonly policyVersion: string
  readonly wouldBe: string | null
  readonly categories: readonly string[]
  readonly trust: Trust | null
  readonly decidedAt: number
  readonly terms: { readonly amount: bigint; readonly currency: string; readonly payTo: string } | null
  readonly context: {
    readonly approval?: {
      readonly id: string
      readonly votes: readonly { readonly person: string; readonly channel: string; readonly at: number; readonly reason: string }[]
    }
    readonly facts?: readonly string[]
    readonly alternatives?: readonly string[]
  } | null
}

/** Sentences in the order in which the decision came about. What was not recorded is said not to be known. */
export function explainPayment(payment: DecidedPayment, policy: KeptPolicy | undefined): string[] {
  const { method, url, terms, agent, categories, trust, reason, context } = payment
  return [
    `${agent} asked for ${method} ${url}${terms ? `, which costs ${displayAmount(terms.amount, terms.currency)}, to be paid to ${terms.payTo}` : ''}.`,
    ...(payment.justification === null ? [] : [`The agent said: ${JSON.stringify(payment.justification)}.`]),
    ...(trust === null ? [] : [`Category: ${categories.join(', ') || 'none'}. Recipient: ${trust}.`]),
    ...(context?.facts ?? []),
    ...policySteps(payment, policy),
    ...(reason === '' ? [] : [`Decision by ${payment.rule || 'no rule'}: ${reason}`]),
    ...(payment.wouldBe === null ? [] : [`Mode enforce would have answered: ${payment.wouldBe}`]),
    ...(context?.alternatives ?? []).map((alternative) => `Also considered: ${alternative}`),
    ...votes(context),
    ending(payment),
  ]
}

function ending({ state, code }: DecidedPayment): string {
  if (state === 'void' && code === 'approval_pending')
    return 'It is void: nobody waited for it any more while people were asked. Nothing was paid; a repeat is a payment of its own.'
  return `It is ${state}${code === null ? '' : ` (${code})`}.`
}

function policySteps(payment: DecidedPayment, policy: KeptPolicy | undefined): string[] {
  const { policyVersion, terms, trust } = payment
  if (policyVersion === '') return ['It was refused before the policy was asked.']
  if (!policy) return [`It was decided by policy ${policyVersion}, whose text was not kept.`]
  const head = `Policy ${policyVersion}, mode ${policy.mode}:`
  if (!terms || trust === null) return [`${head} ${policy.tiers.length} tiers; what they look at was not recorded.`]
  return [head, ...policy.tiers.map((tier) => `  ${tierStep(tier, { ...payment, terms, trust })}`)]
}

type Judged = DecidedPayment & { readonly terms: NonNullable<DecidedPayment['terms']>; readonly trust: Trust }

/** Conditions on what records do not hold are left open. */
const UNRECORDED: ReadonlySet<string> = new Set(['frequency', 'jurisdictions', 'firstPayment'])

function tierStep(tier: Tier, { tier: applied, terms, categories, trust, decidedAt }: Judged): string {
  const classification: Classification = {
    ...{ categories, trust, trustReason: '', recipientChanged: false, firstPayment: false, facts: [], blocked: false, pin: false },
  }
  const facts = { ...terms, classification, frequency: {}, now: decidedAt }
  const failures = failuresOf(tier, facts).filter(({ condition }) => !UNRECORDED.has(condition))
  const what = `Tier ${tier.name} (${tierSentence(tier, terms.currency)})`
  if (tier.name === applied) return `${what} applied.`
  if (failures.length > 0) return `${what} does not match: ${failures.map(({ clause }) => clause).join('; ')}.`
  const open = Object.keys(tier.conditions).filter((condition) => UNRECORDED.has(condition))
  if (open.length === 0) return `${what} matches too; another one came first.`
  return `${what} matches as far as was recorded; its ${open.join(' and ')} of that moment is not known.`
}

function votes(context: DecidedPayment['context']): string[] {
  const { approval } = context ?? {}
  if (!approval) return []
  if (approval.votes.length === 0) return [`It rests on ${approval.id}, which nobody vetoed.`]
  return approval.votes.map(({ person, channel, at, reason }) => {
    const said = reason === '' ? '' : `: ${JSON.stringify(reason)}`
    return `${person} approved it (${approval.id}) by ${channel} at ${new Date(at).toISOString()}${said}.`
  })
}
