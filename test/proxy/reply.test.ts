import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
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
