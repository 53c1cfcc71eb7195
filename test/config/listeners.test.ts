import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { adminSchema, proxySchema, yesOrNo } from '../../src/config/listeners.ts'
import { issuesOf } from '../../src/session/issues.ts'

const proxy = proxySchema('/etc/purser')
const admin = adminSchema('/etc/purser')

function issues(schema: z.ZodType, value: unknown) {
  const parsed = schema.safeParse(value)
  return parsed.success ? [] : issuesOf(parsed.error)
}
const paths = (value: unknown) => issues(proxy, value).map(({ path }) => path)

describe('proxySchema', () => {
  it('listens on loopback, wants sessions, intercepts every host and reaches no private network by default', () => {
    expect(proxy.parse({})).toEqual({
      listen: { host: '127.0.0.1', port: 4020 },
      hosts: [],
      workers: 1,
      unsafePlainListener: false,
      connectPorts: [443],
      authenticate: true,
      defaultSession: null,
      intercept: { hosts: ['*'], except: [] },
      routes: [],
      upgradeToHttps: [],
      unsafeAllowPrivateUpstreams: [],
      tls: { caFiles: [] },
    })
  })

  it.each([
    [proxy, {}],
    [admin, {}],
  ])('a listener beyond loopback needs TLS, or the word unsafe', (schema, more) => {
    const open = { ...more, listen: '0.0.0.0:4020' }
    expect(issues(schema, open)).toEqual([
      {
        path: 'listen',
        message: 'listens beyond loopback without TLS: give serverTls a cert and a key, or write unsafePlainListener: true',
      },
    ])
    expect(issues(schema, { ...open, unsafePlainListener: true })).toEqual([])
    expect(issues(schema, { ...open, serverTls: { cert: 'c.pem', key: 'k.pem' } })).toEqual([])
    expect(issues(schema, { ...open, serverTls: { cert: 'c.pem' } }).map(({ path }) => path)).toEqual(['serverTls.key'])
  })

  it('requests without credentials need a default session with a cap and a lifetime', () => {
    expect(paths({ authenticate: false })).toEqual(['defaultSession'])
    expect(paths({ authenticate: false, defaultSession: {} })).toEqual(['defaultSession.cap', 'defaultSession.ttl'])
    expect(paths({ authenticate: false, defaultSession: { cap: '5.00', ttl: '24h' } })).toEqual([])
  })

  it('requests without credentials are for loopback only, even over TLS', () => {
    const shared = { authenticate: false, defaultSession: { cap: '5.00', ttl: '24h' }, listen: '0.0.0.0:4020' }
    expect(paths({ ...shared, serverTls: { cert: 'c', key: 'k' } })).toEqual(['authenticate'])
    expect(paths({ ...shared, unsafePlainListener: true })).toEqual(['authenticate'])
  })

  it.each([
    [{ routes: [{ prefix: 'weather/', upstream: 'https://x.example/' }] }, 'routes[0].prefix'],
    [{ routes: [{ prefix: '/weather', upstream: 'https://x.example/' }] }, 'routes[0].prefix'],
    [{ routes: [{ prefix: '/a/../b/', upstream: 'https://x.example/' }] }, 'routes[0].prefix'],
    [{ routes: [{ prefix: '/.purser/', upstream: 'https://x.example/' }] }, 'routes[0].prefix'],
    [{ routes: [{ prefix: '/a/', upstream: 'x.example' }] }, 'routes[0].upstream'],
    [{ connectPorts: [0] }, 'connectPorts[0]'],
    [{ intercept: { hosts: ['https://x'] } }, 'intercept.hosts[0]'],
    [{ upgradeToHttps: [1] }, 'upgradeToHttps[0]'],
    [{ unsafeAllowPrivateUpstreams: ['10.0.0.1'] }, 'unsafeAllowPrivateUpstreams[0]'],
    [{ tls: { caFile: [] } }, 'tls.caFile'],
    [{ hosts: ['*'] }, 'hosts[0]'],
    [{ authenticate: 'no' }, 'authenticate'],
    [{ defaultSession: { cap: 1, ttl: '1h', token: 'x' } }, 'defaultSession.token'],
  ])('%j is refused at its path', (value, path) => {
    expect(paths(value)).toEqual([path])
  })

  it('two routes of one prefix are refused', () => {
    const route = { prefix: '/a/', upstream: 'https://x.example/' }
    expect(issues(proxy, { routes: [route, route] })).toEqual([
      { path: 'routes[1].prefix', message: '/a/ is the prefix of another route already' },
    ])
  })

  it('does not leave through itself', () => {
    expect(issues(proxy, { parent: { url: 'http://corp:3128' } })).toEqual([])
    expect(issues(proxy, { parent: { url: 'http://localhost:4020' } })).toEqual([{ path: 'parent', message: 'is this proxy itself' }])
  })
})

describe('yesOrNo', () => {
  it('takes no word for true or false', () => {
    expect([true, false, 'true', 'no', 1, null].map((value) => yesOrNo.safeParse(value).success)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ])
  })
})
