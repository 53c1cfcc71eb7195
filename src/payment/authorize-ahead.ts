/**
 * Authorizing ahead: a payment that is only described is judged as the payment flow would judge it. It spends nothing and
 * holds nothing; it leaves its record under an audit id and, where the tier wants people, asks them. Behind
 * `POST /v1/authorize` and the library, so that both answer as the proxy would.
 */
import { prohibitedAlert } from '../approval/alert.ts'
import type { Approval } from '../approval/approval.ts'
import { placeShown } from '../approval/text.ts'
import { type Code, PurserError, type Refusal } from '../errors.ts'
import type { Context } from '../ledger/context.ts'
import type { Decision } from '../policy/decision.ts'
import type { AheadDeps, AheadRequest, AheadStatus, AuthorizeAhead, Authorized } from './ahead.ts'
import { aheadDigest, aheadShown, attemptAhead, writeApproved } from './ahead-record.ts'
import { judgeAhead } from './ahead-verdict.ts'

/** @returns what answers one request at a time where it is standalone, so that no two take the last place of a frequency. */
export function createAuthorizeAhead(deps: AheadDeps): AuthorizeAhead {
  let last: Promise<unknown> = Promise.resolve()
  const authorize = (request: AheadRequest) => authorizeAhead(deps, request)
  if (!deps.standalone) return authorize
  return (request) => {
    const next = last.then(
      () => authorize(request),
      () => authorize(request),
    )
    last = next
    return next
  }
}

const STATUS: Readonly<Record<Decision['kind'], AheadStatus>> = {
  allow: 'approved',
  notify: 'awaiting_veto',
  ask: 'awaiting_approval',
  deny: 'refused',
}
const BLOCKED: ReadonlySet<Code> = new Set<Code>(['tier_prohibited', 'recipient_blocked'])

async function authorizeAhead(deps: AheadDeps, request: AheadRequest): Promise<Authorized> {
  const verdict = await judgeAhead(deps, request)
  const { decision } = verdict
  const { tier, reason, policyVersion } = decision
  const said = { tier, reason, policyVersion }
  if (request.dryRun) return { ...said, ...outcomeOf(decision), auditId: null }
  const auditId = await deps.auditIds()
  const attempt = attemptAhead(deps, request, { ...verdict, context: { auditId } })
  const refuse = async (refusal: Refusal, status: AheadStatus): Promise<Authorized> => {
    const { paymentId = '' } = await deps.ledger.refuse(attempt, refusal)
    if (refusal.code === 'tier_prohibited') await alertOwner(deps, request, { attempt, paymentId })
    return { ...said, status, reason: refusal.detail, code: refusal.code, auditId }
  }
  if (decision.kind === 'deny') return refuse({ code: decision.code, detail: reason }, outcomeOf(decision).status)
  if (decision.kind === 'allow') return { ...said, ...(await approve(deps, attempt)), auditId }
  const past = deps.standalone ? await decided(deps, request) : undefined
  if (past?.state === 'used') {
    const claimed = attemptAhead(deps, request, { ...verdict, context: { auditId, ...evidenceOf(past) } })
    return { ...said, ...(await approveOn(deps, past, claimed)), auditId, approvalId: past.id }
  }
  if (past) return { ...(await refuse(refusalBy(past, reason), 'refused')), approvalId: past.id }
  const approval = await put(deps, request, { decision, attempt })
  await deps.ledger.refuse(attempt, { code: 'approval_pending', detail: reason })
  return { ...said, status: approval ? statusBy(approval) : 'awaiting_veto', auditId, ...(approval && { approvalId: approval.id }) }
}

interface Prohibited {
  readonly attempt: ReturnType<typeof attemptAhead>
  readonly paymentId: string
}

async function alertOwner({ policy, alert, clock }: AheadDeps, { session, recipient }: AheadRequest, refused: Prohibited): Promise<void> {
  const { tier, reason, host, url, terms } = refused.attempt
  if (policy().tiers.find(({ name }) => name === tier)?.alert !== 'immediate_to_owner') return
  const prohibited = {
    ...{ type: 'payment.prohibited' as const, paymentId: refused.paymentId, sessionId: session.id, agent: session.agent },
    ...{ owner: session.owner, tier, reason, host: placeShown({ url, host, payTo: recipient }), url, payTo: recipient },
    ...{ amount: terms.amount, currency: terms.currency },
  }
  await alert(prohibitedAlert(prohibited, clock.now()))
}

