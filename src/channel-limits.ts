/** Bounds of payment channels, with their reasons. Units stand last in the names. */

/** What the escrow takes (scheme batch-settlement): fifteen minutes to thirty days. */
export const MIN_WITHDRAW_DELAY_S = 900
export const MAX_WITHDRAW_DELAY_S = 2_592_000
/** Amounts in the escrow are of 128 bits. */
export const CHANNEL_AMOUNT_END = 2n ** 128n

/** Whoever looks into a channel that closes is dead after this: asking the receiver and two transactions fit in. */
export const CHANNEL_LEASE_MS = 120_000
/** So long a request waits for the one before it on the same channel, whose account its voucher goes on from. */
export const CHANNEL_WAIT_MS = 30_000
/** Beginning a withdrawal takes some 100,000 and ending it 90,000, of tokens behind a proxy the most. */
export const WITHDRAW_GAS = 250_000n

/** How often channels that close are looked for; a look that finds none is one read. */
export const CLOSING_INTERVAL_MS = 5_000
/** So many are looked into in one round, one after the other. */
export const CLOSING_BATCH = 20
/** What one look may do before the channel is put off: each step changes what the next one sees. */
export const MAX_CLOSING_STEPS = 6
/** Until a block that has just been made may be final, or a request that is under way over. */
export const CLOSING_LOOK_MS = 5_000
/** After what only time or people mend: a network that cannot be asked, a payer without gas, a transaction that failed. */
export const CLOSING_RETRY_MS = 60_000
/** A receiver that does not give back is asked so often, `CLOSING_RETRY_MS` apart: it may be busy or down. */
export const MAX_ASKS_BACK = 3
/** Facilitators wait for a block before they answer. */
export const ASK_BACK_TIMEOUT_MS = 20_000
/** A transaction that is in no block after this is not waited for any more where another way is left. */
export const TRANSACTION_PATIENCE_MS = 10 * 60_000
/** Channels whose closing one process keeps in mind at a time. */
export const MAX_CLOSING_KNOWN = 10_000
/** Channels that are shown with their session: one for each recipient and way to be paid. */
export const MAX_SHOWN_CHANNELS = 100
