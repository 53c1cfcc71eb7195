/** Sessions: opened, looked at, topped up, closed, revoked. */
import { createRoute, z } from '@hono/zod-openapi'
import { refused } from '../errors.ts'
import type { Session } from '../session/session.ts'
import { type SessionRequest, sessionRequestSchema } from '../session/spec.ts'
import { mintToken } from '../session/token.ts'
import { amount, duration, positiveDuration } from '../session/values.ts'
import { describedBody, readBody } from './body.ts'
import { Channels, channelsOf } from './channels-view.ts'
import type { AdminDeps } from './deps.ts'
import { adminKey, KeyHeader } from './idempotency.ts'
import { openAsked } from './open-asked.ts'
import { outerCeilingView } from './outer-ceiling.ts'
import { listOf, PageQuery, pageRequest, present } from './pages.ts'
import { type AdminApp, allow, body, IdParam, json, PROBLEMS, READERS } from './router.ts'
import { SummaryView, summarize } from './session-summary.ts'
import { isoTime, SessionView, sessionView } from './views.ts'

const OpenedSession = SessionView.extend({ token: z.string(), proxyUrl: z.string() }).openapi('OpenedSession')
const ShownSession = SessionView.extend(Channels.shape).openapi('ShownSession')
const ClosedSession = ShownSession.extend({ summary: SummaryView }).openapi('ClosedSession')

export const MintBody = z.strictObject({ ttl: positiveDuration.optional() })
export const MintedToken = z.object({ token: z.string(), expiresAt: z.iso.datetime() }).openapi('MintedToken')

const TopUp = z.strictObject({
  amount: amount.refine((by) => by > 0n, { error: 'must be more than nothing' }),
  extend: duration.optional(),
})

const Filter = z.strictObject({ parent: z.string().optional(), ...PageQuery })

const open = createRoute({
  method: 'post',
  path: '/v1/sessions',
  summary: 'Open a session, or with a parent a narrower child of it; the token is shown only here',
  ...allow('operator'),
  request: { headers: KeyHeader, body: describedBody(sessionRequestSchema) },
  responses: { 201: json(OpenedSession, 'The session, its token and the proxy URL for its agent'), ...PROBLEMS },
})

const mint = createRoute({
  method: 'post',
  path: '/v1/sessions/{id}/token',
  summary: 'A further token of this session as a JWT, verified offline, for a shorter time where wanted',
  ...allow('operator'),
  request: { params: IdParam, body: body(MintBody) },
  responses: { 201: json(MintedToken, 'The token'), ...PROBLEMS },
})

const list = createRoute({
  method: 'get',
  path: '/v1/sessions',
  summary: 'Sessions, newest first',
  ...allow(...READERS),
  request: { query: Filter },
  responses: { 200: json(listOf(SessionView), 'One page'), ...PROBLEMS },
})

const show = createRoute({
  method: 'get',
  path: '/v1/sessions/{id}',
  summary: 'One session with its balance',
  ...allow(...READERS),
  request: { params: IdParam },
  responses: { 200: json(ShownSession, 'The session, with its payment channels'), ...PROBLEMS },
})

const close = createRoute({
  method: 'post',
  path: '/v1/sessions/{id}/close',
  summary: 'Stop new payments, of all sessions below it too; answers closing while an outcome is open',
  ...allow('operator'),
  request: { params: IdParam },
  responses: { 200: json(ClosedSession, 'The session with what became of its money'), ...PROBLEMS },
})

const revoke = createRoute({
  method: 'post',
  path: '/v1/sessions/{id}/revoke',
  summary: 'Stop the session, all below it and all their traffic, for good',
  ...allow('operator'),
  request: { params: IdParam },
  responses: { 200: json(SessionView, 'The session'), ...PROBLEMS },
})

const topUp = createRoute({
  method: 'post',
  path: '/v1/sessions/{id}/topup',
  summary: 'Add to the cap and, if wanted, to the lifetime',
  ...allow('operator'),
  request: { params: IdParam, headers: KeyHeader, body: body(TopUp) },
  responses: { 200: json(SessionView, 'The session'), ...PROBLEMS },
})

