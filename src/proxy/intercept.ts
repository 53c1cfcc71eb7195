/**
 * TLS interception: inside an accepted CONNECT we are the server that the agent asked for, with a leaf of the local
 * authority, and each request inside becomes an exchange of ours. CONNECT, SNI and Host must name the same host.
 */
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { type SecureContext, TLSSocket } from 'node:tls'
import type { Refusal } from '../errors.ts'
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
import { authorityOf } from './target.ts'

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
  /** How most requests write the host that the connection is for. */
  readonly authority: string
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
  const { head, ...accepted } = request
  const { socket, passage } = accepted
  const { authority, log, handshakeTimeout_ms = HEAD_TIMEOUT_MS } = options
  socket.write(ESTABLISHED)
  // The leaf is made while the agent's handshake is on its way.
  const [context, bytes] = await Promise.all([
    authority.contextFor(passage.target.host),
    firstBytes(socket, { head, timeout_ms: handshakeTimeout_ms }),
  ])
  if (bytes === undefined || socket.destroyed) {
    socket.destroy()
    return log.ended(passage, { mode: 'intercept', outcome: 'aborted', status: 200 })
  }
  const words = readFirstWords(bytes)
  if (words === 'other') return refuseWords(accepted, log)
  socket.unshift(bytes)
  if (words === 'http') return servePlain(accepted, servers)
  const tls = new TLSSocket(socket, {
    isServer: true,
    secureContext: context,
    ALPNCallback: chooseProtocol,
    SNICallback: (name, done) => {
      contextNamed(authority, { name, host: passage.target.host, context }).then((named) => done(null, named), done)
    },
  })
  awaitHandshake(tls, {
    timeout_ms: handshakeTimeout_ms,
    done: () => servers.serve(tls, insideOf(accepted, tls)),
    failed: () => log.ended(passage, { mode: 'intercept', outcome: 'failed', status: 200, extra: { phase: 'tls' } }),
  })
}

/** What is known of an accepted connection for as long as it lives: the agent's first bytes are not. */
type Accepted = Omit<InterceptRequest, 'head'>

/** Ours in their order. A list would be written anew for each connection, and keep 8 KiB of Node's buffers alive with it. */
function chooseProtocol({ protocols }: { readonly protocols: readonly string[] }): string | undefined {
  return PROTOCOLS.find((name) => protocols.includes(name))
}

const PROTOCOLS = ['h2', 'http/1.1'] as const

/** Some clients open a tunnel for plain http too (Node's fetch up to version 24): each request inside is an exchange of ours. */
function servePlain({ socket, passage, refusal }: Accepted, servers: InnerServers<Inside>): void {
  servers.serve(socket, { passage, ...placeOf(passage, 'http'), refusal })
}

/** Other protocols get no answer that they could read. */
function refuseWords({ socket, passage }: Accepted, log: PassageLog): void {
  socket.destroy()
  log.ended(passage, { mode: 'intercept', outcome: 'refused', status: 200, code: 'request_invalid' })
}

/** What Node's own TLS server does with a connection: it waits for `secure` and then takes the mark away that HTTP/2 heeds. */
function awaitHandshake(tls: TLSSocket, { timeout_ms, done, failed }: { timeout_ms: number; done: () => void; failed: () => void }): void {
  const timer = setTimeout(() => tls.destroy(), timeout_ms)
  const ended = () => {
    clearTimeout(timer)
    failed()
  }
  tls.on('error', ignore)
  tls.once('close', ended)
  tls.once('secure', () => {
    clearTimeout(timer)
    tls.off('close', ended)
    Object.assign(tls, { secureConnecting: false })
    done()
  })
}

const ignore = (): void => undefined

/** A client that names another host gets a leaf for it, so that it can read why it is refused. */
async function contextNamed(
  authority: Pick<Authority, 'contextFor'>,
  { name, host, context }: { name: string; host: string; context: SecureContext },
): Promise<SecureContext> {
  const asked = canonicalHost(name)
  return asked === undefined || asked === host || isIP(asked) !== 0 ? context : authority.contextFor(asked)
}

function insideOf({ passage, refusal, portRefusal }: Accepted, { servername }: TLSSocket): Inside {
  const agrees = !servername || canonicalHost(servername) === passage.target.host
  const stray = agrees ? undefined : mismatch(passage, `The TLS handshake names ${JSON.stringify(servername)}`)
  return { passage, ...placeOf(passage, 'https'), refusal: refusal ?? portRefusal ?? stray }
}

function placeOf({ target: { host, port }, credentials }: Passage, scheme: 'http' | 'https'): Pick<Inside, 'door' | 'authority'> {
  const origin = { scheme, host, port }
  return { door: { mode: 'intercept', origin, credentials }, authority: authorityOf(origin) }
}

/** Every `Host` and `:authority` that the request carries names the CONNECT's host and port; one of them is there. */
function hostMismatch({ rawHeaders }: AgentRequest, { passage, door, authority }: Inside): Refusal | undefined {
  let isNamed = false
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (!namesHost(rawHeaders[i] ?? '')) continue
    const text = rawHeaders[i + 1] ?? ''
    if (text !== authority && !names(text, passage.target, door)) {
      return mismatch(passage, `The request is for ${JSON.stringify(text.slice(0, 100))}`)
    }
    isNamed = true
  }
  return isNamed ? undefined : mismatch(passage, 'The request names no host')
}

const namesHost = (name: string): boolean => (name.length === 4 && name.toLowerCase() === 'host') || name === ':authority'

function names(text: string, { host, port }: Passage['target'], { origin }: Door): boolean {
  const target = parseAuthority(text, origin?.scheme === 'http' ? 80 : 443)
  return target?.host === host && target.port === port
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
