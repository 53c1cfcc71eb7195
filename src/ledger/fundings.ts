/**
 * Fundings: the journal of what a treasury moves to the addresses of sessions, and of what is swept back. A row is
 * durable before anything of it is signed, and keeps its nonce for ever, so that however often it is sent the token
 * takes it once.
 *
 * account: a session whose address the treasury keeps. It says when somebody has to look at it again.
 */

/** fund: the first money; topup: what the cap has grown by since; sweep: what is left, back to the treasury. */
export const FUNDING_KINDS = ['fund', 'topup', 'sweep'] as const
export type FundingKind = (typeof FUNDING_KINDS)[number]

/** planned: no byte has left; sent: it may be on the chain; done: a final block has it; failed: it never will. */
export const FUNDING_STATES = ['planned', 'sent', 'done', 'failed'] as const
export type FundingState = (typeof FUNDING_STATES)[number]

export interface PlannedFunding {
  readonly sessionId: string
  /** From 1 in each session, without gaps. */
  readonly number: number
  readonly kind: FundingKind
  /** CAIP-2. */
  readonly network: string
  /** Checksummed, as the addresses. */
  readonly token: string
  readonly from: string
  readonly to: string
  readonly amountAtomic: bigint
  /** 32 bytes, hex. */
  readonly nonce: string
  /** Milliseconds since 1970. */
  readonly plannedAt: number
}

/** What becomes known of it. */
export interface FundingProgress {
  readonly state: FundingState
  /** Of the authorization, seconds since 1970; set when it is about to be sent, and never changed. */
  readonly signedAt_s: number | null
  readonly validBefore_s: number | null
  /** The last transaction that carried it, where one is known. */
  readonly transaction: string | null
  /** Milliseconds since 1970: when it was handed to the network last. */
  readonly sentAt: number | null
  readonly endedAt: number | null
  /** Why it failed, or is not sent yet; for people. */
  readonly reason: string | null
}

export interface Funding extends PlannedFunding, FundingProgress {}

export interface FundedAccount {
  readonly sessionId: string
  /** The session's own, in lower case. */
  readonly address: string
  /** Milliseconds since 1970. */
  readonly dueAt: number
  readonly leasedUntil: number
  /** Grows with each wish that somebody looks, so that none is lost to a look that began before it. */
  readonly wishes: number
  /** When the session was first seen to have ended; null while it has not. */
  readonly endedAt: number | null
}

/** When nobody has to look any more. */
export const NEVER: number = Number.MAX_SAFE_INTEGER

/** Every method rejects with PurserError `ledger_unavailable` where the store cannot be read or written. Times in milliseconds since 1970. */
export interface FundingStore {
  /** Keeps an account for the session, due now. One that is kept already only falls due. */
  open(account: Pick<FundedAccount, 'sessionId' | 'address'>, now: number): Promise<void>
  /** Makes the account due, where there is one. */
  wish(sessionId: string, now: number): Promise<void>
  /** Accounts that are due and on which nobody works, longest due first: the caller's alone until then. */
  claim(query: { readonly now: number; readonly until: number; readonly limit: number }): Promise<readonly FundedAccount[]>
  /** Lets go of a claimed account; it falls due then, or at once where somebody wished so meanwhile. */
  release(account: FundedAccount, next: { readonly dueAt: number; readonly endedAt: number | null }): Promise<void>
  account(sessionId: string): Promise<FundedAccount | undefined>
  accountAt(address: string): Promise<FundedAccount | undefined>
  /** By number, rising. */
  fundings(sessionId: string): Promise<readonly Funding[]>
  /** False where this session has a row of this number already: then that one counts. */
  plan(funding: PlannedFunding): Promise<boolean>
  /** False, and nothing is changed, where it is not in state `from` any more. */
  advance(funding: Pick<Funding, 'sessionId' | 'number'>, from: FundingState, progress: FundingProgress): Promise<boolean>
}

/** A member of the ledger. */
export interface FundingLedger {
  readonly fundings: FundingStore
}

/** By its number within the session: the same wherever it is asked. */
export function fundingId({ sessionId, number }: Pick<Funding, 'sessionId' | 'number'>): string {
  return `fnd_${sessionId}_${number}`
}
