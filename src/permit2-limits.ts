/** The bounds of what is done about Permit2, each with its reason. Units stand last in the names. */

/** When a payment that would bring its own allowance may be tried again: the one before it has settled by then, mostly. */
export const SPONSORED_RETRY_S = 5
/** An approval takes 46,000 to 60,000, of tokens behind a proxy the most. */
export const APPROVE_GAS = 120_000n
/** Between two looks at whether an approval is in a block. */
export const APPROVE_POLL_MS = 1_000
/** So many looks: networks take a transaction within a minute, or it is for people to see why not. */
export const APPROVE_POLLS = 60
/** Words of a transaction's input that are tried as nonces, up to three questions each; a settlement has some twenty, read three ways. */
export const MAX_PERMIT_WORDS = 200
/** Transactions of one stretch of blocks that are searched for permits which the ledger does not know. */
export const MAX_PERMIT_TRANSACTIONS = 100
