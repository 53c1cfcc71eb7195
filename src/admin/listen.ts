/** Gives an admin app its address. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer, type ServerType } from '@hono/node-server'
import { HEAD_TIMEOUT_MS, MAX_HEAD_BYTES } from '../limits.ts'
import type { AdminApp } from './router.ts'

export interface AdminListener {
  readonly app: Pick<AdminApp, 'fetch'>
  /** Port 0 takes any free one. */
  readonly listen: { readonly host: string; readonly port: number }
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

export interface RunningAdmin extends AsyncDisposable {
  /** With the port that was taken. */
  readonly url: string
  /** Takes no more requests, lets running ones finish, drops idle connections. */
  close(): Promise<void>
}

/** Listens. @throws the listener's own error, e.g. EADDRINUSE. */
export async function startAdmin({ app, listen, tls }: AdminListener): Promise<RunningAdmin> {
  const server = serverFor(app, tls)
  server.listen(listen.port, listen.host)
  await once(server, 'listening')
  const close = () => closeServer(server)
  return { url: urlOf(server.address(), { host: listen.host, secure: tls !== undefined }), close, [Symbol.asyncDispose]: close }
}

const BOUNDS = { maxHeaderSize: MAX_HEAD_BYTES, headersTimeout: HEAD_TIMEOUT_MS, requestTimeout: HEAD_TIMEOUT_MS }

function serverFor({ fetch }: Pick<AdminApp, 'fetch'>, tls: AdminListener['tls']): ServerType {
  const options = { fetch, overrideGlobalObjects: false }
  if (!tls) return createAdaptorServer({ ...options, createServer, serverOptions: BOUNDS })
  const serverOptions = { ...BOUNDS, cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' as const }
  return createAdaptorServer({ ...options, createServer: createSecureServer, serverOptions })
}

function urlOf(address: AddressInfo | string | null, { host, secure }: { host: string; secure: boolean }): string {
  if (address === null || typeof address === 'string') throw new TypeError('an admin listener has a port')
  return `${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${address.port}`
}

async function closeServer(server: ServerType): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  // A page that goes on asking would keep its connection, and so this listener, alive.
  server.prependListener('request', (_: unknown, response: { shouldKeepAlive: boolean }) => {
    response.shouldKeepAlive = false
  })
  server.close()
  await closed
}
