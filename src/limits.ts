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
/** A refusal that ends a connection: how long the agent may take to read it and to close its side. */
export const LINGER_MS = 5_000
export const MAX_AGENT_CONNECTIONS = 20_000
/** Requests at once on one HTTP/2 connection: the least that RFC 9113 advises; clients open another connection beyond it. */
export const MAX_HTTP2_STREAMS = 100
/** What one HTTP/2 connection may make us hold, queued answers included; Node's default. */
export const MAX_HTTP2_SESSION_MB = 10

// 3 forward: how long an upstream may take
export const CONNECT_TIMEOUT_MS = 10_000
/** Where a parent proxy resolves names, our own resolver is asked only to see what it can; often it knows none of them. */
export const PARENT_LOOKUP_MS = 1_000
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
/** Read of a body after the answer went out, so that the agent gets to see that answer; beyond it the connection is closed. */
export const DRAINED_BODY_BYTES = 8 * 1024 * 1024
/** Routes remembered as charging. */
export const MAX_CHARGING_ROUTES = 10_000

// 4 the 402
export const MAX_402_BODY_BYTES = 64 * 1024
/** Decoded size of the payment header. */
export const MAX_402_HEADER_BYTES = 16 * 1024
export const MAX_402_ENCODINGS = 2
/** A challenge comes in one go; what drips longer is read no further before it is decided on. */
export const READ_402_TIMEOUT_MS = 15_000
/** 8 MiB, the most that RFC 9659 lets a zstd content coding ask for; a frame may declare far more in a few bytes. */
export const MAX_ZSTD_WINDOW_LOG = 23
export const MAX_OFFERS = 20
/** One offer of x402 version 2, which goes back whole in the payment header; honest ones have some 300. */
export const MAX_OFFER_CHARS = 4 * 1024
export const MAX_JSON_DEPTH = 32
export const MAX_JSON_NODES = 5_000

// 8 the window in which an authorization can be taken (design: short exposure)
export const MAX_WINDOW_S = 120
export const MIN_WINDOW_S = 10
/** A server may ask for at most a day; beyond it the challenge is not honest. */
export const MAX_ASKED_WINDOW_S = 86_400
/** Facilitators want some seconds left; presenting later than this is pointless. */
export const MIN_WINDOW_LEFT_S = 6

/** Common servers (nginx, Apache) take header fields of 8 KiB; beyond it, what may be left out of a payment is. */
export const MAX_PAYMENT_HEADER_BYTES = 8_000

// purchases
/** A settled purchase without a complete 2xx is a repeat for this long. */
export const UNDELIVERED_TTL_MS = 10 * 60_000
export const KEYED_PURCHASE_TTL_MS = 24 * 3_600_000
/** Longer than the slowest paid attempt; after it another process may take the purchase over. */
export const PURCHASE_LEASE_MS = UPSTREAM_HEAD_TIMEOUT_MS + 60_000
/** How long an identical request waits for an attempt in another process, and how often it looks, before it is told to come back. */
export const ELSEWHERE_WAIT_MS = 1_000
export const ELSEWHERE_POLL_MS = 50
export const MAX_IDEMPOTENCY_KEY_CHARS = 255
/** A refusal adds up so many payments of its task, and names the newest few; all are listed at the agent's own door. */
export const MAX_TASK_PAYMENTS = 100
export const MAX_TASK_LATEST = 5
/** Of a URL in such a list: enough to recognise it by. */
export const MAX_SHOWN_RESOURCE_CHARS = 300
/** Identical refusals within this span are counted in one entry. */
export const REFUSAL_RUN_MS = 10 * 60_000

// answers that were paid for and did not arrive
/** Larger ones are not kept: their purchase answers `paid_not_delivered` when it is repeated. */
export const MAX_KEPT_ANSWER_BYTES = 1024 * 1024
/** All kept answers together; the oldest go first. */
export const KEPT_ANSWERS_BYTES = 256 * 1024 * 1024
/** In memory, of answers that are under way: a copy of each as far as it came, until it is known whether it must be kept. */
export const RECORDED_ANSWERS_BYTES = 128 * 1024 * 1024
/** An agent that went away in the middle: how long the rest of what it paid for may take. As long as a stop waits. */
export const SALVAGE_TIMEOUT_MS = 30_000
/** An upstream that still says nothing so long after its agent left: the payment is looked into meanwhile. As long as a stop waits. */
export const ABANDONED_ATTEMPT_MS = 30_000
/** An agent that gives up takes its connection with it at once; a reset that comes later says nothing about the answer. */
export const RESET_WATCH_MS = 10_000
/** An answer known to be lost must not be bought again because one call to the ledger failed; the repeat waits meanwhile. */
export const REOPEN_TRIES = 3
/** Answers delivered within that time stay at hand, in case of such a reset. */
export const DELIVERED_ANSWERS_BYTES = 16 * 1024 * 1024

