import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { headerValue } from '../../src/http.ts'
import type { TraceExchange } from '../../src/telemetry/events.ts'
import {
  askThrough,
  authLine,
  connectRaw,
  exchangeRaw,
  hearEvents,
  openSession,
  problemOf,
  startProxy,
  startRawUpstream,
  startUpstream,
  TOKEN,
  testTls,
} from './exchange-rig.ts'

describe('exchange', () => {
  it('passes head, status text and body of an answer byte for byte', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(203, 'Not Quite', ['X-One', 'a', 'x-ONE', 'b', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Latin', 'caf\xe9'])
      response.end('hello')
    })
    const rig = await startProxy()
    const answer = await askThrough(rig.port, `${upstream.url}/path?q=1`)
    expect(answer).toMatchObject({ status: 203, statusText: 'Not Quite', text: 'hello' })
    expect(answer.rawHeaders).toEqual(expect.arrayContaining(['X-One', 'a', 'x-ONE', 'b', 'a=1', 'b=2', 'caf\xe9']))
    expect(upstream.targets).toEqual(['/path?q=1'])
    expect(await rig.line()).toMatchObject({
      outcome: 'passed',
      mode: 'forward',
      method: 'GET',
      target: `${upstream.url}/path`,
      status: 203,
      bytes: 5,
      sessionId: 'ses_1',
      agent: 'tester',
    })
    expect(rig.lines).toHaveLength(1)
  })

  it('sends the upstream the traceparent of its own span in the place of the agent’s, and the agent’s where traces are off', async () => {
    const upstream = await startUpstream((_, response) => response.end())
    const [agents, ours] = ['b7ad6b7169203331', '00f067aa0ba902b7'].map((span) => `00-0af7651916cd43dd8448eb211c80319c-${span}-01`)
    const heard: (string | undefined)[] = []
    const traceExchange: TraceExchange = (traceparent, run) => {
      heard.push(traceparent)
      run(ours)
    }
    for (const events of [hearEvents(), { ...hearEvents(), traceExchange }]) {
      const rig = await startProxy({ events })
      expect((await askThrough(rig.port, `${upstream.url}/`, { headers: ['Traceparent', agents ?? ''] })).status).toBe(200)
    }
    expect(heard).toEqual([agents])
    expect(upstream.heads.map((head) => headerValue(head, 'traceparent'))).toEqual([agents, ours])
  })

  it('the end of a session breaks off the answers that it still gets, and nobody else’s', async () => {
    const upstream = await startUpstream((_, response) => void response.write('first'))
    const rig = await startProxy()
    const client = connectRaw(rig.port)
    client.socket.write(`GET ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}\r\n`)
    await client.until(/first/)
    rig.exchange.endSession('ses_2')
    expect([client.socket.closed, rig.exchange.active()]).toEqual([false, 1])
    rig.exchange.endSession('ses_1')
    await client.closed()
    expect(await rig.line()).toMatchObject({ outcome: 'aborted', sessionId: 'ses_1' })
    expect(rig.exchange.active()).toBe(0)
  })

  it('lets neither credentials nor Purser headers nor hop-by-hop headers reach the upstream', async () => {
    const upstream = await startUpstream((_, response) => response.end())
    const rig = await startProxy()
    const headers = [
      'Purser-Task',
      'canary-task',
      'Purser-Session',
      TOKEN,
      'Keep-Alive',
      'timeout=9',
      'Connection',
      'X-Mine',
      'X-Mine',
      'canary-hop',
      'X-Kept',
      'yes',
    ]
    expect((await askThrough(rig.port, `${upstream.url}/`, { headers })).status).toBe(200)
    const seen = JSON.stringify(upstream.heads)
    expect(seen).not.toMatch(/canary|purser|proxy-|ses_1|keep-alive: timeout/i)
    expect(headerValue(upstream.heads[0] ?? [], 'x-kept')).toBe('yes')
  })

  it('sends the target’s authority as Host, whatever the agent wrote there', async () => {
    const upstream = await startUpstream((_, response) => response.end())
    const rig = await startProxy()
    const text = await exchangeRaw(
      rig.port,
      `GET ${upstream.url}/ HTTP/1.1\r\nHost: elsewhere.example\r\n${authLine}Connection: close\r\n\r\n`,
    )
    expect(text).toMatch(/^HTTP\/1.1 200/)
    expect(headerValue(upstream.heads[0] ?? [], 'host')).toBe(`127.0.0.1:${upstream.port}`)
  })

  it('refuses a request without a session, and tells how to send one', async () => {
    const upstream = await startUpstream((_, response) => response.end())
    const rig = await startProxy()
    const answer = await askThrough(rig.port, `${upstream.url}/`, { anonymous: true })
    expect(answer.status).toBe(407)
    expect(answer.headers).toMatchObject({
      'proxy-authenticate': 'Basic realm="purser"',
      'purser-money': 'none',
      'cache-control': 'no-store',
    })
    expect(problemOf(answer)).toMatchObject({ code: 'session_required', moneyState: 'none' })
    expect(upstream.targets).toEqual([])
    expect(await rig.line()).toMatchObject({ outcome: 'refused', code: 'session_required', status: 407 })
  })

  it('refuses payment headers of the agent itself', async () => {
    const upstream = await startUpstream((_, response) => response.end())
    const rig = await startProxy()
    const answer = await askThrough(rig.port, `${upstream.url}/`, { headers: ['X-PAYMENT', 'abc'] })
    expect(answer.status).toBe(400)
    expect(problemOf(answer)).toMatchObject({ code: 'payment_header_forbidden', detail: 'The request carried x-payment.' })
    expect(upstream.targets).toEqual([])
  })

  it('keeps every request of a session within its scope where the scope judges all of them', async () => {
    const upstream = await startUpstream((_, response) => response.end())
    const rig = await startProxy({ session: openSession({ scope: { hosts: ['api.example.com'], enforce: 'all' } }) })
    const answer = await askThrough(rig.port, `${upstream.url}/`)
    expect(answer.status).toBe(403)
    expect(problemOf(answer)).toMatchObject({ code: 'out_of_scope', sessionId: 'ses_1' })
  })

  it('forwards unpaid traffic of expired and exhausted sessions', async () => {
    const upstream = await startUpstream((_, response) => response.end('free'))
    const rig = await startProxy({ session: openSession({ expiresAt: 1, cap: 0n }) })
    expect((await askThrough(rig.port, `${upstream.url}/`)).text).toBe('free')
  })

  it('refuses what is neither http nor https, and URLs with credentials in them', async () => {
    const rig = await startProxy()
    for (const target of ['ftp://example.com/', 'http://user:secret@example.com/', 'http:///x', 'foo']) {
      const text = await exchangeRaw(rig.port, `GET ${target} HTTP/1.1\r\nHost: a\r\n${authLine}Connection: close\r\n\r\n`)
      expect(text, target).toMatch(/^HTTP\/1.1 400 .*request_invalid/s)
      expect(text).not.toContain('secret')
    }
  })

  it.each(['TRACE'])('refuses %s', async (method) => {
    const rig = await startProxy()
    expect((await askThrough(rig.port, 'http://127.0.0.1:1/', { method })).status).toBe(400)
  })

  it('does not connect to private addresses that nobody opened', async () => {
    const upstream = await startUpstream((_, response) => response.end())
    const rig = await startProxy({ opened: [] })
    for (const host of ['127.0.0.1', 'private.example', '[::1]', '2130706433']) {
      const answer = await askThrough(rig.port, `http://${host}:${upstream.port}/`)
      expect(answer.status, host).toBe(403)
      expect(problemOf(answer)).toMatchObject({ code: 'destination_not_allowed' })
    }
    expect(upstream.targets).toEqual([])
    expect(rig.connections()).toBe(0)
  })

  it('says so when an upstream refuses the connection, or its name does not exist', async () => {
    const gone = await startRawUpstream(() => undefined)
    const rig = await startProxy({
      resolve: async (host) => {
        if (host === 'nowhere.example') throw new Error('ENOTFOUND')
        return [{ address: '127.0.0.1', family: 4 }]
      },
    })
    const closedPort = gone.port === 1 ? 2 : 1
    for (const url of [`http://127.0.0.1:${closedPort}/`, 'http://nowhere.example/']) {
      const answer = await askThrough(rig.port, url)
      expect(answer.status).toBe(502)
      expect(problemOf(answer)).toMatchObject({ code: 'upstream_unreachable', retrySafe: true })
    }
    expect(rig.lines.map(({ outcome }) => outcome)).toEqual(['failed', 'failed'])
  })

  it('forwards https asked for in absolute form over verified TLS', async () => {
    const tls = testTls()
    const upstream = await startUpstream((_, response) => response.end('secure'), tls)
    const trusting = await startProxy({ ca: [tls.ca] })
    expect((await askThrough(trusting.port, `${upstream.url}/`)).text).toBe('secure')
    const strict = await startProxy()
    const answer = await askThrough(strict.port, `${upstream.url}/`)
    expect(answer.status).toBe(502)
    expect(problemOf(answer)).toMatchObject({ code: 'upstream_untrusted' })
    expect(problemOf(answer).detail).toMatch(/certificate of localhost:\d+ was not accepted/)
  })

  it('does not accept a certificate for another name', async () => {
    const tls = testTls()
    const upstream = await startUpstream((_, response) => response.end(), tls)
    const rig = await startProxy({ ca: [tls.ca] })
    const answer = await askThrough(rig.port, `https://other.example:${upstream.port}/`)
    expect(problemOf(answer)).toMatchObject({ code: 'upstream_untrusted', detail: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID') })
    expect(upstream.targets).toEqual([])
  })

  it('asks hosts of upgradeToHttps over TLS though the agent said http', async () => {
    const tls = testTls()
    const upstream = await startUpstream((_, response) => response.end('secure'), tls)
    const rig = await startProxy({ ca: [tls.ca], upgradeToHttps: ['localhost'] })
    expect((await askThrough(rig.port, `http://localhost:${upstream.port}/x`)).text).toBe('secure')
    expect(await rig.line()).toMatchObject({ target: `https://localhost:${upstream.port}/x` })
  })

  it('does not follow redirects', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(302, { Location: '/elsewhere' })
      response.end()
    })
    const rig = await startProxy()
    const answer = await askThrough(rig.port, `${upstream.url}/`)
    expect(answer).toMatchObject({ status: 302, headers: { location: '/elsewhere' } })
    expect(upstream.targets).toEqual(['/'])
  })

  it('serves many requests on one agent connection and one upstream connection', async () => {
    const upstream = await startUpstream((request, response) => {
      request.resume().on('end', () => response.end(request.url))
    })
    const rig = await startProxy()
    const client = connectRaw(rig.port)
    const ask = (path: string) =>
      client.socket.write(`POST ${upstream.url}${path} HTTP/1.1\r\nHost: a\r\n${authLine}Content-Length: 2\r\n\r\nhi`)
    ask('/1')
    await client.until(/\/1$/)
    ask('/2')
    await client.until(/\/2$/)
    expect(upstream.targets).toEqual(['/1', '/2'])
    expect(rig.connections()).toBe(1)
  })

  it('drains: what runs ends first, then the connections to upstreams close', async () => {
    const { promise: release, resolve } = Promise.withResolvers<void>()
    const upstream = await startUpstream((_, response) => void release.then(() => response.end('late')))
    const rig = await startProxy()
    const answer = askThrough(rig.port, `${upstream.url}/`)
    await once(upstream.server, 'request')
    expect(rig.exchange.active()).toBe(1)
    let drained = false
    const closing = rig.exchange.close().then(() => {
      drained = true
    })
    await new Promise((next) => setImmediate(next))
    expect(drained).toBe(false)
    resolve()
    expect((await answer).text).toBe('late')
    await closing
    expect([rig.exchange.active(), rig.connections()]).toEqual([0, 0])
  })

  it('a fault of ours is an internal error and is told, not a hanging request', async () => {
    const rig = await startProxy({ identify: () => Promise.reject(new Error('bug')) })
    const answer = await askThrough(rig.port, 'http://a.example/')
    expect(answer.status).toBe(500)
    expect(problemOf(answer)).toMatchObject({ code: 'internal_error' })
    expect(rig.faults).toHaveLength(1)
  })

  it('a refusal that cannot be written becomes an internal error, and the exchange ends', async () => {
    const refusal = { code: 'session_invalid', detail: 'x' } as const
    const rig = await startProxy({ identify: async () => ({ kind: 'refused', refusal, headers: ['Bad Name', 'x'] }) })
    const answer = await askThrough(rig.port, 'http://a.example/')
    expect(problemOf(answer)).toMatchObject({ code: 'internal_error', status: 500 })
    await rig.line()
    expect(rig.exchange.active()).toBe(0)
    expect(rig.faults.length).toBeGreaterThan(0)
  })
})
