import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  askThrough,
  authLine,
  CREDENTIALS,
  connectRaw,
  exchangeRaw,
  problemOf,
  startProxy,
  startRawUpstream,
  startUpstream,
} from './exchange-rig.ts'
import { untilStill } from './still.ts'

const closing = (request: IncomingMessage) => new Promise((resolve) => request.on('error', () => undefined).once('close', resolve))
const CHUNK = Buffer.alloc(64 * 1024, 'x')

describe('pass', () => {
  it('passes chunked bodies with their trailers', async () => {
    const upstream = await startRawUpstream((socket) => {
      socket.once('data', () => {
        socket.write(
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\nX-Sum: 43\r\n\r\n',
        )
      })
    })
    const rig = await startProxy()
    const answer = await askThrough(rig.port, `${upstream.url}/`)
    expect(answer).toMatchObject({ text: 'hello', rawTrailers: ['x-sum', '42', 'x-sum', '43'], headers: { trailer: 'X-Sum' } })
  })

  it('does not announce trailers where none can follow', async () => {
    const upstream = await startRawUpstream((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTrailer: X-Sum\r\n\r\nhi'))
    })
    const rig = await startProxy()
    const answer = await askThrough(rig.port, `${upstream.url}/`)
    expect(answer.text).toBe('hi')
    expect(answer.headers).not.toHaveProperty('trailer')
  })

  it('passes informational answers before the final one', async () => {
    const upstream = await startRawUpstream((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n')
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')
      })
    })
    const rig = await startProxy()
    const answer = await askThrough(rig.port, `${upstream.url}/`)
    expect(answer.text).toBe('hi')
    expect(answer.informations).toEqual([
      { status: 102, headers: {} },
      { status: 103, headers: { link: '</a.css>; rel=preload' } },
    ])
  })

  it.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n', { status: 200, headers: { 'content-length': '1000' } }],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204 }],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 7\r\n\r\n', { status: 304, headers: { etag: '"a"' } }],
  ])('%s: an answer without a body stays one', async (method, bytes, expected) => {
    const upstream = await startRawUpstream((socket) => socket.once('data', () => socket.write(bytes)))
    const rig = await startProxy()
    const answer = await askThrough(rig.port, `${upstream.url}/`, { method })
    expect(answer).toMatchObject({ ...expected, text: '' })
  })

  it('passes a body that ends with the connection', async () => {
    const upstream = await startRawUpstream((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nto the end')))
    const rig = await startProxy()
    expect((await askThrough(rig.port, `${upstream.url}/`)).text).toBe('to the end')
  })

  it('passes compressed bytes as they are', async () => {
    const bytes = gzipSync('hello')
    const upstream = await startUpstream((_, response) => {
      response.writeHead(200, { 'Content-Encoding': 'gzip' })
      response.end(bytes)
    })
    const rig = await startProxy()
    const answer = await askThrough(rig.port, `${upstream.url}/`)
    expect(answer.headers['content-encoding']).toBe('gzip')
    expect(answer.body).toEqual(bytes)
  })

  it('writes a small answer in one go', async () => {
    const upstream = await startRawUpstream((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')),
    )
    const rig = await startProxy()
    const client = connectRaw(rig.port)
    const reads: string[] = []
    client.socket.on('data', (chunk) => reads.push(chunk.toString('latin1')))
    client.socket.write(`GET ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}\r\n`)
    await client.until(/hi$/)
    expect(reads).toHaveLength(1)
  })

  it('server-sent events arrive one by one, as they are sent', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.write('data: 1\n\n')
      response.once('next' as never, () => response.end('data: 2\n\n'))
    })
    const rig = await startProxy()
    const sent = once(upstream.server, 'request')
    const client = connectRaw(rig.port)
    client.socket.write(`GET ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}Connection: close\r\n\r\n`)
    const [, response] = await sent
    expect(await client.until(/data: 1/)).not.toContain('data: 2')
    response.emit('next')
    expect(await client.closed()).toContain('data: 2')
  })

  it('a slow agent slows the upstream down: memory stays bounded', async () => {
    const TOTAL = 512
    let written = 0
    const { promise: stalled, resolve: blocked } = Promise.withResolvers<void>()
    const upstream = await startUpstream((_, response) => {
      const more = () => {
        while (written < TOTAL) {
          written++
          if (!response.write(CHUNK)) {
            blocked()
            response.once('drain', more)
            return
          }
        }
        response.end()
      }
      more()
    })
    const rig = await startProxy()
    const client = connectRaw(rig.port)
    client.socket.pause()
    client.socket.write(`GET ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}Connection: close\r\n\r\n`)
    await stalled
    await untilStill(() => written)
    expect(written).toBeLessThan(TOTAL / 2)
    let received = 0
    client.socket.removeAllListeners('data')
    client.socket.on('data', (chunk) => {
      received += chunk.length
    })
    client.socket.resume()
    await once(client.socket, 'close')
    expect(received).toBeGreaterThan(TOTAL * CHUNK.length)
  })

  it('an agent that goes away takes its upstream request with it', async () => {
    const upstream = await startUpstream((_, response) => void response.write('first'))
    const rig = await startProxy()
    const asked = once(upstream.server, 'request')
    const client = connectRaw(rig.port)
    client.socket.write(`GET ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}\r\n`)
    const [request] = await asked
    await client.until(/first/)
    const gone = closing(request)
    client.socket.destroy()
    await gone
    expect(await rig.line()).toMatchObject({ outcome: 'aborted', status: 200 })
  })

  it('an agent that goes away before any answer takes its upstream request with it', async () => {
    const upstream = await startUpstream(() => undefined)
    const rig = await startProxy()
    const asked = once(upstream.server, 'request')
    const client = connectRaw(rig.port)
    client.socket.write(`GET ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}\r\n`)
    const [request] = await asked
    const gone = closing(request)
    client.socket.destroy()
    await gone
    expect(await rig.line()).toMatchObject({ outcome: 'aborted' })
  })

  it.each([
    ['chunked', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
    ['of known length', 'Content-Length: 10\r\n\r\nhello'],
  ])('an upstream that breaks off in a body (%s) leaves a broken answer, never a short one', async (_, rest) => {
    const upstream = await startRawUpstream((socket) =>
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\n${rest}`, () => socket.resetAndDestroy())
      }),
    )
    const rig = await startProxy()
    await expect(askThrough(rig.port, `${upstream.url}/`)).rejects.toThrow(/aborted|ECONNRESET|hang up/)
    expect(await rig.line()).toMatchObject({ outcome: 'failed', code: 'upstream_unreachable' })
  })

  it('an HTTP/1.0 agent sees a reset, not an end, where the upstream broke off', async () => {
    const upstream = await startRawUpstream((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'))
    })
    const rig = await startProxy()
    const client = connectRaw(rig.port)
    client.socket.write(`GET ${upstream.url}/ HTTP/1.0\r\n${authLine}\r\n`)
    await client.until(/hello/)
    const failed = once(client.socket, 'error').then(([error]) => error.code)
    upstream.connections[0]?.destroy()
    expect(await failed).toBe('ECONNRESET')
  })

  it('what is no HTTP/1.1 is a 502, and none of it reaches the agent', async () => {
    const upstream = await startRawUpstream((socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9\r\n')))
    const rig = await startProxy()
    const answer = await askThrough(rig.port, `${upstream.url}/`)
    expect(answer.status).toBe(502)
    expect(answer.text).not.toContain('SSH')
    expect(problemOf(answer)).toMatchObject({ code: 'upstream_unreachable', detail: expect.stringContaining('not valid HTTP/1.1') })
  })

  it('an upstream that is silent for too long is a 504', async () => {
    const upstream = await startRawUpstream(() => undefined)
    const rig = await startProxy({ limits: { upstream: { head_ms: 300 } } })
    const answer = await askThrough(rig.port, `${upstream.url}/`)
    expect(answer.status).toBe(504)
    expect(problemOf(answer)).toMatchObject({ code: 'upstream_timeout' })
  })

  it('an upstream that falls silent inside a body is broken off', async () => {
    const upstream = await startRawUpstream((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi')),
    )
    const rig = await startProxy({ limits: { upstream: { idle_ms: 300 } } })
    await expect(askThrough(rig.port, `${upstream.url}/`)).rejects.toThrow()
    expect(await rig.line()).toMatchObject({ outcome: 'failed', code: 'upstream_timeout' })
  })

  it('an answer head beyond the bound is refused', async () => {
    const upstream = await startRawUpstream((socket) =>
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`)),
    )
    const rig = await startProxy()
    const answer = await askThrough(rig.port, `${upstream.url}/`)
    expect(answer.status).toBe(502)
    expect(problemOf(answer)).toMatchObject({ detail: expect.stringContaining('too large') })
  })

  it('Purser’s own headers are not the upstream’s to set', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(200, { 'Purser-Money': 'none', 'Purser-Payment': 'pay_forged' })
      response.end()
    })
    const rig = await startProxy()
    expect((await askThrough(rig.port, `${upstream.url}/`)).rawHeaders.join()).not.toMatch(/purser/i)
  })

  it('serves agents that speak HTTP/2: no connection headers, cookies joined, trailers and 103 passed', async () => {
    const upstream = await startRawUpstream((socket) => {
      socket.on('data', (bytes) => {
        seen += bytes.toString('latin1')
        if (!seen.includes('body')) return
        socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
        socket.write(
          'HTTP/1.1 201 Made\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n',
        )
        socket.write('Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 42\r\n\r\n')
      })
    })
    let seen = ''
    const rig = await startProxy()
    const origin = { scheme: 'http', host: '127.0.0.1', port: upstream.port } as const
    const server = createHttp2((request: Http2ServerRequest, response: Http2ServerResponse) => {
      rig.exchange.handleRequest(request, response, { mode: 'intercept', origin, credentials: ['Proxy-Authorization', CREDENTIALS] })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    onTestFinished(() => {
      session.destroy()
      server.close()
    })
    const stream = session.request({ ':method': 'POST', ':path': '/x', ':authority': `127.0.0.1:${upstream.port}`, cookie: ['a=1', 'b=2'] })
    const hints = once(stream, 'headers')
    const head = once(stream, 'response')
    const trailers = once(stream, 'trailers')
    stream.end('body')
    expect((await hints)[0]).toMatchObject({ ':status': 103, link: '</a>' })
    const [headers] = await head
    expect(headers).toMatchObject({ ':status': 201, 'set-cookie': ['a=1', 'b=2'] })
    expect(headers).not.toHaveProperty('x-hop')
    let body = ''
    for await (const chunk of stream) body += chunk
    expect(body).toBe('hi')
    expect((await trailers)[0]).toMatchObject({ 'x-sum': '42' })
    expect(seen).toMatch(/^POST \/x HTTP\/1.1\r\nhost: 127/)
    expect(seen).toMatch(/cookie: a=1; b=2\r\n/)
    expect(await rig.line()).toMatchObject({ outcome: 'passed', mode: 'intercept', status: 201, bytes: 2 })
  })

  it('an HTTP/2 agent sees a reset stream where the upstream broke off', async () => {
    const upstream = await startRawUpstream((socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello', () => socket.resetAndDestroy())
      }),
    )
    const rig = await startProxy()
    const origin = { scheme: 'http', host: '127.0.0.1', port: upstream.port } as const
    const server = createHttp2((request, response) => {
      rig.exchange.handleRequest(request, response, { mode: 'intercept', origin, credentials: ['Proxy-Authorization', CREDENTIALS] })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    onTestFinished(() => {
      session.destroy()
      server.close()
    })
    const stream = session.request({ ':path': '/', ':authority': `127.0.0.1:${upstream.port}` })
    stream.resume()
    const [error] = await once(stream, 'error')
    expect(error.code).toBe('ERR_HTTP2_STREAM_ERROR')
    expect(await rig.line()).toMatchObject({ outcome: 'failed' })
  })

  it('Host inside an intercepted connection must be the host that was connected to', async () => {
    const rig = await startProxy()
    const origin = { scheme: 'https', host: 'api.example.com', port: 443 } as const
    rig.server.removeAllListeners('request')
    rig.server.on('request', (request, response) =>
      rig.exchange.handleRequest(request, response, { mode: 'intercept', origin, credentials: ['Proxy-Authorization', CREDENTIALS] }),
    )
    for (const head of [
      'GET / HTTP/1.1\r\nHost: other.example\r\n',
      'GET https://other.example/ HTTP/1.1\r\nHost: api.example.com\r\n',
      'GET / HTTP/1.1\r\nHost: api.example.com:8443\r\n',
    ]) {
      const text = await exchangeRaw(rig.port, `${head}Connection: close\r\n\r\n`)
      expect(text, head).toMatch(/^HTTP\/1.1 421 .*host_mismatch/s)
    }
  })
})
