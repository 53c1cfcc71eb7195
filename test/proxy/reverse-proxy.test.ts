import { describe, expect, it } from 'vitest'
import { headerValue } from '../../src/http.ts'
import { createReverseDoor, type ReverseRequest } from '../../src/proxy/reverse-proxy.ts'
import { askThrough, problemOf, startProxy, startUpstream, TOKEN } from './exchange-rig.ts'

const ask = (changes: Partial<ReverseRequest> = {}): ReverseRequest => ({
  requestTarget: '/weather/now',
  host: '127.0.0.1:4020',
  secFetchSite: undefined,
  origin: undefined,
  localAddress: '127.0.0.1',
  ...changes,
})
const routes = [
  { prefix: '/weather/', upstream: 'https://api.weather.example/' },
  { prefix: '/weather/eu/', upstream: 'https://eu.weather.example/v2/base/' },
]
const door = createReverseDoor({ routes, hosts: ['gateway.internal.example'] })

describe('reverse proxy', () => {
  it.each([
    ['/weather/now', 'https://api.weather.example/now'],
    ['/weather/now?a=1&b=%20', 'https://api.weather.example/now?a=1&b=%20'],
    ['/weather/', 'https://api.weather.example/'],
    ['/weather/eu/now', 'https://eu.weather.example/v2/base/now'],
    ['/weather/x/../now', 'https://api.weather.example/now'],
    ['/other/../weather/now', 'https://api.weather.example/now'],
  ])('%s goes to %s: the longest prefix gives way to its upstream', (requestTarget, url) => {
    expect(door(ask({ requestTarget }))).toMatchObject({ kind: 'target', url })
  })

  it.each([
    '/weather/eu/..%2f..%2fadmin',
    '/weather/eu/%2e%2e%2fadmin',
    '/weather/eu/..;/admin',
    '/weather/eu/a%5c..%5cadmin',
    '/weather/eu/%2E%2e;x/a',
  ])('%s does not climb out of the route', (requestTarget) => {
    expect(door(ask({ requestTarget }))).toEqual({ kind: 'fault', code: 'request_invalid', detail: 'The path leaves the route.' })
  })

  it('dots that a URL parser resolves leave the route before it is chosen', () => {
    expect(door(ask({ requestTarget: '/weather/eu/../../admin' }))).toMatchObject({ kind: 'fault', code: 'not_found' })
  })

  it('what no route names is not found', () => {
    expect(door(ask({ requestTarget: '/nothing' }))).toEqual({ kind: 'fault', code: 'not_found', detail: 'No route begins like /nothing.' })
    expect(door(ask({ requestTarget: '/weather' }))).toMatchObject({ code: 'not_found' })
    expect(door(ask({ requestTarget: '*' }))).toMatchObject({ code: 'request_invalid' })
    expect(door(ask({ requestTarget: '//evil.example/weather/' }))).toMatchObject({ kind: 'fault' })
  })

  it.each([
    'localhost',
    'localhost:4020',
    '127.0.0.1',
    '127.8.9.1:1',
    '[::1]:4020',
    'gateway.internal.example:80',
    'GATEWAY.internal.example',
  ])('Host %s is a name of the listener', (host) => {
    expect(door(ask({ host }))).toMatchObject({ kind: 'target' })
  })

  it('the address on which the connection came in is a name of the listener', () => {
    expect(door(ask({ host: '10.1.2.3:4020', localAddress: '::ffff:10.1.2.3' }))).toMatchObject({ kind: 'target' })
    expect(door(ask({ host: '[fd00::1]:4020', localAddress: 'fd00::1' }))).toMatchObject({ kind: 'target' })
  })

  it('that address is one for its own connections only', () => {
    expect(door(ask({ host: '10.1.2.3', localAddress: '10.1.2.3' }))).toMatchObject({ kind: 'target' })
    expect(door(ask({ host: '10.1.2.3', localAddress: '10.9.9.9' }))).toMatchObject({ kind: 'fault', code: 'host_mismatch' })
  })

  it.each([undefined, '', 'evil.example', '127.0.0.1.evil.example', 'localhost.evil.example', '10.9.9.9', 'a b'])(
    'Host %s is refused',
    (host) => {
      expect(door(ask({ host }))).toMatchObject({ kind: 'fault', code: 'host_mismatch' })
    },
  )

  it.each([
    [{ secFetchSite: 'cross-site' }],
    [{ secFetchSite: 'same-site' }],
    [{ origin: 'https://evil.example' }],
    [{ origin: 'null' }],
    [{ origin: 'http://127.0.0.1:9999' }],
  ])('pages of other sites are kept out: %o', (changes) => {
    expect(door(ask(changes))).toEqual({
      kind: 'fault',
      code: 'destination_not_allowed',
      detail: 'Pages of other sites may not use this listener.',
    })
  })

  it('our own pages and programs are not', () => {
    expect(door(ask({ secFetchSite: 'same-origin', origin: 'http://127.0.0.1:4020' }))).toMatchObject({ kind: 'target' })
    expect(door(ask({ secFetchSite: 'none' }))).toMatchObject({ kind: 'target' })
  })

  it('a route to something that is no URL fails at the start', () => {
    expect(() => createReverseDoor({ routes: [{ prefix: '/a/', upstream: 'ftp://x/' }], hosts: [] })).toThrow(/route \/a\/: Only http/)
  })

  it('forwards for the session in Purser-Session, which goes no further', async () => {
    const upstream = await startUpstream((_, response) => response.end('sunny'))
    const rig = await startProxy({ routes: [{ prefix: '/weather/', upstream: `${upstream.url}/base/` }] })
    const answer = await askThrough(rig.port, '/weather/now?q=1', { anonymous: true, headers: ['Purser-Session', TOKEN] })
    expect(answer.text).toBe('sunny')
    expect(upstream.targets).toEqual(['/base/now?q=1'])
    expect(JSON.stringify(upstream.heads)).not.toContain(TOKEN)
    expect(headerValue(upstream.heads[0] ?? [], 'host')).toBe(`127.0.0.1:${upstream.port}`)
    expect(await rig.line()).toMatchObject({ mode: 'reverse', target: `${upstream.url}/base/now` })
  })

  it('without a session the answer is 401, not a proxy’s 407', async () => {
    const rig = await startProxy({ routes: [{ prefix: '/weather/', upstream: 'http://127.0.0.1:1/' }] })
    const answer = await askThrough(rig.port, '/weather/now', { anonymous: true })
    expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer realm="purser"' } })
    expect(problemOf(answer)).toMatchObject({ code: 'session_required', status: 401 })
  })
})
