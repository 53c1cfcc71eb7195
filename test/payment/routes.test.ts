import { describe, expect, it } from 'vitest'
import { noDiscovery } from '../../src/discovery/discovery.ts'
import type { Case } from '../../src/payment/case.ts'
import { createRoutes, type RouteRule } from '../../src/payment/routes.ts'
import { PREEMPTIVE_MAX_ANSWER_MS, PREEMPTIVE_PAUSE_MS } from '../../src/preemptive-limits.ts'
import type { BodyState, PaidRequest } from '../../src/session/exchange.ts'
import { challenge, type Rig, startRig } from './rig.ts'

const RULE = { after: 2, terms_ms: 60_000, hosts: ['*'] }
const BODY: BodyState = { digest: 'one', bytes: 3, replayable: true, bound_bytes: 65_536 }

function routesOf(rig: Rig, rule: Partial<RouteRule> = {}) {
  return createRoutes({ ...RULE, ...rule }, rig.clock)
}

/** What a payment was asked for by, now. */
function caseOf(rig: Rig, request: PaidRequest = rig.request(), unpaid = challenge()): Case {
  const [rail] = rig.deps.rails
  const detected = rail?.detect(unpaid, unpaid.body)
  if (!rail || detected?.kind !== 'challenge') throw new Error('no challenge')
  const times = { challengedAt: rig.clock.now(), challenged_ms: rig.clock.monotonic() }
  return { deps: { ...rig.deps, discovery: noDiscovery }, request, body: BODY, rail, challenge: detected.challenge, ...times }
}

describe('routes that are known to charge', () => {
  it('are known after so many payments in a row, with the challenge that was last read', async () => {
    await using rig = await startRig()
    const routes = routesOf(rig)
    routes.charged(caseOf(rig), 10)
    expect(routes.expects(rig.request())).toBe(false)
    rig.advance(5_000)
    const matter = caseOf(rig)
    routes.charged(matter, 10)
    expect(routes.expects(rig.request())).toBe(true)
    const { rail, challenge: asked, challengedAt, challenged_ms } = matter
    expect(routes.termsFor(rig.request(), BODY)).toEqual({ rail, challenge: asked, challengedAt, challenged_ms })
  })

  it('are not learned from a request whose URL does not say what is bought', async () => {
    await using rig = await startRig()
    const routes = routesOf(rig)
    for (let times = 0; times < 3; times++) routes.charged(caseOf(rig, rig.request({ singular: true })), 10)
    expect(routes.expects(rig.request())).toBe(false)
  })

  it('begin anew where the terms differ once', async () => {
    await using rig = await startRig()
    const routes = routesOf(rig)
    for (const amount of ['1000', '2000', '1000']) {
      routes.charged(caseOf(rig, rig.request(), challenge({ amount })), 10)
      expect(routes.expects(rig.request())).toBe(false)
    }
  })

  it('hold for the one request that was asked, by its query and its body, until another one was asked the same', async () => {
    await using rig = await startRig()
    const routes = routesOf(rig)
    routes.charged(caseOf(rig), 10)
    routes.charged(caseOf(rig), 10)
    const other = rig.request({ url: `${rig.request().url}?page=2` })
    expect(routes.termsFor(other, BODY)).toBeUndefined()
    expect(routes.termsFor(rig.request(), { ...BODY, digest: 'two' })).toBeUndefined()
    routes.charged(caseOf(rig, other), 10)
    expect(routes.termsFor(rig.request(), { ...BODY, digest: 'two' })).toBeDefined()
  })

  it('are others for whoever shows other credentials', async () => {
    await using rig = await startRig()
    const routes = routesOf(rig)
    const known = rig.request({ headers: ['X-API-Key', 'one', 'Accept', 'text/plain'] })
    for (let time = 0; time < 2; time++) routes.charged(caseOf(rig, known), 10)
    expect(routes.expects({ ...known, headers: ['accept', 'application/json', 'x-api-key', 'one'] })).toBe(true)
    for (const headers of [[], ['X-API-Key', 'two'], ['X-API-Key', 'one', 'Cookie', 'a=b'], ['Authorization', 'Bearer x']]) {
      expect(routes.expects({ ...known, headers })).toBe(false)
    }
  })

  it('end with a challenge that asks for something else, and stay with one that asks for the same', async () => {
    await using rig = await startRig()
    const routes = routesOf(rig)
    for (let time = 0; time < 2; time++) routes.charged(caseOf(rig), 10)
    routes.challenged(caseOf(rig))
    expect(routes.expects(rig.request())).toBe(true)
    routes.challenged(caseOf(rig, rig.request(), challenge({ amount: '999' })))
    expect(routes.expects(rig.request())).toBe(false)
  })

  it('expire, and are paused for a while', async () => {
    await using rig = await startRig()
    const routes = routesOf(rig)
    for (let time = 0; time < 2; time++) routes.charged(caseOf(rig), 10)
    rig.advance(RULE.terms_ms)
    expect(routes.expects(rig.request())).toBe(false)
    routes.charged(caseOf(rig), 10)
    expect(routes.expects(rig.request())).toBe(true)
    routes.pause(rig.request())
    for (let time = 0; time < 2; time++) routes.charged(caseOf(rig), 10)
    expect(routes.expects(rig.request())).toBe(false)
    rig.advance(PREEMPTIVE_PAUSE_MS)
    for (let time = 0; time < 2; time++) routes.charged(caseOf(rig), 10)
    expect(routes.expects(rig.request())).toBe(true)
  })

  it('are those of the hosts that the operator named, and those that answer soon', async () => {
    await using rig = await startRig()
    const elsewhere = routesOf(rig, { hosts: ['other.example.com'] })
    const routes = routesOf(rig)
    for (let time = 0; time < 2; time++) {
      elsewhere.charged(caseOf(rig), 10)
      routes.charged(caseOf(rig), PREEMPTIVE_MAX_ANSWER_MS)
    }
    expect([elsewhere.expects(rig.request()), routes.expects(rig.request())]).toEqual([false, true])
    routes.charged(caseOf(rig), PREEMPTIVE_MAX_ANSWER_MS + 1)
    expect(routes.expects(rig.request())).toBe(false)
  })
})
