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
