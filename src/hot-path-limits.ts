/** Bounds of what is kept, or put off, so that most requests cost less. As in `limits.ts`, each with its reason. */

// the log
/** A write costs the same whatever its length, some ten times what a line costs: this one holds about two hundred exchanges. */
export const LOG_BATCH_BYTES = 65_536
/** Whoever watches the log sees no delay; whoever kills the process loses this much of it. */
export const LOG_BATCH_MS = 100

// the ledger's rows in memory
/** Rows of a small table: pins, dealings, running totals. Each agent, recipient and limit has few, a few hundred bytes each. */
export const MAX_KEPT_ROWS = 10_000
/** Series of rolling sums. Every agent has one in each tier; one takes up to some 20 KB. */
export const MAX_KEPT_SERIES = 2_000
/** Windows of different length over one series, as limits of a session can have. */
export const EDGES_OF_SERIES = 4
/** Entries that leave a window next: read together, so that a look into the file serves so many payments. */
export const STEPS_AHEAD = 64
/** Kinds of resources whose past prices are known; each has a few dozen prices. */
export const MAX_KEPT_PRICES = 2_000
/** As `STEPS_AHEAD`, of the oldest prices within reach. */
export const PRICES_AHEAD = 64
/** Statements that set some of a payment's columns: each step of a payment has one or two of its own. */
export const MAX_KEPT_UPDATES = 100

/** Names of members are the program's own, and a few hundred; those of objects from outside are bounded by this. */
export const MAX_KNOWN_MEMBERS = 1_000

// what is read once, and remembered
/** Spellings of an origin, a host or credentials that are remembered: more than agents use beside each other. */
export const MAX_KNOWN_SPELLINGS = 1_000
/** Longer ones are read each time, so that all of them together stay below a megabyte or two. */
export const MAX_KNOWN_CHARS = 512

// answers of upstreams
/** Of an answer before anybody reads it; what is here whole by then is handed on as it is, and its upstream waits where it is more. */
export const UNREAD_ANSWER_BYTES = 65_536

// bodies
/** Waits for an agent that reads slowly before its upstream is held up: a few reads of a socket, so that a large answer does not stop at each. */
export const MAX_WRITTEN_AHEAD_BYTES = 262_144
/** As long as copying it twice costs less than a gathered write. */
export const MAX_BODY_AS_TEXT_BYTES = 16_384

// blind tunnels
/** Chunks from this size on are given back as soon as they have left; below it that costs more than it saves. */
export const GIVEN_BACK_BYTES = 16 * 1024

// the ledger's log
/**
 * Of 4 KiB, written before SQLite takes them over into the database, which holds up the loop for some 60 ms: as long for
 * 32,000 as for 8,000, because most pages were written again meanwhile. A start after a crash reads them in 0.2 s.
 */
export const LOG_PAGES = 32_000
