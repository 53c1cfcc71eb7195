/** Who may knock at an admin door at all: no rebound DNS names, no pages of other sites, no endless bodies. */
import type { HonoRequest, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { PurserError } from '../errors.ts'
import { MAX_ADMIN_BODY_BYTES } from '../limits.ts'
import { barAtDoor, SECURE_HEADERS } from './doorway.ts'
import { OIDC_CALLBACK } from './oidc-door.ts'
import type { AdminEnv } from './router.ts'

/** A page says itself what it may load and where its form may go. */
export const secureHeaders: MiddlewareHandler<AdminEnv> = async (context, next) => {
  await next()
  for (const [name, value] of Object.entries(SECURE_HEADERS)) if (!context.res.headers.has(name)) context.res.headers.set(name, value)
}

/** @throws PurserError `request_invalid` with status 413 beyond `maxBytes`, be the length announced or not. */
export function boundBodyAt(maxBytes: number): MiddlewareHandler {
  const bound = bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new PurserError({ code: 'request_invalid', detail: `A body has at most ${maxBytes} bytes.`, status: 413 })
    },
  })
  return (context, next) => {
    if (!context.req.raw.headers.has('content-length')) context.req.raw = platformRequest(context.req.raw)
    return bound(context, next)
  }
}

/** A body of no announced length is put into a new request when it was counted, and the listener's own kind of request cannot be copied. */
function platformRequest(raw: Request): Request {
  const { url, method, headers, body, signal } = raw
  return body ? new Request(url, { method, headers, body, signal, duplex: 'half' }) : raw
}

export const boundBody: MiddlewareHandler = boundBodyAt(MAX_ADMIN_BODY_BYTES)

/**
 * Refuses requests that were not meant for this listener (a rebound DNS name) and those that a page of another site made
 * a browser send.
 * @param hosts Further names of this listener, without ports.
 */
export function guardDoor(hosts: readonly string[]): MiddlewareHandler<AdminEnv> {
  const known = new Set(hosts.map((host) => host.toLowerCase()))
  return async ({ req, env }, next) => {
    const knock = {
      authority: req.header('host') ?? new URL(req.url).host,
      arrivedAt: env?.incoming?.socket.localAddress,
      site: req.header('sec-fetch-site'),
      origin: req.header('origin'),
    }
    const bar = barAtDoor(knock, known, mayBeLinkedTo(req))
    if (bar) throw new PurserError(bar)
    await next()
  }
}

/** Pages that a link in a mail or a chat opens, and the way back from an OpenID provider, which brings its own proof. */
function mayBeLinkedTo(request: HonoRequest): boolean {
  const { method, path } = request
  return (
    path === '/' ||
    (method === 'GET' &&
      (path === '/stop' || path.startsWith('/approve/') || path === OIDC_CALLBACK) &&
      request.header('sec-fetch-dest') === 'document')
  )
}
