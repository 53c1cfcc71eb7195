import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createOidc } from '../../src/admin/oidc.ts'
import { OIDC_TRIP_MS } from '../../src/people-limits.ts'
import { testClock } from '../clock.ts'
import { type Answer, expectProblem, type Fixture, startFixture } from './fixture.ts'
import { CLIENT, type Provider, startProvider } from './oidc-provider.ts'
import { signIn } from './signin-rig.ts'

let provider: Provider
beforeAll(async () => {
  provider = await startProvider()
})
afterAll(() => provider[Symbol.asyncDispose]())
beforeEach(() => {
  provider.claims = { sub: 'anna-1', groups: ['approvers'] }
  provider.fault = undefined
})

function start(more: { readonly pageUrl?: string; readonly issuer?: string } = {}): Promise<Fixture> {
  const { fetch } = provider
  const { pageUrl, issuer = provider.issuer } = more
  const roles = [{ claim: 'groups', value: 'approvers', role: 'approver' as const, person: 'anna' }]
  const oidc = createOidc({ issuer, ...CLIENT, roles, clock: testClock(), fetch })
  return startFixture({ console: { version: '1.2.3', oidc, pageUrl } })
}

/** How a browser is told to forget its trip. */
const TRIP_TAKEN = 'purser-trip=; Max-Age=0; Path=/console/oidc/callback; HttpOnly; SameSite=Lax'

const cookieIn = (answer: Response, name: string) =>
  answer.headers
    .getSetCookie()
    .find((cookie) => cookie.startsWith(`${name}=`))
    ?.split(';')[0]

/** As a browser: to the provider, yes there, and back to our door, which the provider's page sent it to. */
async function travel(fixture: Fixture, cookie?: string): Promise<Response> {
  const gone = await fixture.ask('/console/oidc', { token: null })
  const back = new URL(provider.consent(gone.headers.get('location') ?? ''))
  return arrive(fixture, `${back.pathname}${back.search}`, cookie ?? cookieIn(gone, 'purser-trip') ?? '')
}

