/**
 * The funder: brings one session's address one step further. A move is in the journal before anything of it is signed, is
 * `sent` there before a byte of it leaves, and is over only when a final block shows it or shows that it never can be.
 * There is one at a time for each session, and its nonce is its own: sent twice, the token takes it once.
 */
import type { Chain, ChainFinding } from '../chain/chain.ts'
import type { Clock } from '../clock.ts'
import {
  FUNDING_LAST_LOOK_MS,
  FUNDING_POLL_MS,
  FUNDING_RESEND_MS,
  FUNDING_REST_MS,
  FUNDING_RETRY_MS,
  FUNDING_WINDOW_S,
} from '../funding-limits.ts'
import { type FundedAccount, type Funding, type FundingProgress, type FundingStore, fundingId, NEVER } from '../ledger/fundings.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { nextRefill } from '../session/refill.ts'
import type { Session } from '../session/session.ts'
import type { Events } from '../telemetry/events.ts'
import { passing } from '../waypoints.ts'
import { hasEnded, type Next, nextInflow, nextOutflow } from './plan.ts'
import type { Treasury } from './treasury.ts'

export interface FunderDeps {
  readonly ledger: Pick<Ledger, 'session' | 'heldBy'>
  readonly store: FundingStore
  readonly chain: Pick<Chain, 'find' | 'balance'>
  readonly clock: Pick<Clock, 'now'>
  readonly events: Pick<Events, 'warned' | 'fundingEnded'>
  readonly treasury: Treasury
}

/** When to look at the account again, and since when its session is over. */
export interface Verdict {
  readonly dueAt: number
  readonly endedAt: number | null
}

export type Attend = (account: FundedAccount) => Promise<Verdict>

/** @returns looks at an account that the caller has claimed. @throws Error where network or ledger cannot be asked: look again later */
export function createFunder(deps: FunderDeps): Attend {
  const { ledger, store, clock } = deps
  return async (account) => {
    const session = await ledger.session(account.sessionId)
    const now = clock.now()
    if (!session) return unopened(account, now)
    const isOver = hasEnded(session, now)
    const place = { account: { ...account, endedAt: isOver ? (account.endedAt ?? now) : null }, session }
    const fundings = await store.fundings(session.id)
    const open = fundings.find(({ state }) => state === 'planned' || state === 'sent')
    const wait_ms = await (open ? pursue(deps, place, open) : begin(deps, place, fundings))
    return { dueAt: wait_ms === 'never' ? NEVER : now + wait_ms, endedAt: place.account.endedAt }
  }
}

interface Place {
  readonly session: Session
  readonly account: FundedAccount
}

type Wait = number | 'never'

/** The account is kept before its session is opened, which then failed, or is about to succeed. */
function unopened({ endedAt }: FundedAccount, now: number): Verdict {
  const since = endedAt ?? now
  return { dueAt: now - since > FUNDING_REST_MS ? NEVER : now + FUNDING_RETRY_MS, endedAt: since }
}

async function begin(deps: FunderDeps, place: Place, fundings: readonly Funding[]): Promise<Wait> {
  const { clock, events } = deps
  const next = await nextOf(deps, place, fundings)
  if (next.kind === 'wait') return FUNDING_RETRY_MS
  if (next.kind === 'rest') return restOf(place, clock.now())
  const [from, to] = await endsOf(deps.treasury, place.session.id, next.kind)
  const { network, address: token } = deps.treasury.asset
  const named = { sessionId: place.session.id, number: (fundings.at(-1)?.number ?? 0) + 1 }
  const planned = { ...named, ...next, network, token, from, to, nonce: deps.treasury.nonceOf(named), plannedAt: clock.now() }
  if (!(await deps.store.plan(planned))) events.warned(`${fundingId(named)} was planned by somebody else; that one counts.`)
  passing('funding planned')
  return 0
}

async function nextOf(
  { ledger, chain, treasury: { asset }, clock }: FunderDeps,
  place: Place,
  fundings: readonly Funding[],
): Promise<Next> {
  const { session, account } = place
  if (account.endedAt === null) return nextInflow(session, fundings, asset)
  const { network, address: token } = asset
  const held = await ledger.heldBy({ network, token, payer: account.address })
  const balance = await chain.balance({ network, token, wallet: account.address })
  return nextOutflow({ session, account, fundings, asset, balance, held, now: clock.now() })
}

/** A session that goes on is looked at when something about it can have changed; after its end, less and less often. */
function restOf({ session, account }: Place, now: number): Wait {
  if (account.endedAt === null) return Math.min(FUNDING_REST_MS, session.expiresAt - now, (nextRefill(session) ?? NEVER) - now)
  const past = now - account.endedAt
  return past > FUNDING_LAST_LOOK_MS ? 'never' : Math.max(FUNDING_RETRY_MS, past)
}

async function endsOf(treasury: Treasury, sessionId: string, kind: Funding['kind']): Promise<[from: string, to: string]> {
  const own = await treasury.addressOf(sessionId)
  return kind === 'sweep' ? [own, treasury.address] : [treasury.address, own]
}

/** One that is not over yet goes on before anything else moves. */
async function pursue(deps: FunderDeps, place: Place, open: Funding): Promise<Wait> {
  return open.state === 'planned' ? start(deps, place, open) : follow(deps, open)
}

