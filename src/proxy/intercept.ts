/**
 * TLS interception: inside an accepted CONNECT we are the server that the agent asked for, with a leaf of the local
 * authority, and each request inside becomes an exchange of ours. CONNECT, SNI and Host must name the same host.
 */
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { type SecureContext, TLSSocket } from 'node:tls'
import type { Refusal } from '../errors.ts'
import { headerValues } from '../http.ts'
import { HEAD_TIMEOUT_MS } from '../limits.ts'
import type { Events } from '../telemetry/events.ts'
import type { Authority } from './authority.ts'
import { canonicalHost } from './canonical-host.ts'
import { firstBytes, readFirstWords } from './client-hello.ts'
import { ESTABLISHED, refuseConnection } from './connect-answer.ts'
import { formatAuthority, parseAuthority } from './connect-target.ts'
import type { AgentRequest, Door, HandleRequest, HandleUpgrade } from './door.ts'
import { createInnerServers, type InnerHandlers, type InnerServers } from './inner-servers.ts'
import type { Passage, PassageLog } from './passage.ts'
import { Reply } from './reply.ts'
import { refusalAnswer } from './respond.ts'

export interface InterceptRequest {
  readonly socket: Duplex
  readonly head: Buffer
  readonly passage: Passage
  /** Answered inside to each request, because clients hide what a proxy answers to CONNECT. */
  readonly refusal?: Refusal
  /** The same for TLS only: plain HTTP inside CONNECT is what absolute-form requests are, and may go where those may. */
  readonly portRefusal?: Refusal
}

export interface Interceptor {
  accept(request: InterceptRequest): void
  /** Ends idle connections now and busy ones after their last answer. */
  drain(): void
}

export interface InterceptorOptions {
  readonly authority: Pick<Authority, 'contextFor'>
  readonly handleRequest: HandleRequest
  readonly handleUpgrade: HandleUpgrade
  readonly log: PassageLog
  readonly events: Pick<Events, 'faulted'>
  readonly handshakeTimeout_ms?: number
  readonly idleTimeout_ms?: number
}

/** What is known about a connection whose handshake is done. */
interface Inside {
  readonly passage: Passage
  readonly door: Door
  /** For every request on it. */
  readonly refusal: Refusal | undefined
}

export function createInterceptor(options: InterceptorOptions): Interceptor {
  const { idleTimeout_ms } = options
  const servers = createInnerServers<Inside>(innerHandlers(options), idleTimeout_ms === undefined ? {} : { idle_ms: idleTimeout_ms })
  return {
    accept(request) {
      accept(request, options, servers).catch((cause: unknown) => {
        request.socket.destroy()
        options.events.faulted('intercept', cause)
      })
    },
    drain: servers.drain,
  }
}

function innerHandlers({ handleRequest, handleUpgrade, log }: InterceptorOptions): InnerHandlers<Inside> {
  return {
    request(request, response, inside) {
      const refusal = barOf(request, inside)
      if (refusal === undefined) return handleRequest(request, response, inside.door)
      const { status, headers, body } = refusalAnswer(refusal, { mode: 'intercept' })
      const reply = new Reply(request, response)
      reply.last()
      reply.head(status, headers)
      reply.end(reply.method === 'HEAD' ? undefined : body)
      log.refusedInside(inside.passage, { method: reply.method, path: request.url ?? '', status, code: refusal.code })
    },
    upgrade(request, socket, head, inside) {
      const refusal = barOf(request, inside)
      if (refusal === undefined) return handleUpgrade(request, socket, head, inside.door)
      const status = refuseConnection(socket, refusal, { mode: 'intercept' })
      log.refusedInside(inside.passage, { method: request.method ?? '', path: request.url ?? '', status, code: refusal.code })
    },
  }
}

