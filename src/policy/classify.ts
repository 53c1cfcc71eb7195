/** Sees a payment through the operator's rules: what it is for, whom it pays, how far that one is trusted. */
import type { History } from '../session/history.ts'
import { climbs, matchesHost, matchesPath } from '../session/host-pattern.ts'
import type { Classification } from './decision.ts'
import {
  type BlockedRecipient,
  isBlocked,
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
}

/** A payment that is about to be judged. All values are canonical: host and path as asked upstream, port always given. */
export interface Payable extends Recipient {
  readonly path: string
  readonly method: string
  readonly tool?: string
}

/** Pure: the same payment, rules and past always give the same classification. */
export function classify(
  payment: Payable,
  rules: ClassifyRules,
  past: Pick<History, 'known' | 'lastPayTo' | 'pinnedPayTo'>,
): Classification {
  const listings = listingsOf(payment, rules.recipients.verified)
  const standing = standingOf(payment, listings, past)
  const jurisdiction = jurisdictionOf(payment, listings)
  return {
    categories: categoriesOf(payment, rules, { listings, standing }),
    trust: standing.trust,
    trustReason: standing.reason,
    recipientChanged: standing.recipientChanged,
    ...(standing.before === undefined ? {} : { trustBefore: standing.before }),
    ...(jurisdiction === undefined ? {} : { jurisdiction }),
    blocked: isBlocked(payment, rules.recipients.blocked),
    pin: standing.pin,
  }
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
