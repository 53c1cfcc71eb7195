/** Who may knock at an admin door at all: no rebound DNS names, no pages of other sites, no endless bodies. */
import { isIPv4 } from 'node:net'
import type { HonoRequest, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { PurserError, refused } from '../errors.ts'
import { MAX_ADMIN_BODY_BYTES } from '../limits.ts'
import { OIDC_CALLBACK } from './oidc-door.ts'
import type { AdminEnv } from './router.ts'

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const

/** Answers are not cached, not framed, not guessed at. A page says itself what it may load and where its form may go. */
export const secureHeaders: MiddlewareHandler<AdminEnv> = async (context, next) => {
  await next()
  for (const [name, value] of Object.entries(HEADERS)) if (!context.res.headers.has(name)) context.res.headers.set(name, value)
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
  return async (context, next) => {
    const authority = context.req.header('host') ?? new URL(context.req.url).host
    const name = hostName(authority)
    if (name === undefined || !(isLoopback(name) || known.has(name) || name === ownAddress(context.env))) {
      throw refused('host_mismatch', 'The Host header does not name this listener. Ask by its address, or list the name in admin.hosts.')
    }
    if (!mayBeLinkedTo(context.req)) refuseOtherSites((header) => context.req.header(header), authority)
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

function refuseOtherSites(header: (name: string) => string | undefined, authority: string): void {
  const site = header('sec-fetch-site')
  const origin = header('origin')
  const foreign = (site !== undefined && site !== 'same-origin' && site !== 'none') || (origin !== undefined && !isOwn(origin, authority))
  if (foreign) throw refused('forbidden', 'Pages of other sites may not ask this listener.')
}

function isOwn(origin: string, authority: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === authority.toLowerCase()
}

/** Lower case, IPv6 without brackets, without the port; undefined for what is no plain host. */
function hostName(authority: string): string | undefined {
  if (!/^[a-z0-9.:[\]-]+$/i.test(authority) || !URL.canParse(`http://${authority}`)) return undefined
  return new URL(`http://${authority}`).hostname.replace(/^\[|\]$/g, '')
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
}

/** The address at which this very connection arrived: a page cannot have been loaded from it under another name. */
function ownAddress(env: AdminEnv['Bindings'] | undefined): string | undefined {
  return env?.incoming?.socket.localAddress?.replace(/^::ffff:(?=\d+\.)/, '')
}