function arrive(fixture: Fixture, path: string, cookie: string): Promise<Response> {
  const headers = { cookie, 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' }
  return fixture.ask(path, { token: null, headers })
}

describe('oidc-door', () => {
  it('who comes back from the provider is signed in, as the person and with the role that the configuration names', async () => {
    await using fixture = await start()
    const back = await travel(fixture)
    const [, proof = ''] = /^\/#\/\?proof=(prf_[\w-]+)$/.exec(back.headers.get('location') ?? '') ?? []
    expect([back.status, proof]).toEqual([302, expect.stringMatching(/./)])
    const headers = { cookie: cookieIn(back, 'purser') ?? '', 'purser-console': proof, 'sec-fetch-site': 'same-origin' }
    const me: Answer = await (await fixture.ask('/console/me', { token: null, headers })).json()
    expect(me).toMatchObject({ person: 'anna', role: 'approver' })
    await expectProblem(await fixture.ask('/v1/halt', { token: null, headers, body: { scope: 'all', reason: 'x' } }), 'forbidden', 403)
  })

  it('the browser’s own cookie carries what must be remembered, sealed, for this way back only', async () => {
    await using fixture = await start()
    const gone = await fixture.ask('/console/oidc', { token: null })
    const set = gone.headers.get('set-cookie') ?? ''
    expect(set).toMatch(/; Max-Age=600; Path=\/console\/oidc\/callback; HttpOnly; SameSite=Lax$/)
    const asked = new URL(gone.headers.get('location') ?? '').searchParams
    for (const secret of [asked.get('state'), asked.get('nonce')]) expect(set).not.toContain(secret)
  })

  it('a way back without the cookie of this browser, or with a forged, used up or late one, signs nobody in', async () => {
    await using fixture = await start()
    const gone = await fixture.ask('/console/oidc', { token: null })
    const cookie = cookieIn(gone, 'purser-trip') ?? ''
    const back = new URL(provider.consent(gone.headers.get('location') ?? ''))
    const path = `${back.pathname}${back.search}`
    const tries: [string, string][] = [
      ['', 'expired'],
      ['purser-trip=forged', 'expired'],
    ]
    for (const [sent, failed] of tries) {
      const answer = await arrive(fixture, path, sent)
      expect([answer.headers.get('location'), cookieIn(answer, 'purser')]).toEqual([`/#/sign-in?failed=${failed}`, undefined])
      expect(answer.headers.getSetCookie()).toEqual([TRIP_TAKEN])
    }
    fixture.clock.advance(OIDC_TRIP_MS + 1_000)
    expect((await arrive(fixture, path, cookie)).headers.get('location')).toBe('/#/sign-in?failed=expired')
  })

  it('a trip that another Purser sealed is none of ours', async () => {
    await using other = await start()
    await using fixture = await start()
    const gone = await other.ask('/console/oidc', { token: null })
    const back = new URL(provider.consent(gone.headers.get('location') ?? ''))
    const answer = await arrive(fixture, `${back.pathname}${back.search}`, cookieIn(gone, 'purser-trip') ?? '')
    expect([answer.headers.get('location'), cookieIn(answer, 'purser')]).toEqual(['/#/sign-in?failed=expired', undefined])
  })

  it('whoever comes back is signed in anew: what this browser had before ends, and its trip with it', async () => {
    await using fixture = await start()
    const before = await signIn(fixture)
    const gone = await fixture.ask('/console/oidc', { token: null })
    const back = new URL(provider.consent(gone.headers.get('location') ?? ''))
    const answer = await arrive(fixture, `${back.pathname}${back.search}`, `${cookieIn(gone, 'purser-trip')}; ${before}`)
    expect(answer.headers.getSetCookie()).toContain(TRIP_TAKEN)
    await expectProblem(await fixture.ask('/v1/sessions', { token: null, headers: { cookie: before } }), 'unauthorized', 401)
    const cookie = cookieIn(answer, 'purser') ?? ''
    expect((await fixture.ask('/v1/sessions', { token: null, headers: { cookie } })).status).toBe(200)
  })

  it('the trip of another browser does not fit', async () => {
    await using fixture = await start()
    const other = cookieIn(await fixture.ask('/console/oidc', { token: null }), 'purser-trip') ?? ''
    expect((await travel(fixture, other)).headers.get('location')).toBe('/#/sign-in?failed=refused')
  })

  it('who has no role here is told so, and is not signed in', async () => {
    provider.claims = { sub: 'carl-1' }
    await using fixture = await start()
    const back = await travel(fixture)
    expect([back.headers.get('location'), cookieIn(back, 'purser')]).toEqual(['/#/sign-in?failed=role', undefined])
  })

  it('people come back to the address under which they reach this listener', async () => {
    await using fixture = await start({ pageUrl: 'https://purser.example' })
    const gone = await fixture.ask('/console/oidc', { token: null })
    expect(new URL(gone.headers.get('location') ?? '').searchParams.get('redirect_uri')).toBe(
      'https://purser.example/console/oidc/callback',
    )
  })

  it('a provider that does not answer is told to people, and to the log', async () => {
    await using fixture = await start({ issuer: `${provider.issuer}/nowhere` })
    const warned: string[] = []
    fixture.deps.events.warned = (sentence) => warned.push(sentence)
    const answer = await fixture.ask('/console/oidc', { token: null })
    expect([answer.headers.get('location'), warned]).toEqual([
      '/#/sign-in?failed=provider',
      ['The OpenID provider of the console does not answer.'],
    ])
  })

  it('without a provider there is no such way, and with one the door names it', async () => {
    await using without = await startFixture()
    await expectProblem(await without.ask('/console/oidc', { token: null }), 'not_found', 404)
    await expectProblem(await without.ask('/console/oidc/callback', { token: null }), 'not_found', 404)
    await using fixture = await start()
    const door: Answer = await (await fixture.ask('/console/door', { token: null })).json()
    expect(door).toEqual({ oidc: true, oidcName: new URL(provider.issuer).host, version: '1.2.3' })
  })
})
