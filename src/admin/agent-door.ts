/**
 * The agent's own door: what its session still has, what it paid, what something would cost, and narrower children of its
 * own. It answers for the caller's session only; nothing here pays, and nothing grants more than the caller has.
 */
import { z } from '@hono/zod-openapi'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Approvals } from '../approval/approvals.ts'
import type { Notices } from '../approval/notices.ts'
import { PurserError, refused } from '../errors.ts'
import { MAX_AGENT_BODY_BYTES } from '../limits.ts'
import { formatAmount } from '../money.ts'
import type { Session } from '../session/session.ts'
import { answerProblem, problemHandler } from './answers.ts'
import { parseWith, readBody } from './body.ts'
import type { AdminDeps } from './deps.ts'
import { secureHeaders } from './door-guard.ts'
import { registerChildren } from './own-children.ts'
import { registerRequests } from './own-requests.ts'
import { registerOwnSession } from './own-session.ts'
import { PageQuery, pageRequest, present, viewPage } from './pages.ts'
import { MintBody, mintFor } from './sessions.ts'
import { ownPaymentView } from './views.ts'
import { registerEnd } from './workload-door.ts'

/** What a resource would cost this session, and which tier it would fall in. Nothing was paid or set aside to learn it. */
export interface QuoteAnswer {
  readonly payable: boolean
  /** Millionths of `currency`. */
  readonly amount?: bigint
  readonly currency?: string
  /** Symbol. */
  readonly asset?: string
  readonly network?: string
  readonly recipient?: string
  readonly tier?: string
  readonly decision?: string
  /** A sentence of ours. */
  readonly reason: string
  readonly code?: string
}

export interface AgentDoorDeps
  extends Pick<AdminDeps, 'ledger' | 'clock' | 'ids' | 'wallet' | 'events' | 'tokenSecret' | 'assets' | 'authorize' | 'jwts' | 'mandates'> {
  readonly people: { readonly approvals: Pick<Approvals, 'approvals'>; readonly notices: Pick<Notices, 'alert'> }
  /** Where agents reach the proxy; asked for each answer, because the door is part of it. */
  readonly proxyUrl: () => string
  /** `signal` fires when the agent has gone. */
  readonly quote: (
    session: Session,
    resource: { readonly url: string; readonly method: string },
    signal: AbortSignal,
  ) => Promise<QuoteAnswer>
}

/**
 * Serves one request of an identified agent; the path starts with /v1/. Never rejects for an expected reason.
 * `until`: when the agent's token ends, where that is its own: whoever was trusted with it for so long gets nothing here
 * that lasts longer.
 */
export type AgentDoor = (session: Session, request: Request, until?: number) => Promise<Response>

const DOORS =
  'There are GET /v1/session, GET /v1/session/payments, GET /v1/session/payments/ID, GET /v1/session/approvals, POST /v1/session/requests, POST /v1/session/token, POST /v1/quote, POST /v1/session/mandates/nonce, and GET and POST /v1/session/children (close one with POST /v1/session/children/ID/close).'

export interface AgentEnv {
  Bindings: { session: Session; until?: number }
}

export function createAgentDoor(deps: AgentDoorDeps): AgentDoor {
  const app = new Hono<AgentEnv>()
  app.onError(problemHandler(deps.events))
  app.notFound(({ req }) => answerProblem({ code: 'not_found', detail: `There is no ${req.method} ${req.path} here. ${DOORS}` }))
  app.use(secureHeaders, boundAgentBody)
  registerOwnSession(app, deps)
  registerOwnPayments(app, deps)
  registerQuote(app, deps)
  registerChildren(app, deps)
  registerRequests(app, deps)
  registerEnd(app, deps)
  return async (session, request, until) => app.fetch(request, { session, ...(until !== undefined && { until }) })
}

const boundAgentBody = bodyLimit({
  maxSize: MAX_AGENT_BODY_BYTES,
  onError: () => {
    throw new PurserError({ code: 'request_invalid', detail: `A body has at most ${MAX_AGENT_BODY_BYTES} bytes.`, status: 413 })
  },
})

const OwnPayments = z.strictObject({ task: z.string().optional(), ...PageQuery })

function registerOwnPayments(app: Hono<AgentEnv>, deps: AgentDoorDeps): void {
  app.post('/v1/session/token', async (context) => {
    const { ttl } = await readBody(context.req, MintBody)
    const { session, until = Number.POSITIVE_INFINITY } = context.env
    const own = (await deps.ledger.session(session.id)) ?? session
    return context.json(await mintFor({ ...own, expiresAt: Math.min(own.expiresAt, until) }, deps, ttl), 201)
  })
  app.get('/v1/session/payments', async (context) => {
    const { limit, cursor, ...filter } = parseWith(OwnPayments, context.req.query())
    const own = { ...present(filter), session: context.env.session.id }
    return context.json(viewPage(await deps.ledger.payments(own, pageRequest({ limit, cursor })), ownPaymentView))
  })
  app.get('/v1/session/payments/:id', async (context) => {
    const id = context.req.param('id')
    const payment = await deps.ledger.payment(id)
    if (payment?.sessionId !== context.env.session.id) throw refused('not_found', `This session has no payment ${id}.`)
    return context.json(ownPaymentView(payment))
  })
}

const hasNoCredentials = (url: string) => !URL.canParse(url) || (new URL(url).username === '' && new URL(url).password === '')

const Wanted = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).refine(hasNoCredentials, 'must not carry credentials'),
  method: z
    .string()
    .regex(/^[A-Za-z]{1,20}$/, 'an HTTP method')
    .default('GET')
    .transform((method) => method.toUpperCase()),
})

function registerQuote(app: Hono<AgentEnv>, { quote }: AgentDoorDeps): void {
  app.post('/v1/quote', async (context) => {
    const wanted = await readBody(context.req, Wanted)
    return context.json(quoteView(await quote(context.env.session, wanted, context.req.raw.signal)))
  })
}

/** An agent never learns where a refused payment would have gone, so it cannot pay there by other means. */
function quoteView({ amount, recipient, ...answer }: QuoteAnswer): Record<string, unknown> {
  return {
    ...answer,
    ...(amount === undefined ? {} : { amount: formatAmount(amount) }),
    ...(recipient === undefined || !answer.payable ? {} : { recipient }),
  }
}
