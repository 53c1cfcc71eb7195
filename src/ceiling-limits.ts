/** The bounds of what is asked about outer ceilings, each with its reason. Units stand last in the names. */

/** Three questions for each, to each server. Who has more is asked about them elsewhere. */
export const MAX_SPEND_PERMISSIONS = 20
/** Beside Permit2; a question for each, token and server. */
export const MAX_SPENDERS = 10
/** Tokens of all networks together: one page for people, and some hundred questions. */
export const MAX_CEILING_TOKENS = 200
/** After so long nothing more is asked; a question under way has its own bound. Somebody waits for the page. */
export const CEILINGS_TIMEOUT_MS = 20_000
/** Bytes of a permission's `extraData`: wallets leave it empty or name themselves there. */
export const MAX_EXTRA_DATA_BYTES = 4_096
/**
 * Atomic units from which on an allowance is no bound any more: the largest value of 96 bits, which some tokens take for
 * unlimited. Others take those of 160 or 256 bits.
 */
export const UNBOUNDED_ALLOWANCE = 2n ** 96n - 1n
/** Words on why something is unknown: they stand in a table. */
export const MAX_REASON_CHARS = 200
