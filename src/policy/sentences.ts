/** The policy in sentences, for people who read it without its syntax. */
import { displayAmount } from '../money.ts'
import { spanInWords } from '../session/duration.ts'
import type { PolicyMode } from './decision.ts'
import type { Tier, TierConditions } from './tiers.ts'

/** One sentence for a tier, without its name: "Up to $1.00 each, at most 20 per hour, for search at verified recipients: paid at once." */
export function tierSentence(tier: Tier, currency = 'USD'): string {
  const { conditions } = tier
  if (tier.approval === 'blocked')
    return `Payments ${[purpose(conditions), place(conditions, true), kind(conditions), time(conditions)].filter(Boolean).join(' ') || 'of any kind'}: never paid.`
  const whom = [purpose(conditions), place(conditions, false)].filter(Boolean).join(' ')
  const bounds = [most(conditions, currency), rate(conditions), whom, kind(conditions), time(conditions), demand(tier)]
  return `${capital(bounds.filter(Boolean).join(', '))}: ${outcome(tier)}.`
}

/** The whole policy: a line for each tier in its order, the one for all that is left, and what the mode makes of it. */
export function policySentences({ tiers, mode }: { readonly tiers: readonly Tier[]; readonly mode: PolicyMode }): string[] {
  const rows = tiers.map((tier) => `${tier.name}: ${tierSentence(tier)}`)
  const rest = tiers.length === 0 ? 'There are no tiers: nothing is paid.' : 'Everything else is refused.'
  if (mode === 'enforce') return [...rows, rest]
  return [
    ...rows,
    rest,
    `Mode ${mode}: what these tiers and a session's scope refuse is paid all the same, and recorded as refused by them.`,
  ]
}

function demand({ require = [] }: Tier): string {
  return require.length === 0 ? '' : `with the agent’s ${all(require)}`
}

function most({ maxAmount }: TierConditions, currency: string): string {
  return maxAmount === undefined ? '' : `up to ${displayAmount(maxAmount, currency)} each`
}

function rate({ frequency }: TierConditions): string {
  if (!frequency) return ''
  const { max, per_ms, of = 'agent' } = frequency
  const counted = { agent: '', session: ' in a session', recipient: ' to a recipient', tier: ' by all agents together' }
  return `at most ${max.toLocaleString('en-US')} per ${spanInWords(per_ms)}${counted[of]}`
}

function purpose({ categories }: TierConditions): string {
  return categories ? `for ${either(categories)}` : ''
}

function time({ hours }: TierConditions): string {
  return hours ? `within ${either(hours)}` : ''
}

function kind({ firstPayment }: TierConditions): string {
  if (firstPayment === undefined) return ''
  return firstPayment ? 'for the first payment to a recipient’s host' : 'after the first payment to a recipient’s host'
}

function place({ recipientTrust, jurisdictions }: TierConditions, exactly: boolean): string {
  const who = {
    any: 'any recipient',
    unknown: exactly ? 'unknown recipients' : 'any recipient',
    known: 'known or verified recipients',
    verified: 'verified recipients',
  }
  const where = jurisdictions ? `in ${either(jurisdictions)}` : ''
  const at = recipientTrust === undefined ? where && 'at recipients' : `at ${who[recipientTrust]}`
  return [at, where].filter(Boolean).join(' ')
}

function outcome({ approval, vetoWindow_ms = 0, timeout_ms = 0, approvers }: Tier): string {
  switch (approval) {
    case 'none':
      return 'paid at once'
    case 'notify_with_veto':
      return `paid after ${counted(vetoWindow_ms)} unless a person vetoes it`
    case 'explicit_human':
      return `paid once ${approvers === 1 ? 'a person approves' : `${approvers} people approve`} it within ${counted(timeout_ms)}`
    case 'blocked':
      return 'never paid'
  }
}

function counted(span_ms: number): string {
  const words = spanInWords(span_ms)
  return /^[0-9]/.test(words) ? words : `1 ${words}`
}

function either(words: readonly string[]): string {
  return words.length === 0 ? 'nothing' : listed(words, 'or')
}

function all(words: readonly string[]): string {
  return listed(words, 'and')
}

function listed(words: readonly string[], link: 'or' | 'and'): string {
  const last = words.at(-1) ?? ''
  return words.length === 1 ? last : `${words.slice(0, -1).join(', ')} ${link} ${last}`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
