/** What the ledger remembers of an agent's dealings, in the words that policy and ledger share. */

/** From high to low: listed by the operator; paid before, settled and delivered to the same recipient; anybody else. */
export type Trust = 'verified' | 'known' | 'unknown'

/** A tier's frequency condition, to be counted again in the reserving transaction. */
export interface FrequencyBound {
  readonly tier: string
  readonly max: number
  readonly per_ms: number
}

/** What the policy knows of a payment's past: read from the ledger, judged here. */
export interface History {
  /** This agent has a settled, delivered payment to this recipient at this origin. */
  readonly known: boolean
  /** The recipient of this agent's last settled, delivered payment at this origin on this network, if any. */
  readonly lastPayTo: string | undefined
  /** The recipient pinned for this host and network at its first payment, if any. */
  readonly pinnedPayTo: string | undefined
  /** Payments of this agent reserved in each tier within that tier's window, and when the oldest leaves it. */
  readonly frequency: Readonly<Record<string, { readonly count: number; readonly oldestAt: number | undefined }>>
}
