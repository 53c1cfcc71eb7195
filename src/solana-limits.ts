/** Bounds of Solana, with their reasons. */

/** A blockhash is good for so many blocks after its own (`MAX_PROCESSING_AGE` of the validator). */
export const BLOCKHASH_LIFE_BLOCKS = 150n
/** A server that promises a longer life is wrong, and would have us hold money for nothing. */
export const MAX_BLOCKHASH_LIFE_BLOCKS = 2n * BLOCKHASH_LIFE_BLOCKS
/** A server's list of transactions may lag behind its own final block: some 25 seconds of blocks. */
export const INDEX_LAG_BLOCKS = 64n
/** The block of a blockhash is at most some slots older than the moment at which it was told. */
export const SLOT_MARGIN = 64n
/** One page of a wallet's transactions: the most that servers give. */
export const MAX_SIGNATURES = 1_000
/** Pages that are read for one payment: ten thousand transactions in its two minutes. */
export const MAX_SIGNATURE_PAGES = 10
/** Transactions that are read whole for one payment; those with another memo of ours are not. */
export const MAX_CANDIDATES = 200
