import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { authLine, connectRaw, exchangeRaw, startProxy, startRawUpstream, startUpstream, TOKEN, testTls } from './exchange-rig.ts'

interface Chat {
  readonly port: number
  readonly requests: IncomingMessage[]
  readonly sockets: Socket[]
}

/** Accepts the upgrade, and sends everything back. */
async function startChat(secure = false): Promise<Chat> {
  const requests: IncomingMessage[] = []
  const sockets: Socket[] = []
  const server = secure ? createTlsServer(testTls()) : createServer()
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    requests.push(request)
    sockets.push(socket)
    socket.on('error', () => undefined)
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nPurser-Money: forged\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, requests, sockets }
}

const HANDSHAKE =
  'Connection: Upgrade, X-Hop\r\nX-Hop: canary-hop\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
const ask = (url: string, extra = '') => `GET ${url} HTTP/1.1\r\nHost: a\r\n${authLine}${HANDSHAKE}${extra}\r\n`

describe('upgrade', () => {
  it.each([
    ['plain', false],
    ['over verified TLS', true],
  ])('bytes pass both ways after the handshake (%s)', async (_, secure) => {
    const chat = await startChat(secure)
    const rig = await startProxy({ ca: [testTls().ca] })
    const client = connectRaw(rig.port)
    client.socket.write(
      ask(`${secure ? 'https' : 'http'}://localhost:${chat.port}/chat?room=1`, 'Purser-Task: canary-task\r\nOrigin: http://x\r\n'),
    )
    expect(await client.until(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 101 .*sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/is)
    client.socket.write('\x81\x05hello')
    expect(await client.until(/hello/)).not.toMatch(/forged/)
    const [request] = chat.requests
    expect(request).toMatchObject({
      url: '/chat?room=1',
      headers: { host: `localhost:${chat.port}`, origin: 'http://x', upgrade: 'websocket' },
    })
    expect(JSON.stringify(request?.rawHeaders)).not.toMatch(new RegExp(`canary|purser|proxy-auth|${TOKEN}`, 'i'))
    client.socket.end()
    expect(await rig.line()).toMatchObject({
      outcome: 'upgraded',
      status: 101,
      method: 'GET',
      sessionId: 'ses_1',
      target: `${secure ? 'https' : 'http'}://localhost:${chat.port}/chat`,
    })
    expect(rig.lines).toHaveLength(1)
  })

  it('when either side ends, so does the other', async () => {
    const chat = await startChat()
    const rig = await startProxy()
    const client = connectRaw(rig.port)
    client.socket.write(ask(`http://127.0.0.1:${chat.port}/`))
    await client.until(/101/)
    chat.sockets[0]?.destroy()
    await client.closed()
    const second = connectRaw(rig.port)
    second.socket.write(ask(`http://127.0.0.1:${chat.port}/`))
    await second.until(/101/)
    const upstream = chat.sockets[1]
    second.socket.destroy()
    if (upstream && !upstream.destroyed) await once(upstream, 'close')
    expect((await rig.line(2)).outcome).toBe('upgraded')
  })

  it('the end of its session ends it, and nobody else’s', async () => {
    const chat = await startChat()
    const rig = await startProxy()
    const client = connectRaw(rig.port)
    client.socket.write(ask(`http://127.0.0.1:${chat.port}/`))
    await client.until(/101/)
    rig.exchange.endSession('ses_2')
    client.socket.write('\x81\x05still')
    await client.until(/still/)
    rig.exchange.endSession('ses_1')
    await client.closed()
    expect(await rig.line()).toMatchObject({ outcome: 'upgraded', sessionId: 'ses_1' })
  })

  it('needs a session, and carries no payment of the agent', async () => {
    const chat = await startChat()
    const rig = await startProxy()
    expect(await exchangeRaw(rig.port, ask(`http://127.0.0.1:${chat.port}/`).replace(authLine, ''))).toMatch(
      /^HTTP\/1.1 407 .*session_required/s,
    )
    expect(await exchangeRaw(rig.port, ask(`http://127.0.0.1:${chat.port}/`, 'X-Payment: a\r\n'))).toMatch(
      /^HTTP\/1.1 400 .*payment_header_forbidden/s,
    )
    expect(chat.requests).toEqual([])
  })

  it('a 402 to an upgrade passes as it is, even where payments are made', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(402, { 'X-Why': 'pay', 'Content-Length': '4' })
      response.end('paid')
    })
    const rig = await startProxy({ onPaymentRequired: () => Promise.reject(new Error('must not be asked')) })
    const text = await exchangeRaw(rig.port, ask(`${upstream.url}/`))
    expect(text).toMatch(/^HTTP\/1.1 402 .*x-why: pay.*paid$/is)
    expect(await rig.line()).toMatchObject({ outcome: 'passed', status: 402 })
  })

  it('goes to vetted addresses only, and says so when there is nobody', async () => {
    const chat = await startChat()
    const closed = await startProxy({ opened: [] })
    expect(await exchangeRaw(closed.port, ask(`http://127.0.0.1:${chat.port}/`))).toMatch(/^HTTP\/1.1 403 .*destination_not_allowed/s)
    const rig = await startProxy()
    expect(await exchangeRaw(rig.port, ask('http://127.0.0.1:1/'))).toMatch(/^HTTP\/1.1 502 .*upstream_unreachable/s)
    expect(await rig.line()).toMatchObject({ outcome: 'failed', code: 'upstream_unreachable' })
    expect(chat.requests).toEqual([])
  })

  it('does not accept an untrusted certificate', async () => {
    const chat = await startChat(true)
    const rig = await startProxy()
    expect(await exchangeRaw(rig.port, ask(`https://localhost:${chat.port}/`))).toMatch(/^HTTP\/1.1 502 .*upstream_untrusted/s)
  })

  it('an upstream that never answers the handshake is a timeout', async () => {
    const upstream = await startRawUpstream(() => undefined)
    const rig = await startProxy({ limits: { upgradeHead_ms: 100 } })
    expect(await exchangeRaw(rig.port, ask(`${upstream.url}/`))).toMatch(/^HTTP\/1.1 504 .*upstream_timeout/s)
  })

  it('silence in both directions ends it', async () => {
    const chat = await startChat()
    const rig = await startProxy({ limits: { tunnelIdle_ms: 100 } })
    const text = await exchangeRaw(rig.port, ask(`http://127.0.0.1:${chat.port}/`))
    expect(text).toMatch(/^HTTP\/1.1 101/)
  })

  it('other upgrades are requests like all others, without the upgrade', async () => {
    const upstream = await startUpstream((request, response) => response.end(JSON.stringify(request.rawHeaders)))
    const rig = await startProxy()
    const bytes = `GET ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n`
    const client = connectRaw(rig.port)
    client.socket.write(bytes)
    const text = await client.until(/\]$/)
    expect(text).toMatch(/^HTTP\/1.1 200/)
    expect(text).not.toMatch(/h2c|http2-settings/i)
  })

  it('what is no WebSocket is refused where a server let it through', async () => {
    const rig = await startProxy()
    rig.server.removeAllListeners('request')
    rig.server.on('request', (request, response) => {
      response.detachSocket(request.socket)
      rig.exchange.handleUpgrade(request, request.socket, Buffer.alloc(0), { mode: 'forward' })
    })
    expect(await exchangeRaw(rig.port, `POST http://127.0.0.1:1/ HTTP/1.1\r\nHost: a\r\n${authLine}\r\n`)).toMatch(
      /^HTTP\/1.1 400 .*Only upgrades to WebSocket/s,
    )
  })

  it('closing the exchange ends what was upgraded', async () => {
    const chat = await startChat()
    const rig = await startProxy()
    const client = connectRaw(rig.port)
    client.socket.write(ask(`http://127.0.0.1:${chat.port}/`))
    await client.until(/101/)
    await rig.exchange.close()
    await client.closed()
    expect(rig.lines).toHaveLength(1)
  })
})
