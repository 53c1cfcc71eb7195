/** The inbox: what waits for people, and what they say to it. Whoever reads a veto window has been told of it. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Approval, Vote } from '../approval/approval.ts'
import type { Approvals } from '../approval/approvals.ts'
import { plain } from '../approval/text.ts'
import { refused } from '../errors.ts'
import { MAX_HINT_CHARS } from '../limits.ts'
import { ApprovalKindView, ApprovalStateView, ApprovalView, approvalView } from './approval-view.ts'
import { describedBody, readOptionalBody } from './body.ts'
import { listOf, PageQuery, pageRequest, present, viewPage } from './pages.ts'
import { type AdminApp, type AdminEnv, allow, type Caller, IdParam, json, PROBLEMS, READERS } from './router.ts'

const Filter = z.strictObject({
  state: ApprovalStateView.optional(),
  kind: ApprovalKindView.optional(),
  session: z.string().optional(),
  agent: z.string().optional(),
  ...PageQuery,
})

const Said = z.strictObject({
  reason: z.string().max(MAX_HINT_CHARS).default(''),
  channel: z.enum(['api', 'cli', 'console']).default('api').openapi({ description: 'By what the person said it; for the record' }),
})

const list = createRoute({
  method: 'get',
  path: '/v1/approvals',
  summary: 'What waits for people, and what became of it; newest first. An approver who reads a veto window starts it',
  ...allow(...READERS),
  request: { query: Filter },
  responses: { 200: json(listOf(ApprovalView), 'One page'), ...PROBLEMS },
})

const show = createRoute({
  method: 'get',
  path: '/v1/approvals/{id}',
  summary: 'One approval or veto window, with exactly what will be signed',
  ...allow(...READERS),
  request: { params: IdParam },
  responses: { 200: json(ApprovalView, 'The approval'), ...PROBLEMS },
})

const verdict = (word: 'approve' | 'deny', summary: string) =>
  createRoute({
    method: 'post',
    path: `/v1/approvals/{id}/${word}`,
    summary,
    ...allow('approver'),
    request: { params: IdParam, body: { ...describedBody(Said), required: false } },
    responses: { 200: json(ApprovalView, 'As it stands now'), ...PROBLEMS },
  })

const approve = verdict('approve', 'Say yes to a payment; once for each person')
const deny = verdict('deny', 'Say no to a payment; to a veto window this is the veto')

export interface InboxDeps {
  readonly approvals: Pick<Approvals, 'approval' | 'approvals' | 'vote' | 'noticed'>
}

export function registerApprovals(app: AdminApp, { approvals }: InboxDeps): void {
  app.openapi(list, async (context) => {
    const { limit, cursor, ...filter } = context.req.valid('query')
    const { items, next } = await approvals.approvals(present(filter), pageRequest({ limit, cursor }))
    const read = await Promise.all(items.map((approval) => readBy(context.get('caller'), approval, approvals)))
    return context.json(viewPage({ items: read, next }, approvalView), 200)
  })
  app.openapi(show, async (context) => {
    const { id } = context.req.valid('param')
    const approval = await approvals.approval(id)
    if (!approval) throw refused('not_found', `There is no approval ${id}.`)
    return context.json(approvalView(await readBy(context.get('caller'), approval, approvals)), 200)
  })
  app.openapi(approve, async (context) => context.json(await vote(context, 'approve', approvals), 200))
  app.openapi(deny, async (context) => context.json(await vote(context, 'deny', approvals), 200))
}

/** What an approver reads is delivered; what anybody else reads tells nobody who could decide. */
async function readBy({ role }: Caller, approval: Approval, approvals: InboxDeps['approvals']): Promise<Approval> {
  if (role !== 'approver' && role !== 'all') return approval
  if (approval.state !== 'pending' || approval.noticedAt !== null) return approval
  await approvals.noticed(approval.id)
  return (await approvals.approval(approval.id)) ?? approval
}

/** The person is whom the token belongs to: two tokens of one person are one voice. */
async function vote(context: Context<AdminEnv>, verdict: Vote['verdict'], approvals: InboxDeps['approvals']): Promise<ApprovalView> {
  const { reason, channel } = await readOptionalBody(context.req, Said)
  const { person } = context.get('caller')
  const id = context.req.param('id') ?? ''
  return approvalView(await approvals.vote(id, { person, verdict, reason: plain(reason, MAX_HINT_CHARS), channel }))
}
