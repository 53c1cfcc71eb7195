/**
 * The catalogue of everything that Purser can answer instead of a resource. Each entry says what happened (title),
 * with which status, and what to do next; `docs/errors.md` explains each, and a test holds the two together.
 * A refusal is a value; `PurserError` carries one where control has to leave a function.
 */
interface Entry {
  readonly status: number
  readonly title: string
  /** True where repeating the very same request can neither pay twice nor make anything worse. */
  readonly retrySafe: boolean
  /** A sentence that an agent can follow. */
  readonly nextAction: string
}

const entry = (status: number, title: string, retrySafe: boolean, nextAction: string): Entry => ({ status, title, retrySafe, nextAction })

const ASK_OPERATOR = 'Ask the operator of this proxy'
const CATALOGUE = {
  payment_header_forbidden: entry(
    400,
    'The request carried a payment header of its own',
    true,
    'Repeat the request without payment headers; the proxy pays for you.',
  ),
  request_invalid: entry(400, 'The request could not be read', true, 'Correct what the detail names and ask again.'),
  session_required: entry(
    407,
    'No session: no payment, no passage',
    true,
    'Send the session id and token as proxy credentials, or the token in Purser-Session; an operator opens one with `purser session open`.',
  ),
  session_invalid: entry(
    407,
    'The session credentials are not valid',
    true,
    'Check the session id and token; a token is shown only once, when the session is opened.',
  ),
  unauthorized: entry(
    401,
    'A valid admin token is needed',
    true,
    'Send Authorization: Bearer <token>, with the token from the data folder or from `purser token create`.',
  ),
  too_many_attempts: entry(
    429,
    'Too many wrong tokens from this address',
    true,
    'Wait for Retry-After, then sign in with the right token.',
  ),
  forbidden: entry(403, 'These credentials may not do this', true, 'Use a token with the role that the detail names.'),
  archive_unavailable: entry(
    410,
    'This record has left for an archive file that cannot be read',
    true,
    'Put the file that the detail names back into the archive’s folder, as it was, and ask again.',
  ),
  not_found: entry(404, 'There is no such thing here', true, 'Check the id or the path.'),
  session_expired: entry(403, 'The session has expired', true, `${ASK_OPERATOR} for a new session.`),
  session_closed: entry(403, 'The session is closed', true, `${ASK_OPERATOR} for a new session.`),
  session_revoked: entry(403, 'The session was revoked', true, 'Stop: this session forwards nothing any more. A person revoked it.'),
  session_exhausted: entry(
    403,
    'Nothing remains of the session’s budget',
    true,
    'Ask the owner whom the detail names for `purser session topup`, or wait until resetsAt where there is one; unpaid requests still pass.',
  ),
  spending_limit_exceeded: entry(
    403,
    'The payment does not fit into the session’s budget',
    true,
    'Buy something that costs less, or ask the owner whom the detail names for `purser session topup`.',
  ),
  per_payment_limit_exceeded: entry(
    403,
    'The payment is larger than a single payment may be',
    true,
    'Buy something that costs less, or ask for a session with a larger limit per payment.',
  ),
  recipient_limit_exceeded: entry(
    403,
    'The limit for this recipient is reached',
    true,
    'Use another provider, or ask for a session with a larger limit for this recipient.',
  ),
  category_limit_exceeded: entry(
    403,
    'The limit for this category is reached',
    true,
    'Go on without it, or ask for a session with a larger limit for this category.',
  ),
  tool_limit_exceeded: entry(
    403,
    'The limit for this tool is reached',
    true,
    'Go on without this tool, or ask for a session with a larger limit for it.',
  ),
  user_limit_exceeded: entry(
    403,
    'The limit for this user is reached',
    true,
    'Tell the user, or ask for a session with a larger limit for them.',
  ),
  window_limit_exceeded: entry(403, 'Too much was spent in this span of time', true, 'Wait until resetsAt and ask again.'),
  payment_count_exceeded: entry(403, 'The session has made as many payments as it may', true, `${ASK_OPERATOR} for a new session.`),
  step_budget_exceeded: entry(
    403,
    'The task has taken as many steps as it may',
    true,
    'Finish the task with what it has, or ask for a session with a larger step budget.',
  ),
  request_ceiling_exceeded: entry(403, 'It costs more than this request allows', true, 'Raise Purser-Max-Amount if the price is worth it.'),
  payment_not_allowed: entry(403, 'This request must not pay', true, 'Send the request without Purser-Pay: never if it may cost money.'),
  tier_prohibited: entry(403, 'The policy prohibits this payment', false, 'Do not try to buy this another way. The attempt was recorded.'),
  no_tier_matches: entry(
    403,
    'No tier of the policy allows this payment',
    true,
    `${ASK_OPERATOR} to list the recipient or the category, or wait until resetsAt where there is one; the detail says what did not match.`,
  ),
  justification_required: entry(
    403,
    'The policy wants to know more about this payment',
    true,
    'Send the request again with the headers that the detail names.',
  ),
  price_drift: entry(
    403,
    'It costs much more than it used to',
    false,
    `Use another provider, or ${ASK_OPERATOR.toLowerCase()} whether the new price is right.`,
  ),
  frequency_exceeded: entry(403, 'Too many payments in this tier', true, 'Wait until resetsAt and ask again.'),
  out_of_scope: entry(
    403,
    'The payment is outside what the session is for',
    true,
    'Stay within the session’s scope, or ask for a session whose scope fits.',
  ),
  recipient_blocked: entry(403, 'The recipient is blocked', false, 'Use another provider. The attempt was recorded.'),
  recipient_changed: entry(
    403,
    'The recipient is not the one known for this origin',
    false,
    `${ASK_OPERATOR} to verify the new recipient.`,
  ),
  asset_unknown: entry(
    403,
    'The challenge asks for a token that is not known here',
    true,
    `${ASK_OPERATOR} to configure the asset if it is wanted.`,
  ),
  network_not_allowed: entry(
    403,
    'The challenge asks for a network that may not be used',
    true,
    `${ASK_OPERATOR} to list the network if it is wanted.`,
  ),
  scheme_not_supported: entry(403, 'The challenge asks for a way of paying that is not supported', true, 'Use another provider.'),
  plain_http_not_payable: entry(
    403,
    'Payments travel over verified TLS only',
    true,
    'Ask over https, or ask the operator to list the host in proxy.upgradeToHttps.',
  ),
  wallet_insufficient: entry(403, 'The wallet does not hold enough of this token', true, `${ASK_OPERATOR} to fund the wallet.`),
  circuit_open: entry(403, 'Payments to this recipient are paused after failures', true, 'Wait until resetsAt, or use another provider.'),
  loop_detected: entry(
    429,
    'The same request was refused or failed again and again',
    true,
    'Do something else about it; the same request is tried again after Retry-After at the earliest.',
  ),
  approval_pending: entry(
    403,
    'A person has to approve this payment',
    true,
    'Repeat the same request after Retry-After; that claims the approval.',
  ),
  approval_denied: entry(403, 'A person refused this payment', false, 'Do not repeat it; if they gave a reason, go by it.'),
  approval_expired: entry(403, 'Nobody approved the payment in time', true, 'Repeat the request to ask again, or go on without it.'),
  vetoed: entry(403, 'A person vetoed this payment', false, 'Do not repeat it; if they gave a reason, go by it.'),
  destination_not_allowed: entry(
    403,
    'The proxy does not connect to this destination',
    true,
    'Use a public address; private ones need proxy.unsafeAllowPrivateUpstreams.',
  ),
  purchase_in_progress: entry(409, 'The same purchase is being made right now', true, 'Repeat the same request after Retry-After.'),
  idempotency_key_reused: entry(
    409,
    'The Idempotency-Key was used for another request',
    true,
    'Use a fresh Idempotency-Key for a different request.',
  ),
  conflict: entry(409, 'The state does not allow this', true, 'Look at the current state and decide again.'),
  body_too_large_to_replay: entry(
    413,
    'The request body was too large to send a second time',
    true,
    'Repeat the request: bodies for this route are kept from now on, up to the bound in the detail.',
  ),
  host_mismatch: entry(421, 'CONNECT, SNI and Host do not name the same host', true, 'Use one connection for each host.'),
  challenge_invalid: entry(
    502,
    'The payment challenge is not valid',
    true,
    'Nothing was paid. Use another provider, or tell its operator.',
  ),
  upstream_unreachable: entry(
    502,
    'The upstream could not be reached',
    true,
    'Check the host name, or try again later; what the detail says of a parent proxy is for the operator of this proxy.',
  ),
  upstream_untrusted: entry(
    502,
    'The upstream’s certificate is not trusted',
    true,
    'Do not send anything to this host; tell the operator of this proxy.',
  ),
  payment_rejected: entry(
    502,
    'The upstream answered the payment with another 402',
    true,
    'Repeat the same request: it presents the same payment again and never pays twice.',
  ),
  payment_unknown: entry(
    502,
    'It is not known whether the payment moved money',
    true,
    'Repeat the same request: it presents the same payment again and never pays twice.',
  ),
  paid_not_delivered: entry(
    502,
    'The payment moved money but the resource was not delivered',
    false,
    'Do not buy it again; tell the operator, who can dispute it.',
  ),
  ledger_unavailable: entry(503, 'The ledger cannot be written, so nothing is paid', true, 'Try again later; unpaid requests still pass.'),
  wallet_unavailable: entry(503, 'The wallet cannot sign, so nothing is paid', true, 'Try again later; unpaid requests still pass.'),
  payments_halted: entry(503, 'A person has halted payments', true, 'Wait until an operator resumes payments; unpaid requests still pass.'),
  policy_changed: entry(
    503,
    'Another policy is in force by now, so nothing is paid',
    true,
    'Ask the operator of this proxy to restart it with the policy in force; unpaid requests still pass.',
  ),
  clock_skew: entry(503, 'The clock cannot be trusted, so nothing is signed', true, `${ASK_OPERATOR} to correct the machine’s clock.`),
  internal_error: entry(500, 'Purser made a mistake', true, 'Report it to the operator with the request’s time; nothing further was paid.'),
  upstream_timeout: entry(504, 'The upstream took too long', true, 'Try again later.'),
} as const satisfies Record<string, Entry>

