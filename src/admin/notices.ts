/** Notices: what people were told and what never reached them; the dead ones can be tried again. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Notice } from '../approval/approval.ts'
import type { AdminDeps } from './deps.ts'
import { listOf, PageQuery, pageRequest, present, viewPage } from './pages.ts'
import { type AdminApp, allow, IdParam, json, PROBLEMS, READERS } from './router.ts'
import { isoTime } from './views.ts'

const State = z.enum(['waiting', 'delivered', 'dead', 'not_needed'])

const NoticeView = z
  .object({
    id: z.string(),
    approvalId: z.string().nullable(),
    type: z.string(),
    person: z.string().openapi({ description: 'Empty for an address that is nobody’s in particular' }),
    channel: z.enum(['webhook', 'slack', 'email']),
    target: z.string().openapi({ description: 'Where the address stands in the configuration' }),
    state: State,
    attempts: z.int(),
    dueAt: z.iso.datetime(),
    createdAt: z.iso.datetime(),
    deliveredAt: z.iso.datetime().nullable(),
    lastError: z.string().nullable(),
    payload: z.string().openapi({ description: 'The body, without any credential' }),
  })
  .openapi('Notice')

const Filter = z.strictObject({ state: State.optional(), approval: z.string().optional(), ...PageQuery })

const list = createRoute({
  method: 'get',
  path: '/v1/notices',
  summary: 'What people were told; with state=dead what never reached them',
  ...allow(...READERS),
  request: { query: Filter },
  responses: { 200: json(listOf(NoticeView), 'One page, newest first'), ...PROBLEMS },
})

const retry = createRoute({
  method: 'post',
  path: '/v1/notices/{id}/retry',
  summary: 'Try a notice again at once, a dead one too',
  ...allow('operator'),
  request: { params: IdParam },
  responses: { 200: json(NoticeView, 'It waits to be sent'), ...PROBLEMS },
})

const delivered = createRoute({
  method: 'post',
  path: '/v1/notices/{id}/delivered',
  summary: 'Say that a mailer of your own has sent this letter; a veto window that waited for it begins',
  ...allow('approver'),
  request: { params: IdParam },
  responses: { 200: json(NoticeView, 'It counts as delivered'), ...PROBLEMS },
})

export function registerNotices(app: AdminApp, { ledger, people }: Pick<AdminDeps, 'ledger' | 'people'>): void {
  const { notices } = people
  app.openapi(list, async (context) => {
    const { limit, cursor, state, approval } = context.req.valid('query')
    const page = await ledger.approvals.notices(present({ state, approvalId: approval }), pageRequest({ limit, cursor }))
    return context.json(viewPage(page, noticeView), 200)
  })
  app.openapi(retry, async (context) => context.json(noticeView(await notices.retry(context.req.valid('param').id)), 200))
  app.openapi(delivered, async (context) => context.json(noticeView(await notices.delivered(context.req.valid('param').id)), 200))
}

function noticeView({ dueAt, createdAt, deliveredAt, ...notice }: Notice): z.infer<typeof NoticeView> {
  return {
    ...notice,
    ...{ dueAt: isoTime(dueAt), createdAt: isoTime(createdAt), deliveredAt: deliveredAt === null ? null : isoTime(deliveredAt) },
  }
}