// proof from the chain
/** Between two rounds of looking into open payments; shorter than the shortest window. */
export const PROOF_INTERVAL_MS = 5_000
/** Payments looked into in one round. */
export const PROOF_BATCH = 100
/** A claim to look into a payment: longer than any answer of an RPC takes. */
export const PROOF_LEASE_MS = 60_000
/** Without an RPC an authorization counts as spent this long after its end: clocks differ. */
export const EXPIRY_GRACE_MS = 60_000
/** A window that opened or closed by a clock this far from the chain's is not the window that was meant. */
export const MAX_CHAIN_SKEW_MS = 30_000
/** How often the chain's time is asked for. */
export const CHAIN_TIME_INTERVAL_MS = 10_000
export const RPC_TIMEOUT_MS = 10_000
/** Blocks of one log query; public RPC servers refuse more than some thousands. */
export const MAX_LOG_BLOCKS = 2_000
/** Confirmations where a network does not say: about a minute on the networks of x402. */
export const DEFAULT_FINALITY_BLOCKS = 12
/** One answer of an RPC: the receipt of a transaction that batches a thousand transfers has about 1 MB. */
export const MAX_RPC_ANSWER_BYTES = 4 * 1024 * 1024
/** All that is asked about one payment; shorter than a claim on it lasts. */
export const FIND_TIMEOUT_MS = 30_000
/** Searched before signing and after the end of a window. What we sign is valid from ten minutes before. */
export const SEARCH_MARGIN_S = 900
/** The block of a moment is found this exactly: fewer questions than blocks in one more log query. */
export const SEARCH_TOLERANCE_BLOCKS = 256n
/** Payments asked about at once. */
export const PROOF_CONCURRENCY = 8
/** A chain that tells nothing for long is asked less and less often, at least so often. */
export const MAX_PROOF_DELAY_MS = 5 * 60_000
/** A repeat asks the chain at most so often about its payment; agents repeat in loops. */
export const SETTLE_NOW_INTERVAL_MS = 1_000
/** How often transfers back are looked for; they are never urgent. */
export const INCOMING_INTERVAL_MS = 60_000
/** Log queries for transfers back in one round, and for unrecorded payments in one reconciliation. */
export const MAX_INCOMING_STEPS = 20
export const MAX_HISTORY_STEPS = 100
/** Entries of each kind in one report. */
export const MAX_REPORT_ENTRIES = 1_000
/** A chain's time is carried on by our own monotonic clock for so long; then nobody can tell. */
export const CHAIN_TIME_LIFETIME_MS = 6 * CHAIN_TIME_INTERVAL_MS
/** A cancellation takes 52,600. */
export const CANCEL_GAS = 120_000n
/** Beyond 500 gwei a cancellation costs more than almost every payment. */
export const MAX_GAS_PRICE_WEI = 500_000_000_000n
/** Between two checkpoints of the receipts, where something was written meanwhile. */
export const CHECKPOINT_INTERVAL_MS = 60_000
/** Heads after which a checkpoint is made: some 300 KB of text; more of them make several checkpoints. */
export const MAX_CHECKPOINT_HEADS = 2_000
/** Receipts looked through in one turn for heads that moved: some milliseconds. */
export const CHECKPOINT_STEP = 2_000
/** Checkpoints in one answer; most have some KB, none more than 600 KB. */
export const MAX_CHECKPOINT_PAGE = 50
/** Lines of a day's report, some 300 bytes each; what comes after is added up by tier without agent and recipient. */
export const MAX_REPORT_LINES = 5_000
/** Sessions whose cost centre a report remembers while it adds up, a few hundred bytes each. */
export const MAX_REPORT_SESSIONS = 10_000
/** A day is reported this long after its end: clocks of replicas differ, and what was signed last has its window. */
export const REPORT_DELAY_MS = 5 * 60_000
/** Between two looks at whether a day has to be reported; a few look-ups. */
export const REPORT_INTERVAL_MS = 10 * 60_000
/** Days made up for in one round, the newest ones: beyond a year nobody waits for them. */
export const MAX_REPORT_DAYS = 366
/** Policies that are kept parsed for records, some 10 KB each; few are looked back at in one go. */
export const MAX_KEPT_POLICIES = 50
/** Payments that one simulation of a policy looks at: each costs some 50 µs, and an answer has to come within a minute. */
export const MAX_SIMULATED_PAYMENTS = 20_000
/** Changed decisions that one answer lists one by one; all are counted. */
export const MAX_SIMULATED_CHANGES = 1_000
/** One line of an export: a checkpoint has some 600 KB at most. */
export const MAX_EXPORT_LINE_BYTES = 8 * 1024 * 1024

