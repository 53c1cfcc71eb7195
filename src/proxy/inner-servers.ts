/** HTTP/1 and HTTP/2 inside intercepted connections: servers that never listen and are handed connections instead. */
import { createServer as createHttp1, type IncomingMessage } from 'node:http'
import { createServer as createHttp2, Http2ServerRequest, type ServerHttp2Session } from 'node:http2'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import {
  AGENT_IDLE_TIMEOUT_MS,
  MAX_HEAD_BYTES,
  MAX_HEADER_COUNT,
  MAX_HTTP2_SESSION_MB,
  MAX_HTTP2_STREAMS,
  TUNNEL_IDLE_TIMEOUT_MS,
} from '../limits.ts'
import { refuseUnreadable } from './connect-answer.ts'
import type { AgentRequest, AgentResponse } from './door.ts'
import { parserOptions } from './forward-proxy.ts'
import { Pace } from './pace.ts'

export interface InnerHandlers<C> {
  request(request: AgentRequest, response: AgentResponse, context: C): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, context: C): void
}

export interface InnerServers<C> {
  /** Serves the requests of a connection, after its handshake where it is TLS; each is handled with the connection's context. */
  serve(socket: Duplex, context: C): void
  /** Ends idle connections now and busy ones after their last answer. */
  drain(): void
}

export interface InnerServersOptions {
  readonly idle_ms?: number
}

interface Connection<C> {
  readonly context: C
  readonly pace: Pace
}

export function createInnerServers<C>(
  handlers: InnerHandlers<C>,
  { idle_ms = AGENT_IDLE_TIMEOUT_MS }: InnerServersOptions = {},
): InnerServers<C> {
  /** By TLS socket for HTTP/1, by session for HTTP/2. */
  const connections = new WeakMap<object, Connection<C>>()
  const live = new Set<Connection<C>>()
  let draining = false

  const http1 = createHttp1(parserOptions({ idle_ms }))
  http1.timeout = TUNNEL_IDLE_TIMEOUT_MS
  const http2 = createHttp2({
    maxSessionMemory: MAX_HTTP2_SESSION_MB,
    maxHeaderListPairs: MAX_HEADER_COUNT,
    settings: { maxConcurrentStreams: MAX_HTTP2_STREAMS, maxHeaderListSize: MAX_HEAD_BYTES, enablePush: false },
  })

  function onRequest(request: AgentRequest, response: AgentResponse): void {
    const connection = connections.get(carrierOf(request))
    if (connection === undefined) return
    connection.pace.began()
    response.once('close', () => connection.pace.ended())
    handlers.request(request, response, connection.context)
  }

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const connection = connections.get(request.socket)
    if (connection === undefined) return
    connection.pace.began()
    handlers.upgrade(request, socket, head, connection.context)
  }

  function register(carrier: object, socket: Duplex, connection: Connection<C>): void {
    connections.set(carrier, connection)
    live.add(connection)
    socket.once('close', () => {
      connection.pace.stop()
      live.delete(connection)
    })
    if (draining) connection.pace.drain()
  }

  function serveHttp1(socket: Duplex, context: C): void {
    register(socket, socket, { context, pace: new Pace({ idle_ms, end: () => endOf(socket) }) })
    http1.emit('connection', socket)
  }

  /** Node announces the session of a connection before `emit` returns: this listener hears that one and no other. */
  function serveHttp2(socket: TLSSocket, context: C): void {
    const onSession = (session: ServerHttp2Session) => {
      register(session, socket, { context, pace: new Pace({ idle_ms, end: () => session.close() }) })
    }
    http2.once('session', onSession)
    http2.emit('connection', socket)
    http2.off('session', onSession)
  }

  // Whoever handles the request says when its body may come.
  http1.on('request', onRequest).on('checkContinue', onRequest).on('upgrade', onUpgrade)
  http1.on('clientError', (fault, socket) => {
    refuseUnreadable(socket, fault, { answering: connections.get(socket)?.pace.busy ?? false })
  })
  http2.on('request', onRequest).on('checkContinue', onRequest)
  http2.on('sessionError', () => undefined)
  http2.setTimeout(TUNNEL_IDLE_TIMEOUT_MS)

  return {
    serve: (socket, context) =>
      socket instanceof TLSSocket && socket.alpnProtocol === 'h2' ? serveHttp2(socket, context) : serveHttp1(socket, context),
    drain() {
      draining = true
      for (const { pace } of live) pace.drain()
    },
  }
}

/** What the connection's context is kept by. */
function carrierOf(request: AgentRequest): object {
  if (request instanceof Http2ServerRequest) return request.stream.session ?? request
  return request.socket
}

/** What is written still leaves. */
function endOf(socket: Duplex): void {
  if (socket instanceof Socket) socket.destroySoon()
  else socket.end()
}
