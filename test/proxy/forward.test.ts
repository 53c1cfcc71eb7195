import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { headerValue } from '../../src/http.ts'
import type { BodyState, OnPaymentRequired } from '../../src/session/exchange.ts'
import { askThrough, authLine, connectRaw, exchangeRaw, problemOf, startProxy, startRawUpstream, startUpstream } from './exchange-rig.ts'
import { untilStill } from './still.ts'

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Refuses everything, and remembers what it saw. */
function refusing(): { flow: OnPaymentRequired; bodies: BodyState[] } {
  const bodies: BodyState[] = []
  return {
    bodies,
    flow: async (request) => {
      bodies.push(await request.body())
      return { kind: 'refuse', refusal: { code: 'no_tier_matches', detail: 'No.' } }
    },
  }
}

describe('forward', () => {
  it.each([
    ['Content-Length', 'Content-Length: 5\r\n\r\nhello', 'content-length', '5'],
    ['chunked', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', 'transfer-encoding', 'chunked'],
  ])('sends a body on with the framing that it came in (%s)', async (_, rest, name, value) => {
    const bodies: Buffer[] = []
    const upstream = await startUpstream(async (request, response) => {
      bodies.push(await bodyOf(request))
      response.end()
    })
    const rig = await startProxy()
    const text = await exchangeRaw(rig.port, `POST ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}Connection: close\r\n${rest}`)
    expect(text).toMatch(/^HTTP\/1.1 200/)
    expect(String(bodies[0])).toBe('hello')
    expect(headerValue(upstream.heads[0] ?? [], name)).toBe(value)
  })

  it.each(['GET', 'DELETE'])('%s with a body keeps it', async (method) => {
    const bodies: Buffer[] = []
    const upstream = await startUpstream(async (request, response) => {
      bodies.push(await bodyOf(request))
      response.end()
    })
    const rig = await startProxy()
    await askThrough(rig.port, `${upstream.url}/`, { method, body: 'hello' })
    expect(String(bodies[0])).toBe('hello')
  })

  it('streams a body up with back-pressure, whatever its size', async () => {
    const { promise: opened, resolve: open } = Promise.withResolvers<IncomingMessage>()
    const upstream = await startUpstream((request) => {
      request.pause()
      open(request)
    })
    const rig = await startProxy({ onPaymentRequired: refusing().flow })
    const client = connectRaw(rig.port)
    const size = 64 * 1024 * 1024
    client.socket.write(`POST ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}Content-Length: ${size}\r\n\r\n`)
    const chunk = Buffer.alloc(256 * 1024, 'y')
    let sent = 0
    const more = () => {
      while (sent < size) {
        sent += chunk.length
        if (!client.socket.write(chunk)) return
      }
    }
    client.socket.on('drain', more)
    more()
    const request = await opened
    await untilStill(() => client.socket.bytesWritten)
    expect(client.socket.writableLength).toBeGreaterThan(0)
    expect(sent).toBeLessThan(size / 2)
    request.resume()
    await once(client.socket, 'drain')
  })

  it('lets the agent send its body once the upstream is ready for it (Expect: 100-continue)', async () => {
    const upstream = await startUpstream(async (request, response) => void response.end(await bodyOf(request)))
    const rig = await startProxy()
    const client = connectRaw(rig.port)
    client.socket.write(
      `POST ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}Connection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`,
    )
    await client.until(/^HTTP\/1.1 100 Continue\r\n\r\n/)
    client.socket.write('hello')
    expect(await client.closed()).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK.*hello$/s)
  })

  it('does not ask for a body that nobody will read', async () => {
    const rig = await startProxy()
    const text = await exchangeRaw(
      rig.port,
      `POST http://127.0.0.1:1/ HTTP/1.1\r\nHost: a\r\n${authLine}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`,
    )
    expect(text).toMatch(/^HTTP\/1.1 502 .*Connection: close/s)
    expect(text).not.toContain('100 Continue')
  })

  it('an early answer arrives, and the connection goes on to its next request', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(413, { 'Content-Length': '3', Connection: 'close' })
      response.end('big')
    })
    const rig = await startProxy()
    const client = connectRaw(rig.port)
    const size = 2 * 1024 * 1024
    client.socket.write(`POST ${upstream.url}/a HTTP/1.1\r\nHost: a\r\n${authLine}Content-Length: ${size}\r\n\r\nabc`)
    await client.until(/413.*big/s)
    client.socket.write(Buffer.alloc(size - 3))
    client.socket.write(`GET ${upstream.url}/b HTTP/1.1\r\nHost: a\r\n${authLine}Connection: close\r\n\r\n`)
    await client.closed()
    expect(upstream.targets).toEqual(['/a', '/b'])
  })

  it('an agent that breaks off in its body breaks off the upstream request', async () => {
    const upstream = await startUpstream(() => undefined)
    const rig = await startProxy()
    const asked = once(upstream.server, 'request')
    const client = connectRaw(rig.port)
    client.socket.write(`POST ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}Content-Length: 10\r\n\r\nhal`)
    const [request] = await asked
    const gone = new Promise((resolve) => request.on('error', () => undefined).once('close', resolve))
    client.socket.destroy()
    await gone
    expect(request.complete).toBe(false)
    expect(await rig.line()).toMatchObject({ outcome: 'aborted' })
  })

  it('an early 402 waits for the rest of the body, whose digest covers all of it', async () => {
    const upstream = await startRawUpstream((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 402 Payment Required\r\nContent-Length: 2\r\n\r\n{}')),
    )
    const { flow, bodies } = refusing()
    const rig = await startProxy({ onPaymentRequired: flow })
    const client = connectRaw(rig.port)
    client.socket.write(`POST ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}Connection: close\r\nContent-Length: 10\r\n\r\nhello`)
    await untilStill(() => client.received())
    expect(client.received()).toBe('')
    client.socket.write('world')
    expect(await client.closed()).toMatch(/^HTTP\/1.1 403 /)
    expect(bodies).toEqual([{ digest: sha256('helloworld'), bytes: 10, replayable: true, bound_bytes: 65_536 }])
  })

  it('drops the copy of a long body, and keeps it once the route has charged', async () => {
    const upstream = await startUpstream(async (request, response) => {
      await bodyOf(request)
      response.writeHead(402)
      response.end('{}')
    })
    const { flow, bodies } = refusing()
    const rig = await startProxy({ onPaymentRequired: flow, limits: { keptMemory_bytes: 100, keptSpool_bytes: 1000 } })
    const body = Buffer.alloc(500, 'z')
    await askThrough(rig.port, `${upstream.url}/a?x=1`, { method: 'POST', body })
    await askThrough(rig.port, `${upstream.url}/a?x=2`, { method: 'POST', body })
    await askThrough(rig.port, `${upstream.url}/b`, { method: 'POST', body })
    const digest = sha256(body)
    expect(bodies).toEqual([
      { digest, bytes: 500, replayable: false, bound_bytes: 100 },
      { digest, bytes: 500, replayable: true, bound_bytes: 1000 },
      { digest, bytes: 500, replayable: false, bound_bytes: 100 },
    ])
  })

  it('a failing payment flow is an internal error whose money is unknown', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(402)
      response.end('{}')
    })
    const rig = await startProxy({ onPaymentRequired: () => Promise.reject(new Error('bug')) })
    const answer = await askThrough(rig.port, `${upstream.url}/`)
    expect(answer).toMatchObject({ status: 500, headers: { 'purser-money': 'unknown' } })
    expect(problemOf(answer)).toMatchObject({ code: 'internal_error', moneyState: 'unknown' })
    expect(rig.faults).toHaveLength(1)
  })

  it('an upstream that cannot take the path for a request line gets none', async () => {
    const server = createServer()
    server.close()
    const upstream = await startUpstream((_, response) => response.end())
    const rig = await startProxy()
    const answer = await askThrough(rig.port, `${upstream.url}/a%20b/../c?d=%0d%0aX: 1`.replace(' ', '%20'))
    expect(answer.status).toBe(200)
    expect(upstream.targets).toEqual(['/c?d=%0d%0aX:%201'])
  })
})