// several processes on one ledger
/** A run that has not been heard of for so long has ended; what it was signing is unknown from then on. */
export const RUN_TIMEOUT_MS = 15_000
export const RUN_HEARTBEAT_MS = 3_000
/** Behind the notifications: how often the ledger is asked what others changed. */
export const CHANGE_POLL_MS = 500
/** Connections that one process writes with, and the operations that one transaction takes. */
export const LEDGER_CONNECTIONS = 4
export const MAX_BATCH_OPERATIONS = 512
/** Connections that one process reads with; what writes need they read themselves. */
export const LEDGER_READ_CONNECTIONS = 4
/** Replicas that want the same rows make each other wait, and seldom begin anew; beyond this something is wrong. */
export const BATCH_ATTEMPTS = 8
/** After a write that could not be made: when notes, and a commit in doubt, are tried again. */
export const LEDGER_RETRY_MS = 1_000
/** Rounds of loading what operations did not foresee: one or two as a rule, a few for each generation of a family of sessions. */
export const MAX_LOAD_ROUNDS = 200
/** Notes that wait for the ledger to come back, some hundred bytes each. */
export const MAX_WAITING_NOTES = 10_000
/** While the ledger is away: how long a session that was known still passes unpaid requests. A failover takes seconds. */
export const STALE_SESSION_MS = 60_000
/** A statement or commit that takes longer is given up, and its outcome looked up. */
export const LEDGER_TIMEOUT_MS = 10_000
/** The server gives a statement up by itself before this; beyond it the connection is dead, whatever TCP says. */
export const LEDGER_ANSWER_TIMEOUT_MS = LEDGER_TIMEOUT_MS + 2_000
/** A change may be committed this long after its number was drawn; what the poll asks for reaches back as far. */
export const CHANGE_OVERLAP_MS = 60_000
export const CHANGE_OVERLAP_COUNT = 1_000
/** Who was away longer has lost its sessions' caches anyway. */
export const CHANGE_RETENTION_MS = 24 * 3_600_000
/** A run that ended so long ago asks no more what became of its last commit. */
export const RUN_RETENTION_MS = 24 * 3_600_000
/** How often a server is asked whether a failover would lose what it acknowledged. */
export const REPLICATION_CHECK_MS = 15_000

// the ledger
/** Rows that a list may read whole and sort because few meet a condition, some 20 µs each; beyond it rows are read in their order. */
export const MAX_SORTED_ROWS = 2_000
/** A note that nobody waits for rides with the next commit, or is committed alone after this. */
export const NOTE_COMMIT_DELAY_MS = 20

// sessions
export const MAX_TTL_MS = 366 * 86_400_000
/** In millionths; keeps every sum within 64 bits. */
export const MAX_CAP = 1_000_000_000_000_000_000n
export const MAX_HINT_CHARS = 1_000
export const MAX_LABELS = 50
/** Agents, tools, categories, tiers: names that stand in sentences, logs and receipts. */
export const MAX_NAME_CHARS = 200
export const MAX_LIMIT_ENTRIES = 1_000
/** Every payment is counted on each ancestor; people nest budgets in teams and tasks, not deeper. */
export const MAX_SESSION_DEPTH = 8
/** Children that an agent may have open at once; it opens them for parts of its work, and a loop of it must not fill the ledger. */
export const MAX_OPEN_CHILDREN = 1_000
/** A mandate with its disclosures and its proof of possession; real ones have some KB. */
export const MAX_MANDATE_CHARS = 32_000
/** From the moment that a nonce is asked for to the presentation that is signed with it. */
export const MANDATE_NONCE_MS = 5 * 60_000
/** Clocks of issuers and presenters differ. */
export const MANDATE_SKEW_S = 30
/** A session's token as a JWT; with the id beside it in Base64 it takes a fifth of the largest head. */
export const MAX_SESSION_TOKEN_CHARS = 4_000
/** Tokens whose signature is known to hold, some hundred bytes each; verifying one takes a tenth of a millisecond. */
export const MAX_SEEN_TOKENS = 10_000
/** Sessions whose terms stay parsed in memory, some KB each. */
export const MAX_CACHED_SESSIONS = 10_000
/** Sessions are counted by the hour of their end: a ledger of ten years has some 100,000 counts, and a look at them is short. */
export const COUNTED_MS = 3_600_000

