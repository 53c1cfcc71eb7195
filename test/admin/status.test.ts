import { describe, expect, it } from 'vitest'
import { createMetricsApp } from '../../src/admin/status.ts'
import { startFixture, unavailable } from './fixture.ts'

describe('status', () => {
  it('metrics are the telemetry’s text, without a token', async () => {
    await using fixture = await startFixture()
    const answer = await fixture.ask('/metrics', { token: null })
    expect([answer.status, await answer.text()]).toEqual([200, '# HELP purser_requests_total Requests\n'])
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  })

  it('metrics carry exemplars for scrapers that accept their format, and for nobody else', async () => {
    await using fixture = await startFixture({
      openMetrics: { render: async () => '# EOF\n', contentType: 'application/openmetrics-text; version=1.0.0' },
    })
    const ask = async (accept: string) => {
      const answer = await fixture.ask('/metrics', { token: null, headers: { accept } })
      return [answer.headers.get('content-type'), await answer.text()]
    }
    const prometheus = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
    expect(await ask(prometheus)).toEqual(['application/openmetrics-text; version=1.0.0', '# EOF\n'])
    expect(await ask('text/plain')).toEqual(['text/plain; version=0.0.4; charset=utf-8', '# HELP purser_requests_total Requests\n'])
  })

  it('alive answers 200 even when payments cannot be made', async () => {
    await using fixture = await startFixture({ readiness: [async () => ['The ledger is full.']] })
    const answer = await fixture.ask('/healthz', { token: null })
    expect([answer.status, await answer.json()]).toEqual([200, { alive: true }])
  })

  it('ready answers 200 when payments can be made, else 503 with the reasons', async () => {
    await using able = await startFixture()
    const yes = await able.ask('/readyz', { token: null })
    expect([yes.status, await yes.json()]).toEqual([200, { ready: true, reasons: [] }])
    await using unable = await startFixture({ readiness: [async () => ['The ledger is full.']] })
    const no = await unable.ask('/readyz', { token: null })
    expect([no.status, await no.json()]).toEqual([503, { ready: false, reasons: ['The ledger is full.'] }])
  })

  it('a ledger that does not answer is a reason, not a fault', async () => {
    await using fixture = await startFixture({ readiness: [() => Promise.reject(unavailable())] })
    const answer = await fixture.ask('/readyz')
    expect([answer.status, await answer.json()]).toEqual([503, { ready: false, reasons: ['The ledger does not answer.'] }])
  })

  it('every check is asked, and one that fails hides no other', async () => {
    const clock = 'The clock is 40 s behind the chain eip155:84532.'
    await using fixture = await startFixture({
      readiness: [() => [clock], () => Promise.reject(unavailable()), async () => [], () => ['Fenced.']],
    })
    expect(await (await fixture.ask('/readyz')).json()).toEqual({
      ready: false,
      reasons: [clock, 'The ledger does not answer.', 'Fenced.'],
    })
  })

  it('the metrics listener answers the same three under any name, and nothing else', async () => {
    await using fixture = await startFixture()
    const app = createMetricsApp(fixture.deps)
    for (const path of ['/metrics', '/healthz', '/readyz']) {
      const answer = await app.request(`http://purser.monitoring.svc:9090${path}`)
      expect([path, answer.status, answer.headers.get('cache-control')]).toEqual([path, 200, 'no-store'])
    }
    for (const path of ['/', '/v1/sessions', '/v1/openapi.json']) {
      expect((await app.request(path, { headers: { authorization: `Bearer ${fixture.deps.adminToken}` } })).status).toBe(404)
    }
  })
})
