/**
 * The tools over streamable HTTP, on loopback: whoever has the bearer token asks, and no page of a browser does. Each request
 * is served by itself, so nothing is kept between two of them.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { AGENT_IDLE_TIMEOUT_MS, HEAD_TIMEOUT_MS, MAX_AGENT_BODY_BYTES, MAX_HEAD_BYTES } from '../limits.ts'

export const MCP_PATH = '/mcp'

export interface McpDoor {
  /** A fresh one for each request. */
  readonly server: () => McpServer
  /** What callers present as `Authorization: Bearer`. */
  readonly token: string
}

/** Serves one request of the protocol; whatever is not one is refused in a sentence. */
export function createMcpHandler({ server, token }: McpDoor): (request: Request) => Promise<Response> {
  return async (request) => {
    const bar = barTo(request, token)
    if (bar) return bar
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true, maxRequestBodySize: MAX_AGENT_BODY_BYTES })
    await using _ = { [Symbol.asyncDispose]: () => transport.close() }
    await server().connect(transport)
    // Awaited here, because the transport ends with this function.
    return await transport.handleRequest(request)
  }
}

function barTo(request: Request, token: string): Response | undefined {
  const host = request.headers.get('host') ?? ''
  const origin = request.headers.get('origin')
  if (!isLoopbackName(host)) return no(421, 'The Host header does not name this listener.')
  if (origin !== null && !isOwn(origin, host)) return no(403, 'Pages of other sites may not ask this listener.')
  if (!isBearer(request.headers.get('authorization'), token)) return no(401, 'Send Authorization: Bearer with the token of this server.')
  if (new URL(request.url).pathname !== MCP_PATH) return no(404, `There is only ${MCP_PATH} here.`)
  // Nothing is sent that was not asked for, and there is no session to end.
  if (request.method !== 'POST') return no(405, 'Send POST.')
  return undefined
}

function no(status: number, message: string): Response {
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer realm="purser"' } : {}
  const allow = status === 405 ? { allow: 'POST' } : {}
  const body = JSON.stringify({ jsonrpc: '2.0', error: { code: -32000, message }, id: null })
  return new Response(body, { status, headers: { 'content-type': 'application/json', ...challenge, ...allow } })
}

/** A rebound DNS name is none of these. */
function isLoopbackName(authority: string): boolean {
  if (!/^[a-z0-9.:[\]-]+$/i.test(authority) || !URL.canParse(`http://${authority}`)) return false
  const { hostname } = new URL(`http://${authority}`)
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

function isOwn(origin: string, authority: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === authority.toLowerCase()
}

/** Takes as long for every wrong one. */
function isBearer(header: string | null, token: string): boolean {
  const [, given = ''] = /^bearer +([^ ]+) *$/i.exec(header ?? '') ?? []
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(token))
}

export interface McpListener extends McpDoor {
  /** A loopback address; port 0 takes any free one. */
  readonly listen: { readonly host: string; readonly port: number }
}

export interface RunningMcp extends AsyncDisposable {
  /** With the port that was taken. */
  readonly url: string
}

/** Listens. @throws the listener's own error, e.g. EADDRINUSE. */
export async function startMcpHttp({ listen, ...door }: McpListener): Promise<RunningMcp> {
  const bounds = { maxHeaderSize: MAX_HEAD_BYTES, headersTimeout: HEAD_TIMEOUT_MS, keepAliveTimeout: AGENT_IDLE_TIMEOUT_MS }
  const listener = getRequestListener(createMcpHandler(door), { overrideGlobalObjects: false })
  const server = createServer(bounds, (request, response) => void listener(request, response))
  server.listen(listen.port, listen.host)
  await once(server, 'listening')
  return {
    url: urlOf(server.address(), listen.host),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function urlOf(address: AddressInfo | string | null, host: string): string {
  if (address === null || typeof address === 'string') throw new TypeError('the server listens on a port')
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}${MCP_PATH}`
}