/** Percent of the cap, spent and held together, at which operators are told. */
export const DEFAULT_THRESHOLDS = [50, 80, 95] as const
/** The most often that a recurring budget grows. */
export const MIN_REFILL_INTERVAL_MS = 1_000

// policy
/** People read a policy from top to bottom; a refusal says for each tier why it does not apply. */
export const MAX_TIERS = 50
/** Category rules and recipients are looked through for every payment: about 25 µs for each hundred. */
export const MAX_POLICY_RULES = 10_000
export const MAX_APPROVERS = 10
/** Spans of hours in one tier: a week of different days, some of them twice. */
export const MAX_HOURS = 14
/** Payments that a usual price is made of: the median of ten is not moved by a few odd ones, and costs two look-ups. */
export const PRICE_SAMPLES = 10
/** Fewer than these do not make a usual price. */
export const MIN_PRICE_SAMPLES = 3
/** Lists of sanctioned addresses: one for each authority that publishes one. */
export const MAX_BLOCKED_FILES = 20
/** Some 350,000 addresses; the published lists have some hundreds. */
export const MAX_BLOCKED_FILE_BYTES = 16 * 1024 * 1024
/** Between two looks at whether a list changed: what is blocked now is not paid a second later. */
export const BLOCKED_FILES_INTERVAL_MS = 1_000
/** A facilitator's list is for information; asking more often would be rude. */
export const MIN_DISCOVERY_REFRESH_MS = 10_000
/** One page of that list: a hundred resources with long descriptions. */
export const MAX_DISCOVERY_PAGE_BYTES = 4 * 1024 * 1024
export const DISCOVERY_PAGE = 100
/** All of it together; the largest public list has some thousands. */
export const MAX_DISCOVERED_RESOURCES = 20_000
export const DISCOVERY_TIMEOUT_MS = 10_000
/** How long people have where a payment is put before them that its own tier would have let pass. */
export const ESCALATION_TIMEOUT_MS = 3_600_000

// approvals
/** A request waits for people no longer than this: the lease of its purchase is a minute more. */
export const MAX_HOLD_MS = PURCHASE_LEASE_MS - 60_000
/** An agent that hears of a yes late, or is started again by hand, still gets to use it: at least so long from the yes on. */
export const APPROVED_MIN_MS = 10 * 60_000
/** A veto window that ran out while nobody waited: one repeat may claim it for so long (rule R16). */
export const PASSED_TTL_MS = 5 * 60_000
/** A window whose notices are still under way holds money; after this nobody is known to have it, and a yes is needed instead. */
export const WINDOW_START_MS = 15 * 60_000
/** How long people have for a window that turned into an approval, whose tier states no timeout. */
export const WINDOW_APPROVAL_MS = 4 * 3_600_000
/** Whoever waits for a window ends it at its end; later than this they are gone, and the sweep does. Longer than a run takes to be missed. */
export const WINDOW_GRACE_MS = 2 * RUN_TIMEOUT_MS
/** Votes, claims and sweeps may meet on one approval; beyond this something is wrong. */
export const APPROVAL_ATTEMPTS = 16
/** Behind the news of changes: how often a waiting request looks by itself. */
export const APPROVAL_POLL_MS = 2_000
export const APPROVAL_SWEEP_MS = 1_000
/** Overdue approvals that one sweep ends. */
export const APPROVAL_SWEEP_BATCH = 100
/** A challenge older than this when people have decided is asked for again: the shortest window that a server may ask for. */
export const CHALLENGE_AGE_MS = MIN_WINDOW_S * 1000
/** How soon a request that waits for people is worth repeating. */
export const APPROVAL_RETRY_S = 10
/** How long a repeat of what a person refused hears that refusal again, instead of asking people once more. */
export const DENIAL_TOLD_MS = 10 * 60_000
/** How long a repeat of what nobody decided on hears that; then it asks people again. Some repeats of an agent fit into it. */
export const EXPIRY_TOLD_MS = 6 * APPROVAL_RETRY_S * 1000
/** What a refusal of people names instead. */
export const MAX_ALTERNATIVES = 3
/** Decisions on one request: a race, an aged challenge or a yes of people leads to a new one, but not for ever. */
export const MAX_DECISIONS = 6
/** Decisions that one session may have waiting: people read no more, and a loop of an agent must not bury them. */
export const MAX_PENDING_APPROVALS = 50

