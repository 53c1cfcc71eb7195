/**
 * Audit: what was paid, why, and who allowed it. A receipt is an append-only entry, chained per session to the entry
 * before by its hash, so that whoever has the file can see what was changed, dropped or moved. This folder knows the
 * entry, the chain and the exports; where entries are kept is the ledger's.
 */

/**
 * `refusal`: an attempt that was refused. `conclusion`: a payment reached settled, void or unknown.
 * `amendment`: something became known later (delivery, better evidence, how often a refusal was repeated).
 */
export type ReceiptKind = 'refusal' | 'conclusion' | 'amendment'

/** Amounts are decimal strings, times ISO 8601, absent things null: the entry is exactly its canonical JSON. */
export interface ReceiptBody {
  readonly id: string
  readonly kind: ReceiptKind
  /** Gap-free from 1 within the session. */
  readonly number: number
  readonly at: string
  readonly sessionId: string
  readonly paymentId: string
  readonly paymentRequestId: string
  readonly state: string
  readonly code: string | null
  readonly agent: string
  readonly tool: string | null
  readonly task: string | null
  readonly user: string | null
  readonly justification: string | null
  readonly tier: string
  readonly rule: string
  readonly reason: string
  readonly policyVersion: string
  readonly wouldBe: string | null
  readonly categories: readonly string[]
  readonly trust: string | null
  /** What stands around the payment; null where nothing does. */
  readonly context: ReceiptContext | null
  readonly amount: string | null
  readonly currency: string | null
  readonly amountAtomic: string | null
  readonly asset: { readonly symbol: string; readonly address: string; readonly decimals: number } | null
  readonly network: string | null
  readonly rail: string | null
  readonly scheme: string | null
  readonly payer: string | null
  readonly recipient: string | null
  readonly resource: string
  readonly method: string
  readonly challengeDigest: string
  readonly nonce: string | null
  readonly validBefore: string | null
  readonly times: Readonly<Record<'challenged' | 'decided' | 'reserved' | 'signed' | 'sent' | 'concluded' | 'delivered', string | null>>
  /** The signature once the payment is settled or dead; until then null, with its SHA-256 in `signatureDigest`. */
  readonly signature: string | null
  readonly signatureDigest: string | null
  readonly transaction: string | null
  /** What is known about the settlement, in our own words. */
  readonly settlement: string | null
  /** How the settlement is known: `claimed`, `confirmed` or `operator`. */
  readonly evidence: string | null
  /** The final block that shows it; decimal. */
  readonly block: string | null
  /** What is held against the recipient. */
  readonly dispute: string | null
  /** What came back so far, in `currency`; "0" where nothing did. */
  readonly refunded: string
  readonly delivery: { readonly status: number; readonly bytes: number; readonly complete: boolean } | null
  readonly delivered: boolean
  /** Identical refusals counted so far; 1 for everything else. */
  readonly count: number
  /** Hash of the entry before it in this session; 64 zeros for the first. */
  readonly previousHash: string
}

/** Who allowed the payment, on whose behalf it was made, and what else was considered; members are absent where nothing is known. */
export interface ReceiptContext {
  /** The approval that it rests on. */
  readonly approval?: {
    readonly id: string
    readonly digest: string
    readonly votes: readonly { readonly person: string; readonly channel: string; readonly at: string; readonly reason: string }[]
  }
  /** `Purser-On-Behalf-Of`: from the one who planned to the one who pays. Untrusted. */
  readonly onBehalfOf?: readonly string[]
  /** Trace id of the W3C `traceparent`. */
  readonly trace?: string
  /** The workload identity that opened the session. */
  readonly workload?: { readonly issuer: string; readonly subject: string }
  /** Facts that people were shown: a new host, a changed price, drift of the session. Sentences of ours. */
  readonly facts?: readonly string[]
  /** What the server signed or said of itself, and the id it got of the purchase: a sentence of ours, then what was signed. */
  readonly evidence?: readonly string[]
  /** Offers and tiers that would have been possible, with why they were not taken. */
  readonly alternatives?: readonly string[]
  /** Audit id of the authorization (`POST /v1/authorize`) that it claimed. */
  readonly auditId?: string
}

/** The entry with its own hash: SHA-256 (hex) of its canonical JSON (RFC 8785) without `hash`. */
export interface Receipt extends ReceiptBody {
  readonly hash: string
}

export interface ReceiptFilter {
  readonly session?: string
  readonly payment?: string
  readonly agent?: string
  readonly kind?: ReceiptKind
  readonly tool?: string
  readonly tier?: string
  /** Host or address, whatever its case. */
  readonly recipient?: string
  /** Somebody in `Purser-On-Behalf-Of` of its payment. */
  readonly onBehalfOf?: string
  /** Trace id of its payment. */
  readonly trace?: string
  /** Milliseconds since 1970. */
  readonly since?: number
  readonly until?: number
}

/** The newest checkpoint that holds: up to it nothing can be missing. Whoever notes it can ask for it again later. */
export interface Seal {
  readonly number: number
  readonly at: string
  readonly hash: string
  readonly ledgerId: string
  /** Ed25519, hex. */
  readonly publicKey: string
}

export interface Verification {
  readonly ok: boolean
  /** Entries looked at. */
  readonly count: number
  /** Chains (sessions) looked at. */
  readonly chains: number
  /** The first entry that does not hold, or null. For a checkpoint `id` is `checkpoint` and `sessionId` empty. */
  readonly brokenAt: Fault | null
  /** Checkpoints looked at. */
  readonly checkpoints: number
  /** Null where there is no checkpoint: then the newest entries could be missing. */
  readonly sealed: Seal | null
  /** Entries that no checkpoint covers yet. */
  readonly unsealed: number
}

/** An entry that does not hold, and why. */
export interface Fault {
  readonly sessionId: string
  readonly number: number
  readonly id: string
  readonly why: string
}
