import { describe, expect, it } from 'vitest'
import { MAX_WRONG_SIGN_INS, SIGN_IN_IDLE_MS, WRONG_SIGN_IN_MS } from '../../src/people-limits.ts'
import { hashToken } from '../../src/session/token.ts'
import { ADMIN_TOKEN, type Answer, expectProblem, type Fixture, startFixture } from './fixture.ts'
import { OWN_PAGE, signIn, signInPage } from './signin-rig.ts'

const secure = (fixture: Fixture) => ({ people: { ...fixture.deps.people, secureCookies: true } })

describe('signing in to the console', () => {
  it('a token of any role signs a browser in, and says who it is', async () => {
    await using fixture = await startFixture({ console: { version: '1.2.3' } })
    const token = await fixture.token('approver', 'anna')
    const answer = await fixture.ask('/console/sign-in', { token: null, body: { token }, headers: OWN_PAGE })
    const expiresAt = new Date(fixture.clock.now() + SIGN_IN_IDLE_MS).toISOString()
    const who = { person: 'anna', role: 'approver', expiresAt, version: '1.2.3', mode: 'enforce' }
    expect(await answer.json()).toEqual(who)
    const headers = await signInPage(fixture, token)
    expect(await (await fixture.ask('/console/me', { token: null, headers })).json()).toEqual(who)
  })

  it('the cookie is out of reach of scripts, other sites and, with https, other hosts', async () => {
    await using plain = await startFixture()
    const headers = OWN_PAGE
    const first = await plain.ask('/console/sign-in', { token: null, body: { token: ADMIN_TOKEN }, headers })
    expect(first.headers.get('set-cookie')).toMatch(/^purser=con_[\w-]{22}; Path=\/; HttpOnly; SameSite=Strict$/)
    await using fixture = await startFixture(secure(plain))
    const second = await fixture.ask('/console/sign-in', { token: null, body: { token: ADMIN_TOKEN }, headers })
    expect(second.headers.get('set-cookie')).toMatch(/^__Host-purser=con_[\w-]{22}; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
    const cookie = second.headers.get('set-cookie')?.split(';')[0] ?? ''
    expect((await fixture.ask('/v1/sessions', { token: null, headers: { cookie } })).status).toBe(200)
  })

  it('a wrong token, an agent’s and a revoked one sign nobody in', async () => {
    await using fixture = await startFixture()
    const revoked = await fixture.token('auditor')
    await fixture.ledger.revokeToken((await fixture.ledger.tokenByHash(hashToken(revoked)))?.id ?? '')
    for (const token of ['wrong', (await fixture.open()).token, revoked]) {
      const answer = await fixture.ask('/console/sign-in', { token: null, body: { token }, headers: OWN_PAGE })
      expect(answer.headers.get('set-cookie')).toBeNull()
      expect(await expectProblem(answer, 'unauthorized', 401)).toBe('This is no valid admin token.')
    }
  })

  it('who tries wrong tokens in a loop is held up, the right one included, until the span is over', async () => {
    await using fixture = await startFixture()
    const attempt = (token: string) => fixture.ask('/console/sign-in', { token: null, body: { token }, headers: OWN_PAGE })
    for (let n = 0; n < MAX_WRONG_SIGN_INS; n += 1) expect((await attempt('wrong')).status).toBe(401)
    const held = await attempt(ADMIN_TOKEN)
    expect(held.headers.get('retry-after')).toBe('60')
    await expectProblem(held, 'too_many_attempts', 429)
    expect((await fixture.ask('/v1/sessions')).status).toBe(200)
    fixture.clock.advance(WRONG_SIGN_IN_MS)
    expect((await attempt(ADMIN_TOKEN)).status).toBe(200)
  })

  it('a form of another page cannot sign anybody in', async () => {
    await using fixture = await startFixture()
    const body = { token: ADMIN_TOKEN }
    for (const headers of [{}, { 'purser-console': '1' }, { 'sec-fetch-site': 'same-origin' }]) {
      await expectProblem(await fixture.ask('/console/sign-in', { token: null, body, headers }), 'forbidden', 403)
    }
  })

  it('signing in anew ends what this browser had before', async () => {
    await using fixture = await startFixture()
    const cookie = await signIn(fixture)
    await fixture.ask('/console/sign-in', { token: null, body: { token: ADMIN_TOKEN }, headers: { ...OWN_PAGE, cookie } })
    await expectProblem(await fixture.ask('/v1/sessions', { token: null, headers: { cookie } }), 'unauthorized', 401)
  })

  it('the door says how one can sign in, without a token', async () => {
    await using fixture = await startFixture({ console: { version: '1.2.3' } })
    const answer = await fixture.ask('/console/door', { token: null })
    expect(await answer.json()).toEqual({ oidc: false, oidcName: null, version: '1.2.3' })
  })
})

describe('a browser that is signed in', () => {
  it('reads and changes what its token may, and nothing else', async () => {
    await using fixture = await startFixture()
    const headers = await signInPage(fixture, await fixture.token('operator', 'olga'))
    const ask = (path: string, body?: unknown) => fixture.ask(path, { token: null, body, headers })
    expect((await ask('/v1/sessions')).status).toBe(200)
    expect((await ask('/v1/halt', { scope: 'all', reason: 'drill' })).status).toBe(200)
    expect(await fixture.ledger.halts()).toHaveLength(1)
    await expectProblem(await ask('/v1/tokens', { role: 'operator' }), 'forbidden', 403)
    await expectProblem(await ask('/v1/approvals/apr_1/approve', {}), 'forbidden', 403)
  })

  it.each([
    ['without the header of our page', { 'sec-fetch-site': 'same-origin' }],
    ['without a page of this origin', { 'purser-console': '1' }],
    ['from another site', { 'purser-console': '1', 'sec-fetch-site': 'cross-site' }],
    ['from another port', { 'purser-console': '1', origin: 'http://127.0.0.1:9999' }],
  ])('changes nothing %s', async (_, headers) => {
    await using fixture = await startFixture()
    const cookie = await signIn(fixture)
    const body = { scope: 'all', reason: 'forged' }
    await expectProblem(await fixture.ask('/v1/halt', { token: null, body, headers: { ...headers, cookie } }), 'forbidden', 403)
    expect(await fixture.ledger.halts()).toEqual([])
  })

  it('whoever has its cookie but not its proof, like a server at another port of this host, changes nothing', async () => {
    await using fixture = await startFixture()
    const [page, other] = [await signInPage(fixture), await signInPage(fixture)]
    const body = { scope: 'all', reason: 'forged' }
    for (const proof of ['1', '', other['purser-console'], page.cookie.replace('purser=', '')]) {
      const headers = { ...page, 'purser-console': proof, origin: 'http://127.0.0.1:4021', host: '127.0.0.1:4021' }
      await expectProblem(await fixture.ask('/v1/halt', { token: null, body, headers }), 'forbidden', 403)
      await expectProblem(await fixture.ask('/console/me', { token: null, headers }), 'unauthorized', 401)
    }
    expect(await fixture.ledger.halts()).toEqual([])
    expect((await fixture.ask('/v1/halt', { token: null, body, headers: page })).status).toBe(200)
  })

  it('a bearer token needs none of that, and is judged by itself whatever cookie comes with it', async () => {
    await using fixture = await startFixture()
    const cookie = await signIn(fixture)
    expect((await fixture.ask('/v1/halt', { body: { scope: 'all', reason: 'drill' } })).status).toBe(200)
    await expectProblem(await fixture.ask('/v1/sessions', { token: 'wrong', headers: { cookie } }), 'unauthorized', 401)
  })

  it('is signed out with its token, at once', async () => {
    await using fixture = await startFixture()
    const token = await fixture.token('auditor')
    const cookie = await signIn(fixture, token)
    await fixture.ledger.revokeToken((await fixture.ledger.tokenByHash(hashToken(token)))?.id ?? '')
    await expectProblem(await fixture.ask('/v1/sessions', { token: null, headers: { cookie } }), 'unauthorized', 401)
  })

  it('is out when it signs out, whoever kept its cookie too, and only our own page can sign it out', async () => {
    await using fixture = await startFixture()
    const cookie = await signIn(fixture)
    expect((await fixture.ask('/v1/sessions', { token: null, headers: { cookie } })).status).toBe(200)
    await expectProblem(await fixture.ask('/console/sign-out', { method: 'POST', token: null, headers: { cookie } }), 'forbidden', 403)
    const answer = await fixture.ask('/console/sign-out', { method: 'POST', token: null, headers: { ...OWN_PAGE, cookie } })
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([204, 'purser=; Max-Age=0; Path=/'])
    await expectProblem(await fixture.ask('/v1/sessions', { token: null, headers: { cookie } }), 'unauthorized', 401)
  })

  it('is out after an hour in which its stream went on and its page read lists by itself, and nobody touched it', async () => {
    await using fixture = await startFixture()
    const cookie = await signIn(fixture)
    fixture.clock.advance(SIGN_IN_IDLE_MS - 1)
    const stream = await fixture.ask('/v1/events', { token: null, headers: { cookie } })
    expect(stream.status).toBe(200)
    await stream.body?.cancel()
    expect((await fixture.ask('/v1/sessions', { token: null, headers: { cookie, 'purser-idle': '1' } })).status).toBe(200)
    fixture.clock.advance(1)
    await expectProblem(await fixture.ask('/v1/sessions', { token: null, headers: { cookie } }), 'unauthorized', 401)
  })

  it('a cookie that was never given opens nothing', async () => {
    await using fixture = await startFixture()
    for (const cookie of [`purser=${ADMIN_TOKEN}`, 'purser=con_x', '__Host-purser=con_x', 'purser=']) {
      await expectProblem(await fixture.ask('/v1/sessions', { token: null, headers: { cookie } }), 'unauthorized', 401)
    }
  })

  it('a bearer token asks who it is, too', async () => {
    await using fixture = await startFixture()
    const me: Answer = await (await fixture.ask('/console/me')).json()
    expect(me).toMatchObject({ person: 'admin.token', role: 'all', expiresAt: null })
  })
})