async function accept(request: InterceptRequest, options: InterceptorOptions, servers: InnerServers<Inside>): Promise<void> {
  const { socket, passage } = request
  const { authority, log, handshakeTimeout_ms = HEAD_TIMEOUT_MS } = options
  socket.write(ESTABLISHED)
  const bytes = await firstBytes(socket, { head: request.head, timeout_ms: handshakeTimeout_ms })
  const words = bytes && readFirstWords(bytes)
  if (bytes && words === 'http') return servePlain(request, bytes, servers)
  if (words === 'other') return refuseWords(request, log)
  const context = bytes && (await authority.contextFor(passage.target.host))
  if (context === undefined || socket.destroyed) {
    socket.destroy()
    return log.ended(passage, { mode: 'intercept', outcome: 'aborted', status: 200 })
  }
  socket.unshift(bytes)
  const tls = new TLSSocket(socket, {
    isServer: true,
    secureContext: context,
    ALPNProtocols: ['h2', 'http/1.1'],
    SNICallback: (name, done) => {
      contextNamed(authority, { name, host: passage.target.host, context }).then((named) => done(null, named), done)
    },
  })
  awaitHandshake(tls, {
    timeout_ms: handshakeTimeout_ms,
    done: () => servers.serve(tls, insideOf(request, tls)),
    failed: () => log.ended(passage, { mode: 'intercept', outcome: 'failed', status: 200, extra: { phase: 'tls' } }),
  })
}

/** Some clients open a tunnel for plain http too (Node's fetch up to version 24): each request inside is an exchange of ours. */
function servePlain(request: InterceptRequest, bytes: Buffer, servers: InnerServers<Inside>): void {
  request.socket.unshift(bytes)
  const { passage, refusal } = request
  servers.serve(request.socket, { passage, door: doorOf(passage, 'http'), refusal })
}

/** Other protocols get no answer that they could read. */
function refuseWords({ socket, passage }: InterceptRequest, log: PassageLog): void {
  socket.destroy()
  log.ended(passage, { mode: 'intercept', outcome: 'refused', status: 200, code: 'request_invalid' })
}

/** What Node's own TLS server does with a connection: it waits for `secure` and then takes the mark away that HTTP/2 heeds. */
function awaitHandshake(tls: TLSSocket, { timeout_ms, done, failed }: { timeout_ms: number; done: () => void; failed: () => void }): void {
  const timer = setTimeout(() => tls.destroy(), timeout_ms)
  tls.on('error', () => undefined)
  tls.once('close', () => clearTimeout(timer))
  tls.once('close', failed)
  tls.once('secure', () => {
    clearTimeout(timer)
    tls.off('close', failed)
    Object.assign(tls, { secureConnecting: false })
    done()
  })
}

/** A client that names another host gets a leaf for it, so that it can read why it is refused. */
async function contextNamed(
  authority: Pick<Authority, 'contextFor'>,
  { name, host, context }: { name: string; host: string; context: SecureContext },
): Promise<SecureContext> {
  const asked = canonicalHost(name)
  return asked === undefined || asked === host || isIP(asked) !== 0 ? context : authority.contextFor(asked)
}

function insideOf({ passage, refusal, portRefusal }: InterceptRequest, { servername }: TLSSocket): Inside {
  const agrees = !servername || canonicalHost(servername) === passage.target.host
  const stray = agrees ? undefined : mismatch(passage, `The TLS handshake names ${JSON.stringify(servername)}`)
  return { passage, door: doorOf(passage, 'https'), refusal: refusal ?? portRefusal ?? stray }
}

function doorOf({ target: { host, port }, credentials }: Passage, scheme: 'http' | 'https'): Door {
  return { mode: 'intercept', origin: { scheme, host, port }, credentials }
}

/** Every `Host` and `:authority` that the request carries names the CONNECT's host and port; one of them is there. */
function hostMismatch({ rawHeaders }: AgentRequest, { passage, door }: Inside): Refusal | undefined {
  const { host, port } = passage.target
  const usual = door.origin?.scheme === 'http' ? 80 : 443
  const named = [...headerValues(rawHeaders, ':authority'), ...headerValues(rawHeaders, 'host')]
  if (named.length === 0) return mismatch(passage, 'The request names no host')
  const stray = named.find((text) => {
    const target = parseAuthority(text, usual)
    return target?.host !== host || target.port !== port
  })
  return stray === undefined ? undefined : mismatch(passage, `The request is for ${JSON.stringify(stray.slice(0, 100))}`)
}

function mismatch({ target }: Passage, said: string): Refusal {
  return { code: 'host_mismatch', detail: `${said}; this connection was opened for ${formatAuthority(target)}.` }
}

/** Why this request is not handed on, in the name of the session that it belongs to. */
function barOf(request: AgentRequest, inside: Inside): Refusal | undefined {
  const { refusal, passage } = inside
  const bar = refusal ?? hostMismatch(request, inside)
  return bar && passage.session ? { sessionId: passage.session.id, ...bar } : bar
}
