/** Bounds around people, workloads and what runs wild; those of the payment flow stand in `limits.ts`. */

// guards against agents and recipients that run wild
/** Origins and requests that are watched; the least recently seen go first, some hundred bytes each. */
export const MAX_WATCHED = 10_000
/** Outcomes of one origin that its error rate is made of. */
export const MAX_CIRCUIT_OUTCOMES = 100
/** A loop that goes on is let through again after a second, then two, four …, at most this; people who mend its cause need not wait longer. */
export const MAX_LOOP_DELAY_MS = 60_000
/** The start of a session, which later payments are compared with: its first payments, or those of this share of its life. */
export const DRIFT_START_PAYMENTS = 10
export const DRIFT_START_SHARE = 0.1
/** Fewer payments than these show nothing. */
export const DRIFT_START_LEAST = 3
export const DRIFT_PACE_FACTOR = 4
/** A start with less than this between its payments was a burst, and shows no pace. */
export const DRIFT_STEADY_MS = 1_000
/** Links of `Purser-On-Behalf-Of`: pipelines plan, pay and execute; longer chains hide somebody. */
export const MAX_ON_BEHALF_OF = 10

// workload identity
/** Tokens of service accounts have 1 to 2 KB. */
export const MAX_IDENTITY_TOKEN_CHARS = 8 * 1024
/** A SPIFFE ID has at most 2,048 bytes; it stands in a label, and most have under a hundred. */
export const MAX_SUBJECT_CHARS = 500
/** Clocks of issuers differ from ours; what is accepted longer than it lives is accepted so much longer. */
export const IDENTITY_SKEW_S = 30
/** Keys that an issuer took back are believed for at most so long. */
export const IDENTITY_KEYS_LIFETIME_MS = 10 * 60_000
/** A token that names an unknown key has the keys read anew, at most so often: anybody can make such tokens up. */
export const IDENTITY_KEYS_COOLDOWN_MS = 30_000
export const MAX_IDENTITY_KEYS = 100
/** What the API server said of a token is believed for so long; a workload that loops must not flood it. */
export const IDENTITY_REVIEW_LIFETIME_MS = 10_000
/** Made-up tokens differ each time, so that no memory of them helps: more than these are not asked about at once. */
export const MAX_OPEN_REVIEWS = 16
export const IDENTITY_TIMEOUT_MS = 5_000
export const MAX_IDENTITY_ANSWER_BYTES = 256 * 1024
export const MAX_IDENTITY_ISSUERS = 20
/** Sessions that are minted just in time are short; a task that lasts longer asks for another one. */
export const MAX_WORKLOAD_TTL_MS = 24 * 3_600_000
/** Sessions that one workload may have open at once. */
export const MAX_WORKLOAD_SESSIONS = 100

// notices to people
/** One value that a person is shown, e.g. a URL; what is longer hides something. */
export const MAX_SHOWN_CHARS = 2_000
/** Text of agents and paid servers before people: a few sentences, no essay that buries the amount. */
export const MAX_SHOWN_TEXT_CHARS = 500
/** One attempt to tell somebody. Two of them fit into the shortest sensible veto window. */
export const NOTICE_TIMEOUT_MS = 10_000
/** A claim to deliver a notice: longer than one attempt, so that two processes never send it at once. */
export const NOTICE_LEASE_MS = 3 * NOTICE_TIMEOUT_MS
/** Between two looks for notices that are due; what this process queues is sent at once. */
export const NOTICE_INTERVAL_MS = 1_000
/** Notices sent at once. */
export const NOTICE_BATCH = 20
/** The first retry; each further one waits four times as long, at most an hour. */
export const NOTICE_RETRY_MS = 1_000
export const MAX_NOTICE_RETRY_MS = 3_600_000
/** With these delays some three hours, about as long as people are given to answer. */
export const MAX_NOTICE_ATTEMPTS = 9
/** Failed attempts at every address after which a veto window counts as told to nobody. */
export const UNDELIVERABLE_ATTEMPTS = 2
/** Topics of alerts about one agent within ten minutes; whoever was told of so many is looking at it already. */
export const MAX_ALERT_TOPICS = 10
/** A link in a notice works no longer than this, however long the approval may wait. */
export const LINK_LIFETIME_MS = 24 * 3_600_000
/** What Slack demands of its receivers: a signed request that is older may have been replayed. */
export const SLACK_TOLERANCE_MS = 5 * 60_000
/** Slack's interactions have some KB. */
export const MAX_SLACK_BODY_BYTES = 64 * 1024
/**
 * A veto window that nobody can be sent a notice of holds money, and its agent; whoever looks at the inbox, in a terminal
 * or a console that follows it, does so within this. Then a yes is needed instead.
 */
export const INBOX_START_MS = 10_000
/** How often a terminal that follows the inbox looks: several times within `INBOX_START_MS`. */
export const FOLLOW_MS = 2_000
/** From the claim of an approval to its reservation it takes milliseconds; a process that stood still for longer claims anew. */
export const CLAIM_TTL_MS = 30_000
/** A claim without a payment after this is given back: its process died. Longer than a claim by as much as clocks may differ. */
export const CLAIM_LOST_MS = 3 * CLAIM_TTL_MS
/** Whoever is told later than this before the end could not look at what they decide. */
export const MIN_ESCALATION_MS = 10_000
/** What people were told stands in the receipts; the messages themselves answer questions of the last weeks. */
export const NOTICE_RETENTION_MS = 30 * 24 * 3_600_000
/** Old notices are looked for so often, so many at once: a hundred thousand a day, more than anybody is told. */
export const NOTICE_FORGET_MS = 60_000
export const NOTICE_FORGET_BATCH = 100
/** An approval tells at most so many budget owners above its session. */
export const MAX_BUDGET_OWNERS = 8

