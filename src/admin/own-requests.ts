/** What an agent asks people for, and what became of it: an approval of a payment to come, or more budget. It grants nothing. */
import { z } from '@hono/zod-openapi'
import type { Hono } from 'hono'
import { MAX_HINT_CHARS } from '../limits.ts'
import { displayAmount, formatAmount } from '../money.ts'
import { remainingOf, type Session } from '../session/session.ts'
import { amount, category, network, text } from '../session/values.ts'
import type { AgentDoorDeps, AgentEnv } from './agent-door.ts'
import { ApprovalStateView, ownApprovalView } from './approval-view.ts'
import { recipient } from './authorize.ts'
import { parseWith, readBody } from './body.ts'
import { PageQuery, pageRequest, present, viewPage } from './pages.ts'

const positive = amount.refine((millionths) => millionths > 0n, { error: 'must be more than nothing' })
const justification = text(MAX_HINT_CHARS)

/** How far a recipient is trusted is not the agent's to say. */
const Wanted = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('approval'), amount: positive, category, recipient, justification, network: network.optional() }),
  z.strictObject({ kind: z.literal('topup'), amount: positive, justification }),
])
type Approvable = Extract<z.infer<typeof Wanted>, { kind: 'approval' }>
type TopUp = Extract<z.infer<typeof Wanted>, { kind: 'topup' }>

const Own = z.strictObject({ state: ApprovalStateView.optional(), ...PageQuery })

export function registerRequests(app: Hono<AgentEnv>, deps: AgentDoorDeps): void {
  app.post('/v1/session/requests', async (context) => {
    const wanted = await readBody(context.req, Wanted)
    const session = (await deps.ledger.session(context.env.session.id)) ?? context.env.session
    return wanted.kind === 'topup'
      ? context.json(await askForMore(session, wanted, deps), 202)
      : context.json(await askAhead(session, wanted, deps))
  })
  app.get('/v1/session/approvals', async (context) => {
    const { limit, cursor, ...filter } = parseWith(Own, context.req.query())
    const own = { ...present(filter), session: context.env.session.id }
    return context.json(viewPage(await deps.people.approvals.approvals(own, pageRequest({ limit, cursor })), ownApprovalView))
  })
}

async function askAhead(session: Session, { kind: _, network: chain, ...asked }: Approvable, { authorize }: AgentDoorDeps) {
  const [first = ''] = session.networks
  return authorize({ ...asked, session, network: chain ?? first })
}

/** People decide by `purser session topup`; who is asked again within minutes, for whatever amount, hears it once. */
async function askForMore(session: Session, { amount: more, justification: why }: TopUp, { people, clock }: AgentDoorDeps) {
  const { id: sessionId, agent, owner, currency, cap, purpose } = session
  const wanted = displayAmount(more, currency)
  const { queued } = await people.notices.alert({
    ...{ type: 'session.topup_requested', sessionId, agent, owner, at: clock.now() },
    sentence: `Agent ${agent} asks for ${wanted} more for session ${sessionId}.`,
    topic: 'topup',
    facts: [
      ['Left of the session', `${displayAmount(remainingOf(session), currency)} of ${displayAmount(cap, currency)}`],
      ['Purpose of the session', purpose],
      ['The agent says (not checked)', why],
      ['To grant it', `purser session topup ${sessionId} ${formatAmount(more)}`],
    ],
  })
  const reason =
    queued > 0
      ? `${owner} is told that ${wanted} more is wanted; asking again within ten minutes tells nobody. Nothing has changed yet: look at the balance later.`
      : `Nobody can be told from here. Ask ${owner} for \`purser session topup ${sessionId}\`.`
  return { status: queued > 0 ? 'asked' : 'nobody_told', reason }
}
