import { describe, expect, it } from 'vitest'
import type { ConsoleFiles } from '../../src/admin/console-files.ts'
import { expectProblem, startFixture } from './fixture.ts'

const file = (type: string, text: string) => ({ type, content: Uint8Array.from(Buffer.from(text)) })
const FILES: ConsoleFiles = {
  page: file('text/html; charset=utf-8', '<title>Console</title>'),
  assets: new Map([['/assets/main-4f2a.js', file('text/javascript; charset=utf-8', 'run()')]]),
}
const built = () => startFixture({ console: { version: '1', files: FILES } })

describe('console-page', () => {
  it('the bare address is the console, kept by no browser, and lets in scripts and styles of this listener alone', async () => {
    await using fixture = await built()
    const answer = await fixture.ask('/', { token: null, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' } })
    expect([answer.status, await answer.text()]).toEqual([200, '<title>Console</title>'])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const policy = new Map(
      answer.headers
        .get('content-security-policy')
        ?.split('; ')
        .map((part) => [part.split(' ')[0], part]),
    )
    expect(policy.get('default-src')).toBe("default-src 'none'")
    expect(policy.get('script-src')).toBe("script-src 'self'")
    expect(policy.get('style-src')).toBe("style-src 'self'")
    expect(policy.get('connect-src')).toBe("connect-src 'self'")
    expect(policy.get('frame-ancestors')).toBe("frame-ancestors 'none'")
    expect([...policy.values()].join(' ')).not.toMatch(/unsafe|https?:|\*/)
    expect(answer.headers.get('x-frame-options')).toBe('DENY')
  })

  it('its assets are kept for ever, because their names change with them', async () => {
    await using fixture = await built()
    const answer = await fixture.ask('/assets/main-4f2a.js', { token: null })
    expect([answer.headers.get('content-type'), await answer.text()]).toEqual(['text/javascript; charset=utf-8', 'run()'])
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  })

  it.each(['/assets/', '/assets/other.js', '/assets/../index.html', '/assets/%2e%2e/package.json', '/assets/main-4f2a.js/'])(
    'nothing else of the disk is there: %s',
    async (path) => {
      await using fixture = await built()
      await expectProblem(await fixture.ask(path, { token: null }), 'not_found', 404)
    },
  )

  it('the ways on stay reachable beside it, and stand alone where it was never built', async () => {
    await using fixture = await built()
    const links = await (await fixture.ask('/links', { token: null })).text()
    expect(links).toContain('href="/v1/openapi.json"')
    await using bare = await startFixture()
    expect(await (await bare.ask('/', { token: null })).text()).toBe(links)
    await expectProblem(await bare.ask('/assets/main-4f2a.js', { token: null }), 'not_found', 404)
  })
})
