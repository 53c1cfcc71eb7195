/** Every bound of the program, with its reason. Units stand last in the names. Nothing is unlimited. */

// 1 accept: what one agent may make us hold
/** A minimal exact payment header has 1 KB, cookies and tokens some more; Node's own default is 16 KiB. */
export const MAX_HEAD_BYTES = 32 * 1024
/** Node's default for header pairs is 2,000; nothing honest sends more than a tenth of it. */
export const MAX_HEADER_COUNT = 200
/** An agent that has not sent a whole head by then is a slow loris. */
export const HEAD_TIMEOUT_MS = 20_000
/** Idle keep-alive connections of agents; longer than the pools of common clients (4 to 60 s). */
export const AGENT_IDLE_TIMEOUT_MS = 75_000
export const MAX_AGENT_CONNECTIONS = 20_000

// 3 forward: how long an upstream may take
export const CONNECT_TIMEOUT_MS = 10_000
export const UPSTREAM_HEAD_TIMEOUT_MS = 300_000
/** Silence inside a body; server-sent events send comments more often than this. */
export const UPSTREAM_IDLE_TIMEOUT_MS = 300_000
export const UPSTREAM_KEEP_ALIVE_MS = 30_000
/** One host of one agent can hold as many streams; above it requests queue. */
export const MAX_CONNECTIONS_PER_ORIGIN = 256
/** Origins with a pool; the least recently used idle one is closed beyond it. */
export const MAX_ORIGINS = 1_000
/** Blind tunnels and upgraded connections with no byte in either direction. */
export const TUNNEL_IDLE_TIMEOUT_MS = 600_000

// request bodies kept for the retry
export const KEPT_BODY_MEMORY_BYTES = 64 * 1024
/** Only for routes that have charged before; encrypted on disk. */
export const KEPT_BODY_SPOOL_BYTES = 256 * 1024 * 1024
/** All spooled bodies together. */
export const SPOOL_TOTAL_BYTES = 2 * 1024 * 1024 * 1024
/** Routes remembered as charging. */
export const MAX_CHARGING_ROUTES = 10_000

// 4 the 402
export const MAX_402_BODY_BYTES = 64 * 1024
/** Decoded size of the payment header. */
export const MAX_402_HEADER_BYTES = 16 * 1024
export const MAX_402_ENCODINGS = 2
export const MAX_OFFERS = 20
export const MAX_JSON_DEPTH = 32
export const MAX_JSON_NODES = 5_000

// 8 the window in which an authorization can be taken (design: short exposure)
export const MAX_WINDOW_S = 120
export const MIN_WINDOW_S = 10
/** A server may ask for at most a day; beyond it the challenge is not honest. */
export const MAX_ASKED_WINDOW_S = 86_400
/** Facilitators want some seconds left; presenting later than this is pointless. */
export const MIN_WINDOW_LEFT_S = 6

// purchases
/** A settled purchase without a complete 2xx is a repeat for this long. */
export const UNDELIVERED_TTL_MS = 10 * 60_000
export const KEYED_PURCHASE_TTL_MS = 24 * 3_600_000
/** Longer than the slowest paid attempt; after it another process may take the purchase over. */
export const PURCHASE_LEASE_MS = UPSTREAM_HEAD_TIMEOUT_MS + 60_000
export const MAX_IDEMPOTENCY_KEY_CHARS = 255
/** Identical refusals within this span are counted in one entry. */
export const REFUSAL_RUN_MS = 10 * 60_000

// sessions
export const MAX_TTL_MS = 366 * 86_400_000
/** In millionths; keeps every sum within 64 bits. */
export const MAX_CAP = 1_000_000_000_000_000_000n
export const MAX_HINT_CHARS = 1_000
export const MAX_LABELS = 50
export const MAX_LIMIT_ENTRIES = 1_000

// certificates
export const MAX_LEAVES = 2_000
export const LEAF_LIFETIME_MS = 72 * 3_600_000
export const CA_LIFETIME_MS = 3_650 * 86_400_000

// admin
export const MAX_ADMIN_BODY_BYTES = 1024 * 1024
export const MAX_PAGE = 1_000
export const DEFAULT_PAGE = 100

// the process
/** SIGTERM: how long signed payments may take to conclude before the process ends anyway. */
export const DRAIN_TIMEOUT_MS = 30_000
