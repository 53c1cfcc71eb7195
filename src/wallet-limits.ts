/** Bounds around wallets of several keys and wallets that are elsewhere. */

/** Keys of sessions that are kept at hand, some hundred bytes each; the others are derived again in about a millisecond. */
export const MAX_DERIVED_KEYS = 1_000
/** Sessions with a wallet of their own that one round looks at for transfers back: a query for each, token and network. */
export const MAX_WATCHED_SESSIONS = 50
/** Those that `purser reconcile` searches for payments which the ledger does not know, the newest first; the report says where there are more. */
export const MAX_SEARCHED_SESSIONS = 5_000
/** Wallets that paid before: each rotation adds one, and each is asked about on every network. */
export const MAX_PREVIOUS_WALLETS = 20
/** A signature, or a list of some hundred accounts. */
export const MAX_REMOTE_ANSWER_BYTES = 64 * 1024
/** A remote signer that asks nobody answers in milliseconds; a payment's window is two minutes at most, and most of it has to be left. */
export const REMOTE_TIMEOUT_MS = 10_000
export const MAX_REMOTE_TIMEOUT_MS = 60_000
/** Balances and allowances that are at hand, a few hundred bytes each: where every session has a wallet, they are as many. */
export const MAX_KEPT_BALANCES = 10_000
