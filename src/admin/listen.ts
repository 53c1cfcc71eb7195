/** Gives an admin app its address. The app may come later than that: it is much to load, and agents wait for none of it. */
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { HEAD_TIMEOUT_MS, MAX_HEAD_BYTES } from '../limits.ts'
import type { Events } from '../telemetry/events.ts'
import type { ProbeDoor } from './probes.ts'
import type { AdminApp } from './router.ts'

export interface AdminListener {
  /** Called once: by `warm`, or at the first request that is the app's. */
  readonly app: () => Promise<Pick<AdminApp, 'fetch'>>
  /** Comes before the app. */
  readonly probes?: ProbeDoor
  /** Told of an app that could not be had. */
  readonly events?: Pick<Events, 'faulted'>
  /** Port 0 takes any free one. */
  readonly listen: { readonly host: string; readonly port: number }
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

export interface RunningAdmin extends AsyncDisposable {
  /** With the port that was taken. */
  readonly url: string
  /** Makes the app now, so that the first who asks need not wait for it. */
  warm(): Promise<unknown>
  /** Takes no more requests, lets running ones finish, drops idle connections. */
  close(): Promise<void>
}

/** Listens. @throws the listener's own error, e.g. EADDRINUSE. */
export async function startAdmin({ listen, tls, ...door }: AdminListener): Promise<RunningAdmin> {
  const { answer, warm } = createAnswer(door)
  const server = serverFor(answer, tls)
  server.listen(listen.port, listen.host)
  await once(server, 'listening')
  const close = () => closeServer(server)
  return { url: urlOf(server.address(), { host: listen.host, secure: tls !== undefined }), warm, close, [Symbol.asyncDispose]: close }
}

type Door = Pick<AdminListener, 'app' | 'probes' | 'events'>

function createAnswer({ app, probes, events }: Door): { readonly answer: RequestListener; warm(): Promise<unknown> } {
  let made: Promise<RequestListener> | undefined
  const make = () => {
    made ??= listenerOf(app).catch((fault: unknown) => {
      made = undefined
      events?.faulted('admin', fault)
      return unavailable
    })
    return made
  }
  const byApp: RequestListener = (request, response) => void make().then((answer) => answer(request, response))
  return {
    answer: probes ? (request, response) => probes(request, response, () => byApp(request, response)) : byApp,
    warm: make,
  }
}

const unavailable: RequestListener = (_, response) => void response.writeHead(500).end()

async function listenerOf(app: AdminListener['app']): Promise<RequestListener> {
  const [{ getRequestListener }, { fetch }] = await Promise.all([import('@hono/node-server'), app()])
  return getRequestListener(fetch, { overrideGlobalObjects: false })
}

const BOUNDS = { maxHeaderSize: MAX_HEAD_BYTES, headersTimeout: HEAD_TIMEOUT_MS, requestTimeout: HEAD_TIMEOUT_MS }

function serverFor(answer: RequestListener, tls: AdminListener['tls']): Server {
  if (!tls) return createServer(BOUNDS, answer)
  return createSecureServer({ ...BOUNDS, cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' }, answer)
}

function urlOf(address: AddressInfo | string | null, { host, secure }: { host: string; secure: boolean }): string {
  if (address === null || typeof address === 'string') throw new TypeError('an admin listener has a port')
  return `${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${address.port}`
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  // A page that goes on asking would keep its connection, and so this listener, alive.
  server.prependListener('request', (_: unknown, response: { shouldKeepAlive: boolean }) => {
    response.shouldKeepAlive = false
  })
  server.close()
  await closed
}
