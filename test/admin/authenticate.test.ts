import { describe, expect, it } from 'vitest'
import { hashToken } from '../../src/session/token.ts'
import { ADMIN_TOKEN, expectProblem, type Fixture, startFixture } from './fixture.ts'

type Operation = Record<string, { security?: unknown; 'x-roles'?: string[] }>

/** Every route of the API's own description, with the roles that it names. */
async function routes({ ask }: Fixture): Promise<{ method: 'GET' | 'POST'; path: string; roles: string[] | undefined }[]> {
  const document: { paths: Record<string, Operation> } = JSON.parse(await (await ask('/v1/openapi.json')).text())
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method === 'get' ? ('GET' as const) : ('POST' as const),
      path: path.replace('{id}', 'ses_none'),
      roles: operation['x-roles'],
    })),
  )
}

/** Doors with a proof of their own: a person’s link, Slack’s signature. They are no routes of the API. */
const OPEN = [
  ...['/', '/console/door', '/console/sign-in', '/console/sign-out', '/healthz', '/links', '/metrics', '/readyz', '/v1/keys'],
  '/v1/openapi.json',
]
const ONLY_MASTER = ['GET /v1/tokens', 'POST /v1/tokens', 'POST /v1/tokens/ses_none/revoke']
const APPROVERS = ['POST /v1/approvals/ses_none/approve', 'POST /v1/approvals/ses_none/deny', 'POST /v1/notices/ses_none/delivered']
const OPERATORS = [
  'POST /v1/authorize',
  'POST /v1/halt',
  'POST /v1/mandates/nonce',
  'POST /v1/notices/ses_none/retry',
  'POST /v1/payments/ses_none/cancel',
  'POST /v1/payments/ses_none/refunds',
  'POST /v1/payments/ses_none/resolve',
  'POST /v1/reconcile',
  'POST /v1/resume',
  'POST /v1/sessions',
  'POST /v1/sessions/ses_none/close',
  'POST /v1/sessions/ses_none/revoke',
  'POST /v1/sessions/ses_none/token',
  'POST /v1/sessions/ses_none/topup',
]

/** Whatever is named nowhere above changes nothing, and every role may read it. */
function rolesFor(name: string, everybody: readonly string[]): readonly string[] {
  if (ONLY_MASTER.includes(name)) return ['all']
  if (APPROVERS.includes(name)) return ['all', 'approver']
  return OPERATORS.includes(name) ? ['all', 'operator'] : everybody
}

/** These POSTs change nothing of any payment, and every role may make them. */
const HARMLESS = [
  'POST /console/sign-in',
  'POST /console/sign-out',
  'POST /v1/policy/check',
  'POST /v1/policy/simulate',
  'POST /v1/receipts/checkpoints',
]

describe('authenticate', () => {
  it('what changes anything is for operators or for approvers, and never for both', async () => {
    await using fixture = await startFixture()
    const changing = (await routes(fixture)).filter(({ method, path }) => method === 'POST' && !HARMLESS.includes(`${method} ${path}`))
    const named = changing.map(({ method, path, roles }) => [`${method} ${path}`, roles])
    expect(named).toEqual(changing.map(({ method, path }) => [`${method} ${path}`, rolesFor(`${method} ${path}`, [])]))
    for (const [name, roles] of named) expect([name, roles?.length]).toEqual([name, ONLY_MASTER.includes(String(name)) ? 1 : 2])
  })

  it('only the description, the start pages, the console’s sign-in, the public key and the three status answers are open', async () => {
    await using fixture = await startFixture()
    const open = (await routes(fixture)).filter(({ roles }) => roles === undefined).map(({ path }) => path)
    expect(open.sort()).toEqual(OPEN)
  })

  it('no token, a wrong token and an agent’s session token open no route', async () => {
    await using fixture = await startFixture()
    const { token: agentToken, id } = await fixture.open()
    const guarded = (await routes(fixture)).filter(({ path }) => !OPEN.includes(path))
    expect(guarded.length).toBeGreaterThan(15)
    for (const { method, path } of guarded) {
      for (const token of [null, 'wrong', agentToken, `${id}:${agentToken}`, `${ADMIN_TOKEN}x`, '']) {
        const answer = await fixture.ask(path, { method, token, ...(method === 'POST' ? { body: {} } : {}) })
        expect(answer.headers.get('www-authenticate'), `${method} ${path} ${token}`).toBe('Bearer realm="purser"')
        expect(await expectProblem(answer, 'unauthorized', 401)).toBe('The request carries no valid admin token.')
      }
    }
  })

  it('every role reaches what it may and nothing else, and admin.token reaches everything', async () => {
    await using fixture = await startFixture()
    const tokens = {
      all: ADMIN_TOKEN,
      operator: await fixture.token('operator'),
      approver: await fixture.token('approver'),
      auditor: await fixture.token('auditor'),
    }
    for (const { method, path } of await routes(fixture)) {
      const name = `${method} ${path}`
      const may = rolesFor(name, Object.keys(tokens))
      for (const [role, token] of Object.entries(tokens)) {
        const { status } = await fixture.ask(path, { method, token, ...(method === 'POST' ? { body: { not: 'known' } } : {}) })
        const answer = [name, role, status === 403 ? 'refused' : 'let in']
        expect(answer).toEqual([name, role, may.includes(role) ? 'let in' : 'refused'])
        expect(status).not.toBe(401)
      }
    }
  })

  it('a refusal for the role says which role is needed', async () => {
    await using fixture = await startFixture()
    const token = await fixture.token('auditor')
    const detail = await expectProblem(await fixture.ask('/v1/halt', { token, body: {} }), 'forbidden', 403)
    expect(detail).toBe('This token has the role auditor; this needs operator or the token of the data folder.')
    expect(await fixture.ledger.halts()).toEqual([])
  })

  it('a revoked token opens nothing any more', async () => {
    await using fixture = await startFixture()
    const token = await fixture.token('operator')
    expect((await fixture.ask('/v1/sessions', { token })).status).toBe(200)
    const known = await fixture.ledger.tokenByHash(hashToken(token))
    await fixture.ledger.revokeToken(known?.id ?? '')
    await expectProblem(await fixture.ask('/v1/sessions', { token }), 'unauthorized', 401)
  })

  it('a token that the ledger still finds but knows as revoked opens nothing', async () => {
    await using fixture = await startFixture()
    fixture.ledger.tokenByHash = async () => ({ id: 'tok_1', role: 'operator', person: null, label: '', createdAt: 0, revokedAt: 1 })
    await expectProblem(await fixture.ask('/v1/sessions', { token: 'pat_1' }), 'unauthorized', 401)
  })

  it('a token is taken from the Authorization header alone, never from the address', async () => {
    await using fixture = await startFixture()
    for (const headers of [
      { authorization: `Basic ${btoa(`x:${ADMIN_TOKEN}`)}` },
      { authorization: ADMIN_TOKEN },
      { cookie: `token=${ADMIN_TOKEN}` },
    ]) {
      await expectProblem(await fixture.ask(`/v1/sessions?token=${ADMIN_TOKEN}`, { token: null, headers }), 'unauthorized', 401)
    }
  })

  it('unknown paths answer no more to strangers than known ones', async () => {
    await using fixture = await startFixture()
    await expectProblem(await fixture.ask('/v1/nothing', { token: null }), 'unauthorized', 401)
    await expectProblem(await fixture.ask('/v1/nothing'), 'not_found', 404)
  })
})
