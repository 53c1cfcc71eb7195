/** The listener: absolute-form requests, CONNECT, and origin-form requests for reverse routes, on one port. */
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { AGENT_IDLE_TIMEOUT_MS, HEAD_TIMEOUT_MS, MAX_AGENT_CONNECTIONS, MAX_HEAD_BYTES, TUNNEL_IDLE_TIMEOUT_MS } from '../limits.ts'
import { refuseUnreadable } from './connect-answer.ts'
import type { Door, HandleRequest, HandleUpgrade } from './door.ts'

export interface ProxyServerOptions {
  readonly exchange: { readonly handleRequest: HandleRequest; readonly handleUpgrade: HandleUpgrade }
  readonly handleConnect: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** PEM. Needed beyond loopback. */
  readonly tls?: ListenerTls
  /** For tests. */
  readonly limits?: Partial<ListenerLimits>
}

export interface ListenerTls {
  readonly cert: string
  readonly key: string
  /** Roots of client certificates. Nobody is asked for one without it, and nobody has to have one with it. */
  readonly clientCa?: string
  /** 48 bytes, where processes share the listener. */
  readonly ticketKeys?: Buffer
}

export interface ListenerLimits {
  readonly head_ms: number
  readonly idle_ms: number
  readonly silence_ms: number
  readonly headBytes: number
  readonly connections: number
}

const LIMITS: ListenerLimits = {
  head_ms: HEAD_TIMEOUT_MS,
  idle_ms: AGENT_IDLE_TIMEOUT_MS,
  silence_ms: TUNNEL_IDLE_TIMEOUT_MS,
  headBytes: MAX_HEAD_BYTES,
  connections: MAX_AGENT_CONNECTIONS,
}

const FORWARD: Door = { mode: 'forward' }
const REVERSE: Door = { mode: 'reverse' }

/**
 * How heads are read, here and inside tunnels: strictly. Other upgrades than WebSocket are requests like all others;
 * their `Upgrade` goes no further.
 */
export function parserOptions(limits: Partial<ListenerLimits> = {}): ServerOptions {
  const { head_ms, idle_ms, headBytes } = { ...LIMITS, ...limits }
  return {
    insecureHTTPParser: false,
    requireHostHeader: true,
    maxHeaderSize: headBytes,
    headersTimeout: head_ms,
    requestTimeout: 0,
    connectionsCheckingInterval: Math.max(50, Math.floor(head_ms / 4)),
    keepAliveTimeout: idle_ms,
    noDelay: true,
    keepAlive: true,
    shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket',
  }
}

/** The proxy's server, not yet listening. Accepting ends with its `close()`; what runs is the exchange's. */
export function createProxyServer({ exchange, handleConnect, tls, limits }: ProxyServerOptions): Server {
  const { silence_ms, connections } = { ...LIMITS, ...limits }
  const server = tls ? createTlsServer({ ...parserOptions(limits), ...tlsOptions(tls) }) : createServer(parserOptions(limits))
  server.maxConnections = connections
  server.timeout = silence_ms
  const answering = new WeakSet<Duplex>()
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    answering.add(socket)
    response.once('close', () => answering.delete(socket))
    exchange.handleRequest(request, response, doorOf(request))
  }
  server.on('request', serve)
  server.on('checkContinue', serve)
  server.on('connect', handleConnect)
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    exchange.handleUpgrade(request, socket, head, doorOf(request)),
  )
  server.on('clientError', (fault: Error, socket: Duplex) => refuseUnreadable(socket, fault, { answering: answering.has(socket) }))
  return server
}

/** A certificate that does not hold proves nothing; the connection goes on, and its requests need a session as all others. */
function tlsOptions({ cert, key, clientCa, ticketKeys }: ListenerTls) {
  const asked = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: false }
  return { cert, key, ...asked, ...(ticketKeys && { ticketKeys }), minVersion: 'TLSv1.2' as const }
}

function doorOf({ url = '' }: IncomingMessage): Door {
  return url.startsWith('/') || url === '*' ? REVERSE : FORWARD
}