export function registerSessions(app: AdminApp, deps: AdminDeps): void {
  const { ledger, clock, wallet } = deps
  const view = (session: Session) => viewOf(session, deps)

  app.openapi(open, async (context) => {
    const key = await adminKey(context, context.req.valid('header')['idempotency-key'])
    const asked = await readBody(context.req, sessionRequestSchema)
    const session = await openAsked(asked, deps, key)
    return context.json(await openedView(session, deps, asked.tokenFormat), 201)
  })
  app.openapi(mint, async (context) => {
    const session = await sessionNamed(context.req.valid('param').id, deps)
    return context.json(await mintFor(session, deps, context.req.valid('json').ttl), 201)
  })
  app.openapi(list, async (context) => {
    const { limit, cursor, ...filter } = context.req.valid('query')
    const { items, next } = await ledger.sessions(pageRequest({ limit, cursor }), present(filter))
    return context.json({ items: await Promise.all(items.map((one) => viewOf(one, { clock, wallet }))), next }, 200)
  })
  app.openapi(show, async (context) => {
    const session = await sessionNamed(context.req.valid('param').id, deps)
    return context.json({ ...(await view(session)), ...(await channelsOf(session.id, deps)) }, 200)
  })
  app.openapi(close, async (context) => {
    const { id } = await sessionNamed(context.req.valid('param').id, deps)
    const closed = await ledger.close(id)
    const shown = { ...(await view(closed)), ...(await channelsOf(id, deps)) }
    return context.json({ ...shown, summary: await summarize(ledger, closed) }, 200)
  })
  app.openapi(revoke, async (context) => {
    const { id } = await sessionNamed(context.req.valid('param').id, deps)
    const revoked = await ledger.revoke(id)
    deps.onRevoked(id)
    return context.json(await view(revoked), 200)
  })
  app.openapi(topUp, async (context) => {
    const { id } = await sessionNamed(context.req.valid('param').id, deps)
    const { amount: by, extend = 0 } = context.req.valid('json')
    const key = await adminKey(context, context.req.valid('header')['idempotency-key'])
    return context.json(await view(await ledger.topUp(id, { amount: by, extend_ms: extend }, key)), 200)
  })
}

/**
 * A token of this session that can be verified offline, and ends sooner where `ttl_ms` says so.
 * @throws PurserError `conflict` where the session has ended
 */
export async function mintFor(
  session: Session,
  { clock, jwts }: Pick<AdminDeps, 'clock' | 'jwts'>,
  ttl_ms?: number,
): Promise<z.infer<typeof MintedToken>> {
  if (!jwts) throw refused('request_invalid', 'tokenFormat: this Purser has no key for JWTs.')
  const now = clock.now()
  if (session.status !== 'open' || now >= session.expiresAt) throw refused('conflict', `Session ${session.id} has ended; open a new one.`)
  const token = await jwts.mint(session, { now, ...(ttl_ms === undefined ? {} : { ttl_ms }) })
  const end = ttl_ms === undefined ? session.expiresAt : Math.min(session.expiresAt, now + ttl_ms)
  return { token, expiresAt: isoTime(end) }
}

/** @throws PurserError `not_found` */
async function sessionNamed(id: string, { ledger }: Pick<AdminDeps, 'ledger'>): Promise<Session> {
  const session = await ledger.session(id)
  if (!session) throw refused('not_found', `There is no session ${id}.`)
  return session
}

type ViewDeps = Pick<AdminDeps, 'clock' | 'wallet' | 'holdings' | 'outerCeiling' | 'fundingOf'>

/** The session as JSON. A wallet that is no longer configured leaves its address empty. */
export async function viewOf(session: Session, { clock, wallet, holdings, outerCeiling, fundingOf }: ViewDeps): Promise<SessionView> {
  const address = await wallet.address(session.wallet).catch(() => null)
  const [balance, free] = address === null ? [] : await Promise.all([holdings?.(session), outerCeiling?.(session)])
  const funding = await fundingOf?.(session)
  const view = sessionView(session, { now: clock.now(), address, ...(balance && { balance }), ...(funding && { funding }) })
  return free === undefined ? view : { ...view, outerCeiling: outerCeilingView(session, { free, state: view.state }) }
}

/** With token and proxy URL, for whoever opened it. The token is derived from the id, so that a replayed creation answers the same one. */
export async function openedView(
  session: Session,
  deps: ViewDeps & Pick<AdminDeps, 'tokenSecret' | 'proxyUrl' | 'jwts'>,
  format: SessionRequest['tokenFormat'] = 'opaque',
): Promise<z.infer<typeof OpenedSession>> {
  const token = format === 'jwt' ? (await mintFor(session, deps)).token : mintToken(deps.tokenSecret, session.id)
  const { protocol, host } = new URL(deps.proxyUrl)
  return { ...(await viewOf(session, deps)), token, proxyUrl: `${protocol}//${session.id}:${token}@${host}` }
}