// configuration
/** Ten thousand policy rules have about as much. */
export const MAX_CONFIG_BYTES = 4 * 1024 * 1024
/** A keystore has 1 KB, a PEM bundle with its chain some 10 KB. */
export const MAX_SECRET_BYTES = 64 * 1024

// certificates
export const MAX_LEAVES = 2_000
export const LEAF_LIFETIME_MS = 72 * 3_600_000
export const CA_LIFETIME_MS = 3_650 * 86_400_000
/** Certificates begin this long ago, for agents whose clocks are slow. */
export const LEAF_BACKDATE_MS = 3_600_000
/** A leaf is made anew when less than this is left, for agents whose clocks are fast. */
export const LEAF_RENEWAL_MS = 6 * 3_600_000

// admin
export const MAX_ADMIN_BODY_BYTES = 1024 * 1024
export const MAX_PAGE = 1_000
export const DEFAULT_PAGE = 100
/** Problems of a body that one answer lists; a mended body shows the rest. */
export const MAX_ISSUES_SHOWN = 20
/** Recipients that a session's summary lists one by one; the rest are summed as one. */
export const MAX_SUMMARY_RECIPIENTS = 1_000
/** One request of an agent about itself: a URL and a method. */
export const MAX_AGENT_BODY_BYTES = 16 * 1024

/** How often the feed of events looks for payments and sessions of all processes. */
export const EVENT_POLL_MS = 1_000
/** Clocks of processes differ, and what is committed later may carry an earlier time. */
export const EVENT_OVERLAP_MS = 10_000
/** Events that a listener who was cut off may have missed, some 300 bytes each. */
export const MAX_KEPT_EVENTS = 1_000
/** Events that wait for one listener; beyond it the listener does not keep up. */
export const MAX_QUEUED_EVENTS = 1_000
/** Consoles and scripts that follow the events of one process. */
export const MAX_EVENT_LISTENERS = 100
/** Proxies on the way end connections on which nothing comes. */
export const EVENT_HEARTBEAT_MS = 15_000
/** A stream ends after this, so that the token behind it is looked at again. */
export const EVENT_STREAM_MS = 15 * 60_000

// the process
/** SIGTERM: how long signed payments may take to conclude before the process ends anyway. */
export const DRAIN_TIMEOUT_MS = 30_000

// the command line
/** One call to the admin API; closing a session waits for what is open. */
export const ADMIN_CALL_TIMEOUT_MS = 60_000
/** A page of 1,000 payments has about 2 MB. */
export const MAX_ADMIN_ANSWER_BYTES = 32 * 1024 * 1024

// telemetry
/** Distinct values of a metric's label that comes from the configuration; each makes new series, so further ones become `other`. */
export const MAX_LABEL_VALUES = 50
/** Longest value in a log line; a URL with a long path still fits. */
export const MAX_LOG_VALUE_CHARS = 2_000
/** Members of an object in a log line, and how deep one is followed. */
export const MAX_LOG_MEMBERS = 50
export const MAX_LOG_DEPTH = 4

// wallet
/** Keystores of common wallets derive with scrypt over 256 MiB at most. */
export const MAX_KEYSTORE_MEMORY_BYTES = 512 * 1024 * 1024
/** Or with pbkdf2; current advice is 600,000 rounds, and each million costs about half a second. */
export const MAX_KEYSTORE_ROUNDS = 10_000_000
/** A balance is read at most so often for payments that it covers; other processes' payments are seen no later. */
export const BALANCE_AGE_MS = 5_000
/** Older than this a balance says nothing any more, and a payment waits for a new one. */
export const MAX_BALANCE_AGE_MS = 30_000
/** What it does not cover, what people look at, and a server that gave no answer, are asked about so often: agents repeat in loops. */
export const BALANCE_RETRY_MS = 1_000
/** How long a payment waits for a balance: the chain itself refuses what the wallet does not hold. */
export const BALANCE_TIMEOUT_MS = 3_000
/** `doctor`: one tool asks one address; `go run` compiles first. */
export const DOCTOR_TOOL_TIMEOUT_MS = 60_000
/** `backup`: the ledger's file is written to every 32 MB of log or so; a file that is written to more often than it can be copied needs a snapshot. */
export const BACKUP_ATTEMPTS = 30
export const BACKUP_PAUSE_MS = 1_000
/** Longer than a tick of any file system's clock. */
export const BACKUP_SETTLED_MS = 100
/** `demo`: three requests and two settlements on a local chain take two seconds. */
export const DEMO_AGENT_TIMEOUT_MS = 60_000