// events for owners and for books
/** Notices for the books that wait at once, over all their receivers: half of a round, so that one that hangs never keeps people from being asked. */
export const MAX_BOOK_NOTICES = NOTICE_BATCH / 2
/** Receipts looked at in one step; most are not named by a receiver that names few types. */
export const BOOK_PAGE = 100
/** Between two steps while there is more: with ten notices a step, fifty a second. */
export const BOOK_STEP_MS = 200
/** Sessions whose owner and labels are remembered; labels never change. */
export const MAX_BOOK_SESSIONS = 1_000
/** What happened before anybody listens, at a start: what a crash left behind. Later ones are dropped; the books have them. */
export const MAX_EARLY_EVENTS = 100
/** Alerts that are looked up at once; more happen only in a storm, of which owners hear already. */
export const MAX_OPEN_ALERTS = 100
/** How often readiness is looked at, and how long it must stay changed before anybody is told: a commit that stalls is no outage. */
export const LEDGER_LOOK_MS = 1_000
export const LEDGER_DEBOUNCE_MS = 5_000
/** Straight from memory, after 1, 4, 16, 64 and 256 seconds: nothing can be queued while the ledger cannot be written. */
export const MAX_DIRECT_ATTEMPTS = 6

// the operators' console
/** A browser that nobody uses is signed out after this; whoever approves from a phone looks more often. */
export const SIGN_IN_IDLE_MS = 60 * 60_000
/** A working day; then a token, or the provider, is asked again. */
export const SIGN_IN_LIFETIME_MS = 12 * 3_600_000
/** Browsers signed in at once, some hundred bytes each; the least recently used goes first. */
export const MAX_SIGN_INS = 1_000
/** Of one token or person, so that nobody can sign everybody else out. */
export const MAX_SIGN_INS_OF_ONE = 10
/** Wrong tokens from one address within the span after which it is let in again. Honest people mistype less often. */
export const MAX_WRONG_SIGN_INS = 10
export const WRONG_SIGN_IN_MS = 60_000
/** Addresses whose wrong tokens are counted; the least recently seen go first. */
export const MAX_SIGN_IN_ADDRESSES = 10_000
/** From being sent to the provider to coming back: people look for their second factor. */
export const OIDC_TRIP_MS = 10 * 60_000
export const OIDC_TIMEOUT_S = 10
/** What the provider says of itself is believed for so long. */
export const OIDC_DISCOVERY_MS = 60 * 60_000
export const MAX_OIDC_ROLES = 100
/** The built console has about ten files of 200 KB in all. */
export const MAX_CONSOLE_FILES = 200
export const MAX_CONSOLE_BYTES = 8 * 1024 * 1024
/** Steps of the plot, and tiers that have a line of their own in it; further ones share one. */
export const OVERVIEW_HOUR_STEPS = 60
export const OVERVIEW_DAY_STEPS = 48
export const MAX_OVERVIEW_TIERS = 12
export const MAX_OVERVIEW_REFUSALS = 20
export const OVERVIEW_NEWEST = 10
/** Newest sessions among which open budgets are looked for, and those that are shown. */
export const OVERVIEW_SESSIONS = 200
export const OVERVIEW_BUDGETS = 12
/** An overview is made once for all who look within this; a day costs more than an hour. */
export const OVERVIEW_HOUR_LIFETIME_MS = 2_000
export const OVERVIEW_DAY_LIFETIME_MS = 20_000
/** Receipts that one payment's story is told from. Honest payments have two to five. */
export const MAX_STORY_RECEIPTS = 200
/** Recipients in one page, and the newest payments that one recipient is shown by. */
export const MAX_PROFILES = 200
export const DEFAULT_PROFILES = 50
export const MAX_PROFILE_PAYMENTS = 200

// agents' tools
/** Hosts, categories, tools and users under a `*`, the most used of each session: a model reads them. What a limit names is always shown. */
export const MAX_SHOWN_LIMIT_USES = 50
/** `explain_refusal` without an id looks through so many of a session's newest payments: five pages, and a refusal is asked about soon. */
export const MAX_EXPLAINED_PAYMENTS = 5_000

// traces, which people look at
/** Spans that wait to be sent; about ten a payment, and 2 MB in all. What comes on top is dropped: traces are for looking, receipts are the record. */
export const MAX_QUEUED_SPANS = 2_048
export const MAX_SPANS_IN_A_BATCH = 512
/** A span has about twenty of them. */
export const MAX_SPAN_ATTRIBUTES = 64
export const TRACE_EXPORT_INTERVAL_MS = 5_000
/** A collector asks for one or two; this is not for more. */
export const MAX_TRACE_HEADERS = 10
/** A drain waits no longer for a collector that does not answer. */
export const TRACE_EXPORT_TIMEOUT_MS = 3_000