function outcomeOf(decision: Decision): Pick<Authorized, 'status' | 'code'> {
  if (decision.kind !== 'deny') return { status: STATUS[decision.kind] }
  return { status: BLOCKED.has(decision.code) ? 'blocked' : 'refused', code: decision.code }
}

/** A window that nobody can be told of is an approval. */
function statusBy({ kind }: Approval): AheadStatus {
  return kind === 'veto' ? 'awaiting_veto' : 'awaiting_approval'
}

/** Caps, limits and the kill switch refuse as they would refuse the payment. */
async function approve(deps: AheadDeps, attempt: ReturnType<typeof attemptAhead>): Promise<Pick<Authorized, 'status' | 'code' | 'reason'>> {
  const refusal = await writeApproved(deps, attempt)
  return refusal ? { status: 'refused', code: refusal.code, reason: refusal.detail } : { status: 'approved', reason: attempt.reason }
}

/** As `approve`, on what people agreed to; where nothing came of it, that is given back. */
async function approveOn(deps: AheadDeps, claim: Approval, attempt: ReturnType<typeof attemptAhead>): ReturnType<typeof approve> {
  let approved = false
  try {
    const answer = await approve(deps, attempt)
    approved = answer.status === 'approved'
    return answer
  } finally {
    if (!approved) await deps.approvals.unclaim(claim)
  }
}

/** What people said to the same request: claimed as `used`, or a no that is told once; undefined where they have to be asked. */
async function decided(deps: AheadDeps, request: AheadRequest): Promise<Approval | undefined> {
  const { session } = request
  const digest = aheadDigest(request)
  // No payment waits for the end of this window: whoever asks again ends it, where it has ended.
  const running = await pendingOf(deps, request)
  if (running?.kind === 'veto') await deps.approvals.closeWindow(running.id, false)
  const claimed = await deps.approvals.claim(session.id, digest)
  if (claimed) return claimed
  const { items } = await deps.approvals.approvals({ session: session.id, digest }, { limit: 1 })
  const [newest] = items
  if (!newest || !['denied', 'vetoed', 'expired'].includes(newest.state)) return undefined
  const untold = await deps.ledger.approvals.useOnce(`told:${newest.id}`, deps.clock.now() + TOLD_MS)
  return untold ? newest : undefined
}

async function pendingOf({ approvals }: AheadDeps, request: AheadRequest): Promise<Approval | undefined> {
  const filter = { session: request.session.id, digest: aheadDigest(request), state: 'pending' } as const
  const { items } = await approvals.approvals(filter, { limit: 1 })
  return items[0]
}

/** Longer than anybody waits with the same request. */
const TOLD_MS = 30 * 86_400_000

function refusalBy({ state, votes }: Approval, reason: string): Refusal {
  const no = votes.find(({ verdict }) => verdict === 'deny')
  const words = no && no.reason !== '' ? ` ${no.person} said: ${JSON.stringify(no.reason)}.` : ''
  if (state === 'vetoed') return { code: 'vetoed', detail: `A person vetoed it.${words}` }
  if (state === 'denied') return { code: 'approval_denied', detail: `A person refused it.${words}` }
  return { code: 'approval_expired', detail: `Nobody approved it in time. ${reason}` }
}

function evidenceOf({ id, digest, votes }: Approval): Pick<Context, 'approval'> {
  const yes = votes.filter(({ verdict }) => verdict === 'approve')
  return { approval: { id, digest, votes: yes.map(({ person, channel, at, reason }) => ({ person, channel, at, reason })) } }
}

interface Put {
  readonly decision: Extract<Decision, { kind: 'ask' | 'notify' }>
  readonly attempt: ReturnType<typeof attemptAhead>
}

/** A veto window belongs to reserved money; where a payment follows, that payment opens it. */
async function put(deps: AheadDeps, request: AheadRequest, { decision, attempt }: Put): Promise<Approval | undefined> {
  const { session, requester } = request
  const shown = aheadShown(request, attempt)
  const base = { sessionId: session.id, agent: session.agent, ...(requester !== undefined && { requester }), shown }
  const left_ms = session.expiresAt - deps.clock.now()
  if (left_ms <= 0) throw new PurserError({ code: 'session_expired', detail: 'The session has expired.' })
  if (decision.kind === 'ask') {
    return deps.approvals.ask({ ...base, required: decision.approvers, timeout_ms: Math.min(decision.timeout_ms, left_ms) })
  }
  if (!deps.standalone) return undefined
  return (
    (await pendingOf(deps, request)) ??
    deps.approvals.openWindow({ ...base, paymentId: deps.ids('pay'), length_ms: decision.vetoWindow_ms })
  )
}
