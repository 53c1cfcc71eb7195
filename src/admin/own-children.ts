/** The agent's own children: narrower sessions that it opens for parts of its work, sees and closes. Never anybody else's. */
import { createHash } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import type { Hono } from 'hono'
import { refused } from '../errors.ts'
import type { AdminKey } from '../ledger/administration.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { MAX_OPEN_CHILDREN } from '../limits.ts'
import { longestFor } from '../session/narrower.ts'
import { type Session, stateOf } from '../session/session.ts'
import { type SessionRequest, sessionRequestSchema } from '../session/spec.ts'
import type { AgentDoorDeps, AgentEnv } from './agent-door.ts'
import { parseWith, readBody } from './body.ts'
import { KeyHeader } from './idempotency.ts'
import { freshNonce } from './mandates.ts'
import { newOwnChild, refuseFormat } from './open-asked.ts'
import { openOnce } from './open-session.ts'
import { PageQuery, pageRequest } from './pages.ts'
import { openedView, viewOf } from './sessions.ts'

const Page = z.strictObject(PageQuery)

export function registerChildren(app: Hono<AgentEnv>, deps: AgentDoorDeps): void {
  const { ledger } = deps
  app.post('/v1/session/children', async (context) => {
    const key = childKey(context.env.session, { header: context.req.header('idempotency-key'), body: await context.req.text() })
    const asked = await readBody(context.req, sessionRequestSchema)
    const parent = (await ledger.session(context.env.session.id)) ?? context.env.session
    const child = await openOnce(ledger, key, async () => {
      refuseOtherParent(parent, asked)
      refuseLonger(asked, context.env.until, deps.clock.now())
      refuseFormat(asked, deps)
      await refuseMany(parent, deps)
      return newOwnChild(parent, asked, deps)
    })
    return context.json(await openedView(child, { ...deps, proxyUrl: deps.proxyUrl() }, asked.tokenFormat), 201)
  })
  app.post('/v1/session/mandates/nonce', (context) => context.json(freshNonce(deps), 201))
  app.get('/v1/session/children', async (context) => {
    const query = parseWith(Page, context.req.query())
    const { items, next } = await ledger.sessions(pageRequest(query), { parent: context.env.session.id })
    return context.json({ items: await Promise.all(items.map((child) => viewOf(child, deps))), next })
  })
  app.post('/v1/session/children/:id/close', async (context) => {
    const id = context.req.param('id')
    const child = await ledger.session(id)
    if (child?.parent !== context.env.session.id) throw refused('not_found', `This session has no child ${id}.`)
    return context.json(await viewOf(await ledger.close(id), deps))
  })
}

/** Keys of different sessions, and of operators, never meet. */
function childKey(session: Session, { header, body }: { header: string | undefined; body: string }): AdminKey | undefined {
  const { 'idempotency-key': key } = parseWith(KeyHeader, { 'idempotency-key': header })
  return key === undefined ? undefined : { key: digestOf(['agent', session.id, key]), digest: digestOf(['children', body]) }
}

function digestOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

function refuseOtherParent({ id }: Session, { parent }: SessionRequest): void {
  if (parent === undefined || parent === null || parent === id) return
  throw refused('request_invalid', 'parent: children opened here are children of the session that asks; leave it out.')
}

/** Under a mandate too, whose own session may last longer. */
function refuseLonger({ ttl_ms }: SessionRequest, until: number | undefined, now: number): void {
  if (until === undefined || now + ttl_ms <= until) return
  const end = new Date(until).toISOString()
  throw refused('request_invalid', `ttl: the token that asks ends at ${end}; ask for at most ${longestFor(Math.max(0, until - now))}.`)
}

/** An agent in a loop must not fill the ledger: the newest ones have to end before there are more. */
async function refuseMany(
  parent: Session,
  { ledger, clock }: { ledger: Pick<Ledger, 'sessions'>; clock: AgentDoorDeps['clock'] },
): Promise<void> {
  const { items } = await ledger.sessions({ limit: MAX_OPEN_CHILDREN }, { parent: parent.id })
  const living = items.filter((child) => ['open', 'exhausted'].includes(stateOf(child, clock.now())))
  if (living.length < MAX_OPEN_CHILDREN) return
  throw refused('conflict', `Session ${parent.id} has ${living.length} open children; close some of them first.`)
}