export type Code = keyof typeof CATALOGUE
export const CODES = Object.keys(CATALOGUE) as readonly Code[]

/** The catalogue's entry for a code. */
export function describe(code: Code): Entry {
  return CATALOGUE[code]
}

/** What the money did, as far as is known. */
export type MoneyState = 'none' | 'held' | 'moved' | 'unknown'

/** What a task has bought so far: payments that moved money, or may have. Amounts are millionths of `currency`. */
export interface BoughtInTask {
  readonly count: number
  readonly amount: bigint
  readonly currency: string
  /** Where there are too many to be added up: `amount` is that of so many, the newest. */
  readonly amountOf?: number
  /** Newest first. */
  readonly latest: readonly {
    readonly paymentId: string
    /** URL without its query. */
    readonly resource: string
    readonly amount: bigint
    readonly state: string
    readonly delivered: boolean
  }[]
  /** Where each is listed. */
  readonly url: string
}

/** An expected "no", with all that its reader needs. Amounts are millionths of `currency`. */
export interface Refusal {
  readonly code: Code
  /** What happened, in one sentence that names the values. Never a secret, never text from a paid server. */
  readonly detail: string
  readonly moneyState?: MoneyState
  readonly retrySafe?: boolean
  readonly nextAction?: string
  readonly paymentId?: string
  readonly sessionId?: string
  readonly tier?: string
  readonly rule?: string
  readonly currency?: string
  readonly amount?: bigint
  readonly cap?: bigint
  readonly spent?: bigint
  readonly held?: bigint
  readonly remaining?: bigint
  /** Milliseconds since 1970. */
  readonly resetsAt?: number
  readonly retryAfter_s?: number
  readonly boughtInTask?: BoughtInTask
  readonly approvalUrl?: string
  /** Status where it depends on the door, e.g. 401 instead of 407 in reverse mode. */
  readonly status?: number
}

/** Carries a refusal out of a function. `cause` is for the log only. */
export class PurserError extends Error {
  override readonly name = 'PurserError'
  readonly refusal: Refusal
  constructor(refusal: Refusal, cause?: unknown) {
    super(`${refusal.code}: ${refusal.detail}`, { cause })
    this.refusal = refusal
  }
}

/** Short for throwing: `throw refused('not_found', 'no session ses_…')`. */
export function refused(code: Code, detail: string, cause?: unknown): PurserError {
  return new PurserError({ code, detail }, cause)
}
