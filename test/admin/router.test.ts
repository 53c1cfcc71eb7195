import { createRoute, z } from '@hono/zod-openapi'
import { describe, expect, it } from 'vitest'
import { allow, body, createRouter, IdParam, json, PROBLEMS, READERS } from '../../src/admin/router.ts'
import type { AdminRole } from '../../src/ledger/administration.ts'
import { expectProblem } from './fixture.ts'

function routerFor(role: AdminRole) {
  const app = createRouter({ faulted: () => {} })
  app.use(async (context, next) => {
    context.set('caller', { id: 'tok_1', person: 'tok_1', role })
    await next()
  })
  const route = createRoute({
    method: 'post',
    path: '/v1/things/{id}',
    ...allow('operator'),
    request: { params: IdParam, body: body(z.strictObject({ count: z.int() })) },
    responses: { 200: json(z.object({ id: z.string() }), 'The thing'), ...PROBLEMS },
  })
  app.openapi(route, (context) => context.json({ id: context.req.valid('param').id }, 200))
  return app
}

const call = (role: AdminRole, sent: string) =>
  routerFor(role).request('/v1/things/x', { method: 'POST', headers: { 'content-type': 'application/json' }, body: sent })

describe('router', () => {
  it('a route answers the roles that it names, and the role all', async () => {
    for (const role of ['all', 'operator'] as const) expect((await call(role, '{"count":1}')).status).toBe(200)
    for (const role of ['approver', 'auditor'] as const) await expectProblem(await call(role, '{"count":1}'), 'forbidden', 403)
  })

  it('the role is judged before the body is read', async () => {
    await expectProblem(await call('auditor', 'no json'), 'forbidden', 403)
    await expectProblem(await call('operator', 'no json'), 'request_invalid', 400)
  })

  it('a body that does not fit is refused with its path', async () => {
    expect(await expectProblem(await call('operator', '{"count":"x"}'), 'request_invalid', 400)).toContain('count: ')
    const none = await routerFor('operator').request('/v1/things/x', { method: 'POST' })
    await expectProblem(none, 'request_invalid', 400)
  })

  it('what is not there is a problem document', async () => {
    expect(await expectProblem(await routerFor('all').request('/v1/none'), 'not_found', 404)).toBe('There is no GET /v1/none here.')
  })

  it('a route names its roles in the description; every role may read', () => {
    expect(allow('operator')['x-roles']).toEqual(['all', 'operator'])
    expect(allow(...READERS)['x-roles']).toEqual(['all', 'operator', 'approver', 'auditor'])
  })
})