/** No byte of it has left: where it is not wanted any more, it is over for certain. */
async function start(deps: FunderDeps, place: Place, planned: Funding): Promise<Wait> {
  const unwanted = await whyUnwanted(deps, place, planned)
  if (unwanted !== undefined) return fail(deps, planned, unwanted)
  const { network, token, from, amountAtomic } = planned
  if ((await deps.chain.balance({ network, token, wallet: from })) < amountAtomic) return lacking(deps, planned)
  const now_s = Math.floor(deps.clock.now() / 1000)
  const window = { signedAt_s: now_s, validBefore_s: now_s + FUNDING_WINDOW_S }
  return hand(deps, { ...planned, ...window, reason: null }, 'planned')
}

async function whyUnwanted({ treasury }: FunderDeps, { session, account }: Place, planned: Funding): Promise<string | undefined> {
  const [from, to] = await endsOf(treasury, session.id, planned.kind)
  const { network, address } = treasury.asset
  const isSame = planned.network === network && planned.token === address && planned.from === from && planned.to === to
  if (!isSame) return 'The treasury is another one by now. Nothing was sent.'
  if (planned.kind === 'sweep') return account.endedAt === null ? 'The session goes on. Nothing was sent.' : undefined
  return account.endedAt === null ? undefined : 'The session ended before it was sent.'
}

/** Told once, until there is enough. A sweep of more than there is was planned on another balance, and is planned anew. */
async function lacking(deps: FunderDeps, planned: Funding): Promise<Wait> {
  if (planned.kind === 'sweep') return fail(deps, planned, 'The address holds less by now. Nothing was sent.')
  const { from, network, amountAtomic } = planned
  const reason = `The treasury ${from} has too little of ${deps.treasury.asset.symbol} on ${network}; ${amountAtomic} units are needed.`
  await tell(deps, planned, reason)
  return FUNDING_RETRY_MS
}

/** Kept for whoever looks at the session, and warned of where it is not what was said last. */
async function tell({ store, events }: FunderDeps, funding: Funding, reason: string, cause?: unknown): Promise<void> {
  if (funding.reason === reason) return
  await store.advance(funding, funding.state, { ...funding, reason })
  events.warned(`${fundingId(funding)} waits. ${reason}`, cause)
}

/** In the journal as sent first; then the very same move goes out, whether for the first time or again. */
async function hand(deps: FunderDeps, funding: Funding, from: 'planned' | 'sent'): Promise<Wait> {
  const { validBefore_s } = funding
  if (validBefore_s === null) throw new Error(`${fundingId(funding)} has no window`)
  const sent = { ...funding, state: 'sent', sentAt: deps.clock.now() } as const
  if (!(await deps.store.advance(funding, from, sent))) return 0
  passing('funding noted')
  try {
    await deps.treasury.send({ ...sent, validBefore_s })
  } catch (fault) {
    await tell(deps, sent, 'It could not be handed in; the same move is handed in again while it is good.', fault)
  }
  passing('funding sent')
  return FUNDING_POLL_MS
}

/** What was sent is over when a final block says so. */
async function follow(deps: FunderDeps, sent: Funding): Promise<Wait> {
  const finding = await look(deps, sent)
  switch (finding.kind) {
    case 'settled':
      return end(deps, sent, { state: 'done', transaction: finding.transaction, reason: null })
    case 'dead':
      return fail(deps, sent, 'It was in no block while it was good, and never can be.')
    case 'cancelled':
    case 'used_otherwise':
      return fail(deps, sent, `Its nonce was used otherwise, in transaction ${finding.transaction}.`)
    case 'unavailable':
      await tell(deps, sent, `The chain cannot tell what became of it: ${finding.reason}`)
      return FUNDING_RETRY_MS
    case 'open':
      return goOn(deps, sent, finding.seen?.transaction ?? null)
  }
}

/** In a block, but not in a final one; or in none yet. */
async function goOn(deps: FunderDeps, sent: Funding, transaction: string | null): Promise<Wait> {
  if (transaction !== sent.transaction) await deps.store.advance(sent, 'sent', { ...sent, transaction })
  const now = deps.clock.now()
  const late = now - (sent.sentAt ?? 0) >= FUNDING_RESEND_MS && now / 1000 < (sent.validBefore_s ?? 0)
  return transaction === null && late ? hand(deps, { ...sent, transaction }, 'sent') : FUNDING_POLL_MS
}

function look(
  { chain }: FunderDeps,
  { network, token, from, to, nonce, amountAtomic, validBefore_s, signedAt_s }: Funding,
): Promise<ChainFinding> {
  if (validBefore_s === null || signedAt_s === null) throw new Error('what was sent has a window')
  return chain.find({ network, token, payer: from, payTo: to, nonce, amountAtomic, validBefore_s, signedAt_s })
}

function fail(deps: FunderDeps, funding: Funding, reason: string): Promise<Wait> {
  return end(deps, funding, { state: 'failed', transaction: null, reason })
}

async function end(
  { store, clock, events, treasury: { asset } }: FunderDeps,
  funding: Funding,
  how: Pick<FundingProgress, 'state' | 'transaction' | 'reason'> & { readonly state: 'done' | 'failed' },
): Promise<Wait> {
  const { sessionId, kind, network, amountAtomic } = funding
  if (!(await store.advance(funding, funding.state, { ...funding, ...how, endedAt: clock.now() }))) return 0
  events.fundingEnded({ fundingId: fundingId(funding), sessionId, kind, network, asset: asset.symbol, amountAtomic, ...how })
  return 0
}
