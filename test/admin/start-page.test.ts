import { describe, expect, it } from 'vitest'
import { type Answer, startFixture } from './fixture.ts'

/** Leaves out what runs for several routes, such as the guards. */
const isRoute = ({ method, path }: { method: string; path: string }) => method !== 'ALL' && !path.includes('*')

describe('start-page', () => {
  it('the bare address shows the ways on, without a token', async () => {
    await using fixture = await startFixture()
    const answer = await fixture.ask('/', { token: null })
    const page = await answer.text()
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8'])
    for (const path of ['/v1/openapi.json', '/metrics', '/readyz', '/stop']) {
      expect(page).toContain(`href="${path}"`)
      expect((await fixture.ask(path, { token: null })).status).toBe(200)
    }
  })

  it('every route is described, and every description is a route', async () => {
    await using fixture = await startFixture()
    const { openapi, paths }: Answer = await (await fixture.ask('/v1/openapi.json')).json()
    expect(openapi).toBe('3.1.0')
    const described = Object.entries<object>(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    )
    const routes = fixture.app.routes
      .filter(isRoute)
      // Pages for people; they are no part of the API.
      .filter(({ path }) => !path.startsWith('/approve/') && !path.startsWith('/console/oidc') && path !== '/stop')
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`)
    expect(described.sort()).toEqual([...new Set(routes)].sort())
  })

  it('the description says what a session’s body must hold', async () => {
    await using fixture = await startFixture()
    const { paths }: Answer = await (await fixture.ask('/v1/openapi.json')).json()
    const { schema } = paths['/v1/sessions'].post.requestBody.content['application/json']
    expect(schema.required.sort()).toEqual(['cap', 'ttl'])
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(['limits', 'scope', 'networks', 'assets', 'singleUse', 'labels']))
  })
})
