/** Bounds of the archive, each with its reason. */

/** Beyond everything that looks back at a payment: repeats (24 hours), kept answers, runs of refusals, links to approvals. */
export const MIN_RETENTION_MS = 7 * 86_400_000
/** How long after the start the first pass begins, and how long the next one waits: old payments are in no hurry. */
export const RETENTION_START_MS = 60_000
export const RETENTION_INTERVAL_MS = 24 * 3_600_000
/** What leaves in one transaction: it holds up payments for some milliseconds. A payment has more indexes than a receipt. */
export const RECEIPTS_AT_ONCE = 200
export const PAYMENTS_AT_ONCE = 100
/** Between two such steps, so that payments have nine tenths of the time. */
export const RETENTION_PAUSE_MS = 50
/** A run that handed nothing over for so long has lost its turn; a step takes far less. */
export const RETENTION_LEASE_MS = 10 * 60_000
/** A file is closed beyond this, so that it can be copied and looked into. */
export const ARCHIVE_FILE_BYTES = 64 * 1024 * 1024
/** Lines of one segment, uncompressed: a hundred times what 200 receipts take. Beyond it a file is none of ours. */
export const MAX_SEGMENT_BYTES = 64 * 1024 * 1024
/** Segments that one page of a list looks through: about a quarter of a second. What is found by then is the page. */
export const SEGMENTS_A_PAGE = 50
/** How often a verification begins anew because receipts left meanwhile. */
export const VERIFY_ATTEMPTS = 5
