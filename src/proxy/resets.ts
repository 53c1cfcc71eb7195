/**
 * Resets: an agent that gives up takes its connection with it. Where that happens right after a whole answer, and before
 * the agent asked for anything more, nobody can say that the answer was read.
 */
import { Http2ServerRequest, type Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { LINGER_MS, RESET_WATCH_MS } from '../limits.ts'
import type { AgentRequest } from './door.ts'

/** What carries the requests of one agent. */
type Carrier = Socket | Http2Session

interface Watch {
  readonly work: () => void
  readonly timer: NodeJS.Timeout
}

/** Arrays, because what passes through a Set lives for long (`src/brief-map.ts`), and a watch holds on to all that was paid for. */
const watches = new WeakMap<Carrier, Watch[]>()

/** Runs `work` if the connection is reset after the answer, before a further request came on it, within `watch_ms`. */
export type WatchReset = (work: () => void, watch_ms?: number) => void

/** For each request, when it comes: what was answered on its connection before has been read. */
export function resetsAfter(request: AgentRequest): WatchReset {
  const carrier = carrierOf(request)
  if (!carrier) return () => undefined
  endAll(watches.get(carrier))
  return (work, watch_ms = RESET_WATCH_MS) => {
    if ('errored' in carrier && isReset(carrier.errored)) work()
    else if (!carrier.destroyed) watch(carrier, { work, watch_ms })
  }
}

/** An HTTP/2 stream forgets its session when it closes, so this is asked while the request is new. */
function carrierOf(request: AgentRequest): Carrier | undefined {
  return request instanceof Http2ServerRequest ? request.stream.session : request.socket
}

function watch(carrier: Carrier, { work, watch_ms }: { readonly work: () => void; readonly watch_ms: number }): void {
  const all = watchesOf(carrier)
  const timer = setTimeout(() => take(all, one), watch_ms)
  timer.unref()
  const one: Watch = { work, timer }
  all.push(one)
  if ('socket' in carrier) return
  watchGoodbye(carrier, { all, one })
  linger(carrier)
}

/** A goodbye that is heard in the very turn of the event loop in which the answer left had come before it: nobody was there to read it. */
function watchGoodbye(socket: Socket, { all, one }: { readonly all: Watch[]; readonly one: Watch }): void {
  const left = () => {
    if (!take(all, one)) return
    clearTimeout(one.timer)
    one.work()
  }
  socket.once('end', left)
  setImmediate(() => socket.off('end', left))
}

/**
 * Node destroys a connection whose last answer is written as soon as the system has taken its bytes, and nothing is
 * heard of them any more. Left half open instead, it ends when the agent ends it. Inside TLS an agent that has read
 * everything may still leave our goodbye unread, which looks like a reset: there it is left as it is.
 */
function linger(socket: Socket): void {
  if (socket instanceof TLSSocket || !socket.writableEnded) return
  socket.off('finish', socket.destroy)
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
}

/** One pair of listeners for each connection, however many answers it brings. */
function watchesOf(carrier: Carrier): Watch[] {
  const known = watches.get(carrier)
  if (known) return known
  const all: Watch[] = []
  watches.set(carrier, all)
  const socket = 'socket' in carrier ? carrier.socket : carrier
  socket.once('close', () => endAll(all))
  socket.once('error', (fault) => {
    for (const { work } of endAll(all)) if (isReset(fault)) work()
  })
  return all
}

/** Whether it was still there. */
function take(all: Watch[], one: Watch): boolean {
  const at = all.indexOf(one)
  if (at >= 0) all.splice(at, 1)
  return at >= 0
}

function endAll(all: Watch[] = []): readonly Watch[] {
  const ended = all.splice(0)
  for (const { timer } of ended) clearTimeout(timer)
  return ended
}

function isReset(fault: unknown): boolean {
  return fault instanceof Error && 'code' in fault && fault.code === 'ECONNRESET'
}
