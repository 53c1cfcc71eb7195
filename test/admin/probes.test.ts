import { describe, expect, it } from 'vitest'
import type { StatusDeps } from '../../src/admin/deps.ts'
import { type AdminListener, startAdmin } from '../../src/admin/listen.ts'
import { answerProbe, createProbeDoor, PROBES } from '../../src/admin/probes.ts'
import { unavailable } from './fixture.ts'

const DEPS: StatusDeps = {
  render: async () => '# HELP a b\n',
  openMetrics: { render: async () => '# EOF\n', contentType: 'application/openmetrics-text; version=1.0.0' },
  readiness: [() => []],
}

/** The app says `app` to whatever comes through to it. */
function startDoor({ deps = DEPS, hosts = [] }: { deps?: StatusDeps; hosts?: Parameters<typeof createProbeDoor>[1] } = {}) {
  const app: AdminListener['app'] = async () => ({ fetch: () => new Response('app') })
  return startAdmin({ app, probes: createProbeDoor(deps, hosts), listen: { host: '127.0.0.1', port: 0 } })
}

describe('probes', () => {
  it('are answered as they are described, with the headers of every answer of the door', async () => {
    await using door = await startDoor()
    for (const probe of PROBES) {
      const [answer, described] = [await fetch(door.url + probe), await answerProbe(probe, undefined, DEPS)]
      expect([answer.status, await answer.text()], probe).toEqual([described.status, described.body])
      expect([answer.headers.get('cache-control'), answer.headers.get('x-frame-options')], probe).toEqual(['no-store', 'DENY'])
    }
  })

  it('the checks of readiness are all asked: one that fails hides no other', async () => {
    const readiness = [() => ['late'], () => Promise.reject(unavailable()), async () => []]
    expect(await answerProbe('/readyz', undefined, { ...DEPS, readiness })).toMatchObject({
      status: 503,
      body: JSON.stringify({ ready: false, reasons: ['late', 'The ledger does not answer.'] }),
    })
  })

  it('metrics carry exemplars for who accepts their format', async () => {
    expect((await answerProbe('/metrics', 'application/openmetrics-text;version=1.0.0', DEPS)).body).toBe('# EOF\n')
    expect((await answerProbe('/metrics', 'text/plain', DEPS)).body).toBe('# HELP a b\n')
  })

  it.each([
    ['another path', '/v1/sessions', {}],
    ['a query', '/healthz?x', {}],
    ['another method', '/healthz', { method: 'POST' }],
    ['a page of another site', '/metrics', { headers: { origin: 'https://evil.example' } }],
  ])('%s is the app’s', async (_, path, init) => {
    await using door = await startDoor()
    expect(await (await fetch(door.url + path, init)).text()).toBe('app')
  })

  it('what fails is the app’s, which says how', async () => {
    await using door = await startDoor({ deps: { ...DEPS, render: () => Promise.reject(unavailable()) } })
    expect(await (await fetch(`${door.url}/metrics`)).text()).toBe('app')
  })

  it('a listener for any name answers pages of other sites too', async () => {
    await using door = await startDoor({ hosts: 'any' })
    expect(await (await fetch(`${door.url}/healthz`, { headers: { origin: 'https://evil.example' } })).json()).toEqual({ alive: true })
  })
})
