/**
 * The proxy: it accepts what agents send (absolute-form, CONNECT, interception, reverse routes), identifies the session,
 * forwards, streams back, and hands each 402 to an injected payment flow. It knows no money.
 *
 * door: the way in by which a request came, with what the connection already told us.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { RawHeaders } from '../http.ts'
import type { Mode } from '../session/exchange.ts'

/** Canonical: host in lower case, A-labels, no trailing dot, IPv6 without brackets; the port always given. */
export interface Origin {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
}

export interface Door {
  readonly mode: Mode
  /** Where requests on this connection go; undefined where each absolute-form request names its own. */
  readonly origin?: Origin
  /** The headers of the CONNECT request: they identify the agent for every request inside the tunnel. */
  readonly credentials?: RawHeaders
}

export type AgentRequest = IncomingMessage | Http2ServerRequest
export type AgentResponse = ServerResponse | Http2ServerResponse

/** Serves one request that came through `door`; always answers, never rejects. */
export type HandleRequest = (request: AgentRequest, response: AgentResponse, door: Door) => void
/** The same for an upgrade (WebSocket). */
export type HandleUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer, door: Door) => void
