import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MAX_BODY_AS_TEXT_BYTES, MAX_WRITTEN_AHEAD_BYTES } from '../../src/hot-path-limits.ts'
import { Reply } from '../../src/proxy/reply.ts'
import { connectRaw, type RawClient } from './exchange-rig.ts'

/** One request, whose reply the test writes. */
async function replyTo(request: string): Promise<{ reply: Reply; client: RawClient }> {
  const server = createServer()
  const replied = new Promise<Reply>((resolve) => {
    const serve = (...[heard, response]: ConstructorParameters<typeof Reply>) => resolve(new Reply(heard, response))
    server.on('request', serve).on('checkContinue', serve)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const client = connectRaw((server.address() as AddressInfo).port)
  client.socket.write(request)
  return { reply: await replied, client }
}

const END_STREAM = 1

/** An HTTP/2 frame without a payload of its own (RFC 9113 §4.1), or with one. */
function frame(type: number, flags: number, stream: number, payload = ''): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.set([type, flags], 3)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, Buffer.from(payload, 'latin1')])
}

/** The DATA frames of one answer over HTTP/2, as they come, to the one that ends it. */
async function dataFrames(answer: (reply: Reply) => void): Promise<{ flags: number; body: string }[]> {
  const server = createHttp2Server((request, response) => answer(new Reply(request, response)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  onTestFinished(() => {
    socket.destroy()
    server.close()
  })
  // :method GET, :scheme http, :path / and :authority a, by HPACK's static table (RFC 7541 appendix A).
  const headers = frame(1, END_STREAM | 4, 1, '\x82\x86\x84\x41\x01a')
  socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0), headers]))
  const frames: { flags: number; body: string }[] = []
  let left = Buffer.alloc(0)
  for await (const chunk of socket) {
    left = Buffer.concat([left, chunk])
    while (left.length >= 9 && left.length >= 9 + left.readUIntBE(0, 3)) {
      const end = 9 + left.readUIntBE(0, 3)
      const [type, flags = 0] = left.subarray(3, 5)
      if (type === 0) frames.push({ flags, body: left.toString('latin1', 9, end) })
      left = left.subarray(end)
      if (type === 0 && flags & END_STREAM) return frames
    }
  }
  return frames
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

describe('reply', () => {
  it('is complete once head and body went out', async () => {
    const { reply, client } = await replyTo(GET)
    reply.head(201, ['X-A', '1', 'Content-Length', '4'], 'Made')
    expect(reply.write(Buffer.from('he'))).toBe(true)
    reply.end(Buffer.from('re'))
    await reply.closed
    expect(reply).toMatchObject({ status: 201, bytes: 4, complete: true, gone: false })
    expect(await client.closed()).toBe('HTTP/1.1 201 Made\r\nX-A: 1\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhere')
  })

  it('over HTTP/2 the last promised bytes carry the end, so that nothing stays unread at an agent that leaves with them', async () => {
    const frames = await dataFrames((reply) => {
      reply.head(200, ['Content-Length', '4'])
      reply.write(Buffer.from('here'))
      setImmediate(() => reply.end())
    })
    expect(frames).toEqual([{ flags: END_STREAM, body: 'here' }])
  })

  it('over HTTP/2 an answer of unknown length ends after its last bytes', async () => {
    const frames = await dataFrames((reply) => {
      reply.head(200, [])
      reply.write(Buffer.from('here'))
      setImmediate(() => reply.end())
    })
    expect(frames).toEqual([
      { flags: 0, body: 'here' },
      { flags: END_STREAM, body: '' },
    ])
  })

  it('knows when the agent is gone, whoever asks, before and after', async () => {
    const { reply, client } = await replyTo(GET)
    let told = 0
    reply.onGone(() => told++)
    const { signal } = reply
    client.socket.destroy()
    await reply.closed
    reply.onGone(() => told++)
    expect([told, reply.gone, reply.complete, signal.aborted, reply.signal.aborted]).toEqual([2, true, false, true, true])
    reply.head(200, [])
    reply.inform(103, [])
    reply.continue()
    expect(reply.write(Buffer.from('x'))).toBe(true)
    reply.endWith(['X', '1'])
    expect(reply.bytes).toBe(0)
  })

  it('asks for the body once, and only an agent that waits for it', async () => {
    const { reply, client } = await replyTo(
      'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n',
    )
    reply.expectContinue()
    reply.continue()
    reply.continue()
    reply.head(204, [])
    reply.end()
    expect(await client.closed()).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 204 /)
    const other = await replyTo(GET)
    other.reply.continue()
    other.reply.head(204, [])
    other.reply.end()
    expect(await other.client.closed()).toMatch(/^HTTP\/1.1 204 /)
  })

  it('an agent before HTTP/1.1 gets no informational answers and no trailers', async () => {
    const { reply, client } = await replyTo('GET / HTTP/1.0\r\n\r\n')
    reply.inform(103, ['Link', '</a>'])
    reply.head(200, ['Trailer', 'X'])
    reply.write(Buffer.from('body'))
    reply.endWith(['X', '1'])
    const text = await client.closed()
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n.*\r\n\r\nbody$/s)
    expect(text).not.toMatch(/Trailer|103/)
  })

  it.each([0, 1, MAX_BODY_AS_TEXT_BYTES, MAX_BODY_AS_TEXT_BYTES + 1])('a body of %i bytes arrives byte for byte', async (length) => {
    const body = Buffer.from(Array.from({ length }, (_, at) => at % 256))
    const { reply, client } = await replyTo(GET)
    reply.head(200, ['X-Name', 'caf\u00e9'])
    reply.end(body)
    const text = await client.closed()
    expect(text).toContain('X-Name: caf\u00e9\r\n')
    expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toContain(body.toString('latin1'))
    expect(reply.bytes).toBe(length)
  })

  it('takes a bounded amount for an agent that does not read, and says when there is room again', async () => {
    const { reply, client } = await replyTo(GET)
    client.socket.pause()
    reply.head(200, [])
    const chunk = Buffer.alloc(65_536, 'x')
    let written = 0
    do written += chunk.length
    while (reply.write(chunk) && written < 64 * 1024 * 1024)
    expect(written).toBeLessThan(64 * 1024 * 1024)
    expect(written).toBeGreaterThanOrEqual(MAX_WRITTEN_AHEAD_BYTES)
    const drained = new Promise<void>((resolve) => reply.onDrain(resolve))
    client.socket.resume()
    await drained
    reply.end()
    await reply.closed
    expect(reply).toMatchObject({ bytes: written, complete: true })
  })

  it('breaking off leaves a broken connection, also after an end was begun', async () => {
    const { reply, client } = await replyTo(GET)
    reply.head(200, ['Content-Length', '10'])
    reply.write(Buffer.from('half'))
    await client.until(/half/)
    const failed = once(client.socket, 'error').then(([error]) => error.code)
    reply.breakOff()
    expect(await failed).toBe('ECONNRESET')
    await reply.closed
    expect(reply.complete).toBe(false)
    reply.breakOff()
  })

  it('can be the last one on its connection', async () => {
    const { reply, client } = await replyTo('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    reply.last()
    reply.head(204, [])
    reply.end()
    expect(await client.closed()).toContain('Connection: close')
  })
})
