/** Sees a payment through the operator's rules: what it is for, whom it pays, how far that one is trusted. */

import { displayAmount } from '../money.ts'
import type { History } from '../session/history.ts'
import { climbs, matchesHost, matchesPath } from '../session/host-pattern.ts'
import type { Classification } from './decision.ts'
import { type PriceDrift, type PriceDriftRule, priceDriftOf } from './price-drift.ts'
import {
  type BlockedAddresses,
  type BlockedRecipient,
  isBlocked,
  isListedAddress,
  listingsOf,
  type Recipient,
  type Standing,
  sameAddress,
  standingOf,
  type VerifiedRecipient,
} from './trust.ts'

/** The recipient stands in a jurisdiction that the operator lists as sanctioned. */
export const SANCTIONED = 'sanctioned_jurisdictions'
/** The recipient is listed as an agent, and this is not the agent that is listed. */
export const UNVERIFIED_AGENTS = 'unverified_agents'

/** Gives payments of this host a category; the further keys narrow it. */
export interface CategoryRule {
  /** Host pattern. */
  readonly host: string
  /** Path glob. */
  readonly path?: string
  readonly method?: string
  readonly tool?: string
  readonly category: string
}

/** The operator's rules, under the names that they have in the configuration. */
export interface ClassifyRules {
  /** In order: the first rule that matches gives the category. */
  readonly categories: readonly CategoryRule[]
  readonly recipients: { readonly verified: readonly VerifiedRecipient[]; readonly blocked: readonly BlockedRecipient[] }
  readonly jurisdictions: { readonly sanctioned: readonly string[] }
  /** From the files under recipients.blockedFiles. */
  readonly blockedAddresses?: BlockedAddresses
  /** Absent or null: prices are not compared. */
  readonly priceDrift?: PriceDriftRule | null
}

/** A payment that is about to be judged. All values are canonical: host and path as asked upstream, port always given. */
export interface Payable extends Recipient {
  readonly path: string
  readonly method: string
  readonly tool?: string
  /** Millionths of `currency`. Without a price none is compared. */
  readonly amount?: bigint
  readonly currency?: string
}

type Past = Pick<History, 'known' | 'lastPayTo' | 'pinnedPayTo' | 'prices'>

/** What of the past has to be asked for, for these rules. */
export function priceQuery<Kind>(kind: Kind, { priceDrift }: Pick<ClassifyRules, 'priceDrift'>): { price?: Kind & { over_ms: number } } {
  return priceDrift ? { price: { ...kind, over_ms: priceDrift.over_ms } } : {}
}

/** Pure: the same payment, rules and past always give the same classification. */
export function classify(payment: Payable, rules: ClassifyRules, past: Past): Classification {
  const listings = listingsOf(payment, rules.recipients.verified)
  const standing = standingOf(payment, listings, past)
  const jurisdiction = jurisdictionOf(payment, listings)
  const firstPayment = !past.known && past.lastPayTo === undefined
  const drift = driftOf(payment, rules, past)
  return {
    categories: categoriesOf(payment, rules, { listings, standing }),
    trust: standing.trust,
    trustReason: standing.reason,
    recipientChanged: standing.recipientChanged,
    ...(standing.before === undefined ? {} : { trustBefore: standing.before }),
    ...(jurisdiction === undefined ? {} : { jurisdiction }),
    firstPayment,
    ...(drift === undefined ? {} : { drift }),
    facts: factsOf(payment, { standing, firstPayment, drift, past }),
    blocked: isBlocked(payment, rules.recipients.blocked) || isListedAddress(payment, rules.blockedAddresses),
    pin: standing.pin,
  }
}

function driftOf({ amount, currency }: Payable, { priceDrift }: ClassifyRules, { prices }: Past): PriceDrift | undefined {
  if (amount === undefined || currency === undefined || !priceDrift || !prices) return undefined
  return priceDriftOf({ amount, currency }, prices, priceDrift)
}

interface Noticed {
  readonly standing: Standing
  readonly firstPayment: boolean
  readonly drift: PriceDrift | undefined
  readonly past: Past
}

function factsOf({ host, amount, currency }: Payable, { standing, firstPayment, drift, past }: Noticed): string[] {
  const [last] = past.prices?.latest ?? []
  const facts = standing.recipientChanged ? [standing.reason] : []
  if (firstPayment) facts.push(`No earlier payment of this agent at ${host} is proven yet.`)
  if (drift) facts.push(drift.sentence)
  else if (last !== undefined && amount !== undefined && currency !== undefined && last !== amount)
    facts.push(
      `The last payment for this kind of resource cost ${displayAmount(last, currency)}; this one costs ${displayAmount(amount, currency)}.`,
    )
  return facts
}

/** The first rule that names the payment. None where servers may read the path in another way than the rules do. */
export function ruleFor(payment: Omit<Payable, 'payTo'>, rules: readonly CategoryRule[]): CategoryRule | undefined {
  if (climbs(payment.path)) return undefined
  return rules.find(
    ({ host, path, method, tool }) =>
      matchesHost(host, payment.host, payment.port) &&
      (path === undefined || matchesPath(path, payment.path)) &&
      (method === undefined || method === payment.method.toUpperCase()) &&
      (tool === undefined || tool === payment.tool),
  )
}

interface Seen {
  readonly listings: readonly VerifiedRecipient[]
  readonly standing: Standing
}

function categoriesOf(payment: Payable, rules: ClassifyRules, { listings, standing }: Seen): string[] {
  const found = new Set<string>()
  const rule = ruleFor(payment, rules.categories)
  if (rule) found.add(rule.category)
  if (isSanctioned(payment, rules, listings)) found.add(SANCTIONED)
  if (standing.trust !== 'verified' && listings.some(({ kind }) => kind === 'agent')) found.add(UNVERIFIED_AGENTS)
  return [...found]
}

/** Any listing of the host or of the address is enough: a sanction is not escaped by another address or another host. */
function isSanctioned({ payTo }: Payable, { recipients, jurisdictions }: ClassifyRules, listings: readonly VerifiedRecipient[]): boolean {
  const { sanctioned } = jurisdictions
  if (sanctioned.length === 0) return false
  const ofAddress = recipients.verified.filter((listing) => listing.payTo !== undefined && sameAddress(listing.payTo, payTo))
  return [...listings, ...ofAddress].some(({ jurisdiction }) => jurisdiction !== undefined && sanctioned.includes(jurisdiction))
}

/** From the listing with this very address, else from one that lists the host without an address. */
function jurisdictionOf({ payTo }: Payable, listings: readonly VerifiedRecipient[]): string | undefined {
  const exact = listings.find((listing) => listing.payTo !== undefined && sameAddress(listing.payTo, payTo))
  return (exact ?? listings.find((listing) => listing.payTo === undefined))?.jurisdiction
}
