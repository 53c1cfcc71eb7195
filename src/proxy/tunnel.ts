/**
 * Blind tunnels: bytes both ways between the agent and the vetted address, unread. Each half closes on its own; a break on
 * one side breaks the other; silence ends both. A tunnel is never paid for, and ends with its session's revocation.
 */
import { connect, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Code } from '../errors.ts'
import { GIVEN_BACK_BYTES } from '../hot-path-limits.ts'
import { CONNECT_TIMEOUT_MS, TUNNEL_IDLE_TIMEOUT_MS } from '../limits.ts'
import type { Events } from '../telemetry/events.ts'
import type { Vetted } from './address-guard.ts'
import { ESTABLISHED, refuseConnection } from './connect-answer.ts'
import { formatAuthority } from './connect-target.ts'
import type { Passage, PassageLog } from './passage.ts'

export interface TunnelRequest {
  /** The agent's side. */
  readonly socket: Duplex
  /** What it sent after its CONNECT without waiting. */
  readonly head: Buffer
  readonly passage: Passage
  /** Where to connect to, or the connection that a parent proxy has made. */
  readonly way: Extract<Vetted, { kind: 'vetted' }> | Socket
}

export interface Tunnels {
  open(request: TunnelRequest): void
  /** Ends the tunnels of a session that was revoked. */
  end(sessionId: string): void
  /** Ends all. */
  close(): void
  active(): number
}

export interface TunnelsOptions {
  readonly log: PassageLog
  readonly events: Pick<Events, 'upstreamConnections'>
  readonly connectTimeout_ms?: number
  readonly idleTimeout_ms?: number
}

/** The agent left before there was a tunnel. */
const ABANDONED = { mode: 'tunnel', outcome: 'aborted', status: 0 } as const

export function createTunnels(options: TunnelsOptions): Tunnels {
  const running = new Set<Tunnel>()

  function open(request: TunnelRequest): void {
    if (request.socket.destroyed) {
      if (request.way instanceof Socket) request.way.destroy()
      options.log.ended(request.passage, ABANDONED)
      return
    }
    const tunnel = openTunnel(request, options)
    running.add(tunnel)
    tunnel.upstream.once('close', () => running.delete(tunnel))
  }

  const endWhere = (matches: (tunnel: Tunnel) => boolean) => {
    for (const tunnel of running) if (matches(tunnel)) tunnel.end()
  }

  return {
    open,
    end: (sessionId) => endWhere((tunnel) => tunnel.sessionId === sessionId),
    close: () => endWhere(() => true),
    active: () => running.size,
  }
}

interface Tunnel {
  readonly sessionId: string | undefined
  readonly upstream: Socket
  end(): void
}

function openTunnel(request: TunnelRequest, options: TunnelsOptions): Tunnel {
  const { socket, way, passage } = request
  const { connectTimeout_ms = CONNECT_TIMEOUT_MS, idleTimeout_ms = TUNNEL_IDLE_TIMEOUT_MS } = options
  const upstream = way instanceof Socket ? way : dial(way, passage.target.port)
  const fail = (code: Code, reason: string) => {
    socket.off('close', gone)
    upstream.destroy()
    options.log.ended(passage, refuseTunnel(request, { code, reason }))
  }
  const failed = () => fail('upstream_unreachable', 'refused the connection or could not be reached')
  const timedOut = () => fail('upstream_timeout', `did not answer within ${connectTimeout_ms / 1000} s`)
  socket.once('close', gone)
  if (upstream.connecting) awaitUpstream()
  else establish()

  function awaitUpstream(): void {
    upstream.setTimeout(connectTimeout_ms)
    upstream.once('timeout', timedOut).once('error', failed).once('connect', establish)
  }

  function gone(): void {
    upstream.off('error', failed).on('error', ignore).destroy()
    options.log.ended(passage, ABANDONED)
  }

  function establish(): void {
    upstream.off('timeout', timedOut).off('error', failed)
    socket.off('close', gone)
    options.events.upstreamConnections(1)
    upstream.allowHalfOpen = true
    upstream.setTimeout(idleTimeout_ms, () => sever(socket, upstream))
    relay(request, upstream)
    upstream.once('close', () => {
      options.events.upstreamConnections(-1)
      options.log.ended(passage, tally(upstream))
    })
  }

  return { sessionId: passage.session?.id, upstream, end: () => sever(socket, upstream) }
}

function dial({ address, family }: Extract<Vetted, { kind: 'vetted' }>, port: number): Socket {
  return connect({ host: address, port, family, noDelay: true, allowHalfOpen: true })
}

const ignore = (): void => undefined

/** Bytes in order: the answer to CONNECT before the upstream's first, the agent's early bytes before its later ones. */
function relay({ socket, head }: TunnelRequest, upstream: Socket): void {
  socket.write(ESTABLISHED)
  if (head.length > 0) upstream.write(head)
  breakTogether(socket, upstream)
  breakTogether(upstream, socket)
  carry(socket, upstream)
  carry(upstream, socket)
}

function carry(from: Duplex, to: Duplex): void {
  from.pipe(to)
  from.on('data', (chunk: Buffer) => giveBack(chunk, to))
}

/**
 * The memory of what the system has taken. Left to the collector, each 64 MB of it would cost a look at the whole heap. Only
 * a socket without anything unwritten has nothing of it any more, and only a chunk that is all of its buffer is nobody else's.
 */
function giveBack({ buffer, byteLength }: Buffer, to: Duplex): void {
  if (byteLength < GIVEN_BACK_BYTES || byteLength !== buffer.byteLength) return
  if (to instanceof Socket && to.writableLength === 0 && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/** A side that closed before both its halves were done is broken, and so is then the other. */
function breakTogether(one: Duplex, other: Duplex): void {
  one.on('error', ignore)
  one.once('close', () => {
    if (!one.readableEnded || !one.writableFinished) reset(other)
  })
}

function sever(socket: Duplex, upstream: Socket): void {
  reset(upstream)
  reset(socket)
}

/** A reset, so that nobody takes what they got for the whole. TLS, and what is not connected yet, can only be destroyed. */
function reset(side: Duplex): void {
  if (side instanceof Socket && !(side instanceof TLSSocket) && !side.connecting) side.resetAndDestroy()
  else side.destroy()
}

function tally(upstream: Socket) {
  const extra = { bytesUp: upstream.bytesWritten }
  return { mode: 'tunnel', outcome: 'tunnelled', status: 200, bytes: upstream.bytesRead, extra } as const
}

function refuseTunnel({ socket, passage }: TunnelRequest, { code, reason }: { code: Code; reason: string }) {
  const detail = `${formatAuthority(passage.target)} ${reason}.`
  const refusal = { code, detail, ...(passage.session && { sessionId: passage.session.id }) }
  const status = refuseConnection(socket, refusal, { mode: 'tunnel' })
  return { mode: 'tunnel', outcome: 'failed', status, code } as const
}
