import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { connect as connectHttp2, createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { resetsAfter } from '../../src/proxy/resets.ts'
import { testTls } from './exchange-rig.ts'

const WATCH_MS = 60_000
const ASK = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

interface Door {
  readonly port: number
  /** Each watched reset. */
  readonly resets: number[]
  /** Resolves once the n-th answer is written and watched. */
  watched(count: number): Promise<void>
  readonly server: Server
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

function door(make: (handler: (request: IncomingMessage, response: import('node:http').ServerResponse) => void) => Server) {
  const resets: number[] = []
  let count = 0
  const waiting: (() => void)[] = []
  const server = make((request, response) => {
    const watchReset = resetsAfter(request)
    count += 1
    const number = count
    response.end('answer')
    response.once('close', () => {
      watchReset(() => resets.push(number), WATCH_MS)
      for (const look of waiting) look()
    })
  })
  server.on('clientError', (_, socket) => socket.destroy())
  const watched = (wanted: number) =>
    new Promise<void>((resolve) => {
      const look = () => void (count >= wanted && resolve())
      waiting.push(look)
      look()
    })
  return { server, resets, watched }
}

async function plainDoor(): Promise<Door> {
  const parts = door((handler) => createServer(handler))
  return { ...parts, port: await listen(parts.server) }
}

/** Resolves when the server has seen this connection end. */
async function ended(server: Server, start: () => Socket): Promise<{ socket: Socket; over: Promise<unknown> }> {
  const accepted = once(server, 'connection')
  const socket = start()
  socket.on('error', () => undefined)
  const [serverSide] = await accepted
  return { socket, over: new Promise((resolve) => serverSide.once('close', resolve)) }
}

describe('resets', () => {
  it('a connection that is reset on an unread answer is told of', async () => {
    const { port, server, resets, watched } = await plainDoor()
    const { socket, over } = await ended(server, () => connect(port, '127.0.0.1'))
    socket.pause().write(ASK)
    await watched(1)
    socket.resetAndDestroy()
    await over
    expect(resets).toEqual([1])
  })

  it('is told of also where the answer was the last one of its connection', async () => {
    const { port, server, resets, watched } = await plainDoor()
    const { socket, over } = await ended(server, () => connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
    socket.pause().write(ASK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    await watched(1)
    socket.resetAndDestroy()
    await over
    expect(resets).toEqual([1])
  })

  it('an agent that had left when the answer was written is told of, though it only said goodbye', async () => {
    const asked = Promise.withResolvers<import('node:http').ServerResponse>()
    const told: string[] = []
    const over = Promise.withResolvers<void>()
    const server = createServer((request, response) => {
      const watchReset = resetsAfter(request)
      request.socket.once('close', () => over.resolve())
      response.once('close', () => watchReset(() => told.push(response.writableFinished ? 'lost' : 'broken off'), WATCH_MS))
      asked.resolve(response)
    })
    const port = await listen(server)
    const bells = createServer()
    const ringing = connect(await listen(bells))
    const [bell] = (await once(bells, 'connection')) as [Socket]
    onTestFinished(() => void ringing.destroy())
    const agent = connect(port)
    agent.write(ASK)
    const response = await asked.promise
    const heard = once(ringing, 'data')
    bell.write('once, so that it is listened to')
    await heard
    ringing.once('data', () => response.end('answer'))
    // Both are there before the next look at the sockets: first what the answer waits for, then the goodbye.
    setImmediate(() => {
      bell.write('now')
      agent.destroy()
    })
    await over.promise
    expect(told).toEqual(['lost'])
  })

  it('an orderly end is none, also when nothing more was asked', async () => {
    const { port, server, resets, watched } = await plainDoor()
    const { socket, over } = await ended(server, () => connect(port, '127.0.0.1'))
    socket.write(ASK)
    await Promise.all([once(socket, 'data'), watched(1)])
    socket.end()
    await over
    expect(resets).toEqual([])
  })

  it('a reset after a further request speaks of that one only', async () => {
    const { port, server, resets, watched } = await plainDoor()
    const { socket, over } = await ended(server, () => connect(port, '127.0.0.1'))
    socket.write(ASK)
    await watched(1)
    socket.write(ASK)
    await watched(2)
    socket.resetAndDestroy()
    await over
    expect(resets).toEqual([2])
  })

  it.each([
    ['long after the answer says nothing about it', WATCH_MS, []],
    ['a moment before that is told of', WATCH_MS - 1, [1]],
  ])('a reset %s', async (_, passed_ms, told) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { port, server, resets, watched } = await plainDoor()
    const { socket, over } = await ended(server, () => connect(port, '127.0.0.1'))
    socket.write(ASK)
    await Promise.all([once(socket, 'data'), watched(1)])
    vi.advanceTimersByTime(passed_ms)
    socket.resetAndDestroy()
    await over
    expect(resets).toEqual(told)
  })

  it('is told of inside TLS too', async () => {
    const { key, cert, ca } = testTls()
    const parts = door((handler) => createTlsServer({ key, cert }, handler))
    const port = await listen(parts.server)
    const accepted = once(parts.server, 'secureConnection')
    const raw = connect(port, '127.0.0.1')
    const socket = connectTls({ socket: raw, ca, servername: 'localhost' })
    socket.on('error', () => undefined)
    const [serverSide] = await accepted
    const over = new Promise((resolve) => serverSide.once('close', resolve))
    socket.write(ASK)
    await parts.watched(1)
    raw.resetAndDestroy()
    await over
    expect(parts.resets).toEqual([1])
  })

  it('is told of on HTTP/2 too, for every answer since the last request', async () => {
    const { key, cert, ca } = testTls()
    const resets: string[] = []
    const watched = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<void>()
    const server = createSecureServer({ key, cert })
    server.on('request', (request: Http2ServerRequest, response: Http2ServerResponse) => {
      const watchReset = resetsAfter(request)
      response.once('close', () => {
        watchReset(() => resets.push(request.url))
        if (request.url === '/2') watched.resolve()
      })
      response.end('answer')
    })
    server.on('session', (session) => session.on('error', () => undefined).once('close', () => closed.resolve()))
    server.on('sessionError', () => undefined)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const raw = connect((server.address() as AddressInfo).port, '127.0.0.1')
    raw.on('error', () => undefined)
    const agent = connectHttp2('https://localhost', {
      createConnection: () => connectTls({ socket: raw, ca, servername: 'localhost', ALPNProtocols: ['h2'] }),
    })
    agent.on('error', () => undefined)
    const ask = (path: string) => agent.request({ ':path': path }).on('error', () => undefined)
    await once(ask('/1').resume(), 'end')
    await once(ask('/2').resume(), 'end')
    await watched.promise
    raw.resetAndDestroy()
    await closed.promise
    expect(resets).toEqual(['/2'])
  })
})
