/** What the ledger remembers of an agent's dealings, in the words that policy and ledger share. */

/** From high to low: listed by the operator; paid before, settled and delivered to the same recipient; anybody else. */
export type Trust = 'verified' | 'known' | 'unknown'

/**
 * Whose payments in a tier are counted together: one agent's, one session's, all that go to one recipient (by address,
 * whoever pays), or all.
 */
export type FrequencyOf = 'agent' | 'session' | 'recipient' | 'tier'

/** A tier's frequency condition, to be counted again in the reserving transaction. */
export interface FrequencyBound {
  readonly tier: string
  /** The agent's, where it is not said. */
  readonly of?: FrequencyOf
  readonly max: number
  readonly per_ms: number
}

/** What an agent paid before for the same kind of resource, settled, in millionths of one currency. */
export interface PastPrices {
  /** Newest first; at most `PRICE_SAMPLES`. */
  readonly latest: readonly bigint[]
  /** The oldest that the span of memory reaches, oldest first; at most `PRICE_SAMPLES`. */
  readonly earliest: readonly bigint[]
}

/** A payment that was reserved and not voided. `at` in milliseconds since 1970. */
export interface Dealing {
  readonly host: string
  readonly categories: readonly string[]
  readonly at: number
}

/** How a session has paid so far. */
export interface Conduct {
  /** Oldest first; at most `DRIFT_START_PAYMENTS`. */
  readonly first: readonly Dealing[]
  /** Newest first; at most `DRIFT_START_PAYMENTS`. */
  readonly latest: readonly Dealing[]
}

/** What the policy knows of a payment's past: read from the ledger, judged here. */
export interface History {
  /** This agent has a settled, delivered payment to this recipient at this origin. */
  readonly known: boolean
  /** The recipient of this agent's last settled, delivered payment at this origin on this network, if any. */
  readonly lastPayTo: string | undefined
  /** The recipient pinned for this origin and network at its first payment, if any. */
  readonly pinnedPayTo: string | undefined
  /** Payments reserved in each tier within that tier's window, as its bound counts them, and when the oldest leaves it. */
  readonly frequency: Readonly<Record<string, { readonly count: number; readonly oldestAt: number | undefined }>>
  /** Only where it was asked for. */
  readonly prices?: PastPrices
  /** Only where it was asked for. */
  readonly conduct?: Conduct
}
