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
