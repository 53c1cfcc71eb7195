/** Bounds of funded sessions: what a treasury moves to the addresses of sessions, and back. */

/** An authorization of the treasury or of a session's key to move its own money; long enough for a slow block, short enough to be proven dead soon. */
export const FUNDING_WINDOW_S = 15 * 60
/** A transfer with authorization takes 60,000 to 100,000 of common tokens; beyond this it is no plain token. */
export const FUNDING_GAS = 200_000n
/** Between two looks at what is due: one query of an index. */
export const FUNDING_INTERVAL_MS = 1_000
/** Sessions that one look takes on. */
export const FUNDING_BATCH = 20
/** Nobody else works on a session meanwhile. A step that takes longer is begun again beside it, which wastes gas at most. */
export const FUNDING_LEASE_MS = 20_000
/** While a transfer is under way: about a block. */
export const FUNDING_POLL_MS = 2_000
/** Whoever has sent waits so long for a block before the same bytes are sent once more. */
export const FUNDING_RESEND_MS = 30_000
/** After a step that failed, and where the treasury has too little. */
export const FUNDING_RETRY_MS = 10_000
/** A session that is funded is looked at so often, for what nobody told: refills, and an end by time. */
export const FUNDING_REST_MS = 60_000
/** After the end every look waits as long again as the end is past, so that late money is found by a few dozen looks; then no more. */
export const FUNDING_LAST_LOOK_MS = 90 * 86_400_000
/** How long a payment waits for the money of its session, and how often it looks. */
export const FUNDING_PATIENCE_MS = 15_000
export const FUNDING_GLANCE_MS = 500
/** Transfers that an answer about a session shows, the newest. */
export const MAX_SHOWN_FUNDINGS = 100
