/** One connection to one vetted address. TLS is verified against the host that was asked for, always. */
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import {
  checkServerIdentity,
  connect as connectTls,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import type { Code } from '../errors.ts'
import type { Origin } from './door.ts'
import { authorityOf } from './target.ts'

/** Why an upstream gave no answer. The detail is ours, never the upstream's text. */
export class UpstreamFault extends Error {
  override readonly name = 'UpstreamFault'
  readonly refusalCode: Code
  readonly detail: string
  constructor(refusalCode: Code, detail: string, cause?: unknown) {
    super(detail, { cause })
    this.refusalCode = refusalCode
    this.detail = detail
  }
}

export interface OpenOptions {
  readonly origin: Origin
  /** The vetted address of the origin's host. */
  readonly address: string
  /** A tunnel through a parent proxy, in which TLS is spoken; `address` is not used then. */
  readonly through?: Socket | undefined
  readonly secureContext: SecureContext
  /** To resume; from an earlier connection to the same origin. */
  readonly session?: Buffer | undefined
  readonly onSession?: (session: Buffer) => void
  readonly timeout_ms: number
}

/** Node's roots and those of `ca` (PEM); nothing below TLS 1.2. */
export function createTrust(ca: readonly string[]): SecureContext {
  const roots = ca.length === 0 ? {} : { ca: [...getCACertificates('default'), ...ca] }
  return createSecureContext({ ...roots, minVersion: 'TLSv1.2' })
}

/** Resolves once bytes can be sent: after TLS where there is TLS. @throws UpstreamFault */
export function openConnection(options: OpenOptions): Promise<Socket> {
  const { origin, timeout_ms } = options
  return new Promise((resolve, reject) => {
    const socket = origin.scheme === 'https' ? openTls(options) : openPlain(options)
    const fail = (error: unknown) => {
      clearTimeout(timer)
      socket.destroy()
      reject(error instanceof UpstreamFault ? error : faultOf(origin, socket, error))
    }
    const timer = setTimeout(() => fail(late(origin)), timeout_ms)
    socket.once('error', fail)
    socket.once('close', fail)
    socket.once(origin.scheme === 'https' ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      socket.off('error', fail).off('close', fail)
      resolve(socket)
    })
  })
}

/** 504: the connection was not ready in time. */
export function late(origin: Origin): UpstreamFault {
  return new UpstreamFault('upstream_timeout', `${authorityOf(origin)} did not accept a connection in time.`)
}

function openPlain({ origin, address }: OpenOptions): Socket {
  return connectPlain({ host: address, port: origin.port, noDelay: true, keepAlive: true })
}

function openTls({ origin, address, through, secureContext, session, onSession }: OpenOptions): TLSSocket {
  const socket = connectTls({
    ...(through ? { socket: through } : { host: address, port: origin.port }),
    ...(isIP(origin.host) === 0 && { servername: origin.host }),
    ...(session && { session }),
    secureContext,
    rejectUnauthorized: true,
    checkServerIdentity: (_, certificate) => checkServerIdentity(origin.host, certificate),
    ALPNProtocols: ['http/1.1'],
  })
  socket.setNoDelay(true).setKeepAlive(true)
  if (onSession) socket.on('session', onSession)
  return socket
}

function faultOf(origin: Origin, socket: Socket, cause: unknown): UpstreamFault {
  const name = authorityOf(origin)
  const distrust = 'authorizationError' in socket ? socket.authorizationError : undefined
  if (distrust) return new UpstreamFault('upstream_untrusted', `The certificate of ${name} was not accepted: ${wordOf(distrust)}.`, cause)
  return new UpstreamFault('upstream_unreachable', `No connection to ${name}: ${wordOf(cause)}.`, cause)
}

/** OpenSSL's and the system's codes are words of ours; messages may quote the peer. */
function wordOf(cause: unknown): string {
  if (typeof cause === 'string' && /^[A-Z0-9_]+$/.test(cause)) return cause
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code
  return 'the connection was closed'
}

/** The fault in our own words. */
export function upstreamFault(origin: Origin, cause: unknown): UpstreamFault {
  if (cause instanceof UpstreamFault) return cause
  const name = authorityOf(origin)
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return new UpstreamFault('upstream_timeout', `${name} did not answer in time.`, cause)
  if (code === 'UND_ERR_BODY_TIMEOUT') return new UpstreamFault('upstream_timeout', `${name} stopped in the middle of its answer.`, cause)
  if (code === 'UND_ERR_HEADERS_OVERFLOW')
    return new UpstreamFault('upstream_unreachable', `The head of ${name}’s answer is too large.`, cause)
  if (cause instanceof Error && cause.name === 'HTTPParserError') {
    return new UpstreamFault('upstream_unreachable', `The answer of ${name} is not valid HTTP/1.1.`, cause)
  }
  return new UpstreamFault('upstream_unreachable', `${name} closed the connection before its answer was complete.`, cause)
}
