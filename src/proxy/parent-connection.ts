/** One connection through a parent proxy: a tunnel by CONNECT, in which TLS is verified against the origin end to end. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import { MAX_HEAD_BYTES } from '../limits.ts'
import { type OpenOptions, openConnection, UpstreamFault } from './connection.ts'
import type { Origin } from './door.ts'
import type { ParentProxy } from './parent.ts'
import { authorityOf, type Target } from './target.ts'

export interface ThroughParent extends Omit<OpenOptions, 'address' | 'through'> {
  readonly parent: ParentProxy
  readonly clock: Clock
  /** False: the connection ends at the parent, which is then asked in absolute form. */
  readonly tunnel: boolean
}

/** Resolves once bytes can be sent, within `timeout_ms` in all. @throws UpstreamFault */
export async function openThroughParent(options: ThroughParent): Promise<Socket> {
  const { origin, tunnel, timeout_ms, clock } = options
  const ends_ms = clock.monotonic() + timeout_ms
  const left_ms = () => Math.max(1, ends_ms - clock.monotonic())
  const socket = await openConnection(hop(options))
  if (!tunnel) return socket
  await establish(socket, { ...options, timeout_ms: left_ms() })
  return origin.scheme === 'http' ? socket : openConnection({ ...options, address: '', through: socket, timeout_ms: left_ms() })
}

function hop({ parent, secureContext, timeout_ms }: ThroughParent): OpenOptions {
  const { host, port, secure } = parent
  return { origin: { scheme: secure ? 'https' : 'http', host, port }, address: host, secureContext, timeout_ms }
}

/** Asks for the tunnel. What the far side sent already is put back, to be read first. */
function establish(socket: Socket, { parent, origin, timeout_ms }: ThroughParent): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const place = placeOf(origin)
  const asking = httpRequest({
    ...{ method: 'CONNECT', path: place, createConnection: () => socket, maxHeaderSize: MAX_HEAD_BYTES },
    headers: { Host: place, ...(parent.authorization === undefined ? {} : { 'Proxy-Authorization': parent.authorization }) },
  })
  const fail = (fault: UpstreamFault) => {
    socket.destroy()
    reject(fault)
  }
  const timer = setTimeout(
    () => fail(new UpstreamFault('upstream_timeout', `${nameOf(parent)} opened no way to ${place} in time.`)),
    timeout_ms,
  )
  asking.on('error', (cause) => fail(new UpstreamFault('upstream_unreachable', `${nameOf(parent)} opened no way to ${place}.`, cause)))
  asking.on('connect', (answer: IncomingMessage, _socket, head) => {
    const fault = faultOf(answer.statusCode ?? 0, { parent, place })
    if (fault) return fail(fault)
    if (head.length > 0) socket.unshift(head)
    resolve()
  })
  asking.on('close', () => clearTimeout(timer))
  asking.end()
  return promise.finally(() => clearTimeout(timer))
}

function faultOf(status: number, { parent, place }: { readonly parent: ParentProxy; readonly place: string }): UpstreamFault | undefined {
  if (status >= 200 && status < 300) return undefined
  if (status === 407) return unwelcome(parent)
  return new UpstreamFault('upstream_unreachable', `${nameOf(parent)} refused the way to ${place} with ${status}.`)
}

/** A 407 would tell the agent that its session is not valid. */
function unwelcome(parent: ParentProxy): UpstreamFault {
  return new UpstreamFault('upstream_unreachable', `${nameOf(parent)} did not accept this proxy’s credentials.`)
}

const nameOf = ({ host, port }: ParentProxy): string => `The parent proxy ${placeOf({ host, port })}`

function placeOf({ host, port }: Omit<Origin, 'scheme'>): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** How a request is put to a parent in absolute form. */
export function absoluteForm(
  target: Target,
  { authorization }: ParentProxy,
): { readonly path: string; readonly headers: readonly string[] } {
  const base = `http://${authorityOf(target.origin)}`
  return { path: base + target.path, headers: authorization === undefined ? [] : ['Proxy-Authorization', authorization] }
}

/** Hands everything on, but makes a fault of the parent’s own demand for credentials. */
export function withoutDemand(handler: Dispatcher.DispatchHandler, parent: ParentProxy): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (...told) => handler.onRequestStart?.(...told),
    onRequestUpgrade: (...told) => handler.onRequestUpgrade?.(...told),
    onResponseStart: (controller, status, ...told) => {
      if (status === 407) controller.abort(unwelcome(parent))
      else handler.onResponseStart?.(controller, status, ...told)
    },
    onResponseData: (...told) => handler.onResponseData?.(...told),
    onResponseEnd: (...told) => handler.onResponseEnd?.(...told),
    onResponseError: (...told) => handler.onResponseError?.(...told),
  }
}
