/**
 * Policy: whether a payment may be made, and how people take part. Pure: a decision is a value made from values, with a
 * reason that a person can act on. What it decides is enforced elsewhere; caps and limits are the ledger's alone.
 */
import type { Code } from '../errors.ts'
import type { FrequencyBound, Trust } from '../session/history.ts'
import type { PriceDrift } from './price-drift.ts'

export type PolicyMode = 'open' | 'report' | 'enforce'

interface Verdict {
  /** The tier that applies; empty where none does. */
  readonly tier: string
  /** What in the policy decided, e.g. `tiers.autonomous`, `recipients.blocked`, `default`. */
  readonly rule: string
  /** A sentence that a person can act on. Holds our values only, never text from a paid server. */
  readonly reason: string
  readonly policyVersion: string
  /** In `open` and `report` mode: what `enforce` would have answered, if it differs. */
  readonly wouldBe?: { readonly kind: 'notify' | 'ask' | 'deny'; readonly code?: Code; readonly tier: string; readonly reason: string }
}

export type Decision =
  | (Verdict & { readonly kind: 'allow'; readonly frequency?: FrequencyBound })
  | (Verdict & { readonly kind: 'notify'; readonly vetoWindow_ms: number; readonly frequency?: FrequencyBound })
  | (Verdict & { readonly kind: 'ask'; readonly timeout_ms: number; readonly approvers: number; readonly frequency?: FrequencyBound })
  | (Verdict & { readonly kind: 'deny'; readonly code: Code; readonly resetsAt?: number })

/** Something odd about a payment, with what is to follow from it. */
export interface Concern {
  /** `report`: it stands in the reason. `escalate`: a person has to approve. `deny`: it is refused with `code`. */
  readonly on: 'report' | 'escalate' | 'deny'
  readonly code: Code
  /** What in the policy or session says so, e.g. `priceDrift`. */
  readonly rule: string
  /** Our own words, with a full stop. */
  readonly sentence: string
}

/** What a payment is, seen by the operator's rules. */
export interface Classification {
  /** The operator's category, plus those that follow from the recipient's listing. Empty where no rule names it. */
  readonly categories: readonly string[]
  readonly trust: Trust
  readonly trustReason: string
  /** The recipient is not the one pinned or paid before at this origin. */
  readonly recipientChanged: boolean
  /** Where the recipient changed: how far the one before it was trusted. */
  readonly trustBefore?: Trust
  /** This agent has no settled, delivered payment at this origin on this network. */
  readonly firstPayment: boolean
  /** It costs much more than this agent is used to. */
  readonly drift?: PriceDrift
  /** What people are to know about it: what is new, and what changed since the last payment there. Our own sentences. */
  readonly facts: readonly string[]
  /** ISO 3166 code from the recipient's listing, if it has one. */
  readonly jurisdiction?: string
  readonly blocked: boolean
  /** The listing wants the recipient of this host pinned at first use. */
  readonly pin: boolean
}
