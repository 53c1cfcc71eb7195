/** Bounds around pools of transfers that were signed beforehand. */

/** A start verifies each signature, a thousand in 100 to 200 ms. */
export const MAX_PRESIGNED_TRANSFERS = 20_000
/** Of one file, a transfer having some 230 bytes. */
export const MAX_PRESIGNED_IN_FILE = 10_000
export const MAX_PRESIGNED_FILE_BYTES = 4 * 1024 * 1024
/** A file is for one recipient at one price. */
export const MAX_PRESIGNED_FILES = 100
/** So many signatures are verified before others get their turn: some 5 ms. */
export const PRESIGNED_AT_ONCE = 40
/** How long one that is taken may live at most unless the operator says otherwise: what is unknown is held so long. */
export const PRESIGNED_WINDOW_MS = 86_400_000
/** Less than payments stay in the ledger at the least (7 days), which has to know each that was used as long as it lives. */
export const MAX_PRESIGNED_WINDOW_MS = 6 * 86_400_000
/** Between two looks at the files, or at the ledger for those that other processes took. */
export const PRESIGNED_LOOK_MS = 5_000
/** One in so many left: time to refill. */
export const PRESIGNED_LOW_SHARE = 10
/** Races with other processes for one transfer; after that the payment is decided on anew. */
export const MAX_PRESIGNED_TRIES = 5
