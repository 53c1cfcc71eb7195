/** Bounds of payment channels, with their reasons. Units stand last in the names. */

/** What the escrow takes (scheme batch-settlement): fifteen minutes to thirty days. */
export const MIN_WITHDRAW_DELAY_S = 900
export const MAX_WITHDRAW_DELAY_S = 2_592_000
/** Amounts in the escrow are of 128 bits. */
export const CHANNEL_AMOUNT_END = 2n ** 128n
