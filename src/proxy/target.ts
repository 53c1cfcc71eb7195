/** Where a request goes: one canonical URL, on which policy, ledger and receipt all key. */
import { LRUCache } from 'lru-cache'
import { MAX_KNOWN_CHARS, MAX_KNOWN_SPELLINGS } from '../hot-path-limits.ts'
import { hostOfUrl } from './canonical-host.ts'
import type { Door, Origin } from './door.ts'
import { type Fault, invalid } from './headers.ts'

export interface Target {
  readonly kind: 'target'
  /** Canonical and absolute, without fragment. */
  readonly url: string
  readonly origin: Origin
  /** Path and query. */
  readonly path: string
  /** The `Host` that goes upstream: the port only where it is not the scheme's own. */
  readonly authority: string
  /** For logs and routes: the URL without its query. */
  readonly label: string
}

const DEFAULT_PORTS = { http: 80, https: 443 } as const
const ABSOLUTE = /^https?:\/\/[^/\\]/i
/** Scheme, host and port in their plainest form, and the rest. */
const PLAIN_URL = /^(https?:\/\/[a-z0-9.-]+(?::[0-9]{1,5})?)(\/.*)$/
/** A path and query that the URL parser would leave as they are: no segment begins with a dot, and nothing is escaped or has to be. */
const PLAIN_PATH = /^((?:\/(?:[\w!$&'()*+,:;=@~-][\w!$&'()*+,.:;=@~-]*)?)+)(\?[\w!$%&()*+,./:;=?@~-]+)?$/

/** Origins as agents wrote them: the same few come with every request. */
const known = new LRUCache<string, Origin>({ max: MAX_KNOWN_SPELLINGS })

/** Reads an absolute URL as an agent wrote it. */
export function readUrl(text: string): Target | Fault {
  const [, written = '', rest = ''] = PLAIN_URL.exec(text) ?? []
  const origin = known.get(written)
  const place = origin && readPath(rest)
  if (place) return at(origin, place)
  const target = parseUrl(text)
  if (written !== '' && text.length <= MAX_KNOWN_CHARS && target.kind === 'target') known.set(written, target.origin)
  return target
}

function parseUrl(text: string): Target | Fault {
  if (!ABSOLUTE.test(text)) return invalid('Only http:// and https:// URLs can be asked for.')
  const url = URL.parse(text)
  if (url === null) return invalid('The URL cannot be read.')
  return targetOf(url)
}

/** The canonical target of a parsed http or https URL. */
export function targetOf(url: URL): Target | Fault {
  if (url.username !== '' || url.password !== '') return invalid('A URL with credentials in it is not forwarded; use a header.')
  const scheme = url.protocol === 'https:' ? 'https' : 'http'
  const host = hostOfUrl(url)
  if (host === undefined) return invalid('The URL names no host.')
  const port = url.port === '' ? DEFAULT_PORTS[scheme] : Number(url.port)
  return at({ scheme, host, port }, { pathname: url.pathname, search: url.search })
}

/** The target of a path within an origin. */
export function at(origin: Origin, { pathname, search }: { readonly pathname: string; readonly search: string }): Target {
  const authority = authorityOf(origin)
  const base = `${origin.scheme}://${authority}`
  const label = base + pathname
  return { kind: 'target', url: label + search, origin, path: pathname + search, authority, label }
}

/** Path and query of a request's target in origin form, as the URL parser reads them; undefined where it cannot. */
export function readPath(requestTarget: string): { readonly pathname: string; readonly search: string } | undefined {
  const plain = PLAIN_PATH.exec(requestTarget)
  if (plain) return { pathname: plain[1] ?? '', search: plain[2] ?? '' }
  const url = requestTarget.startsWith('/') ? URL.parse(`http://x${requestTarget}`) : null
  return url?.host === 'x' ? url : undefined
}

/** The target of a request that came inside a tunnel or by an intercepted connection to `origin`. */
export function readWithin(origin: Origin, requestTarget: string, host: string | undefined): Target | Fault {
  if (host === undefined || !names(host, origin)) return mismatch(origin, host)
  if (!requestTarget.startsWith('/')) {
    const named = readUrl(requestTarget)
    return named.kind === 'fault' || isSame(named.origin, origin) ? named : mismatch(origin, named.authority)
  }
  const path = readPath(requestTarget)
  return path ? at(origin, path) : invalid('The path cannot be read.')
}

/** The same request over TLS: port 80 becomes 443, other ports stay. */
export function overTls(target: Target): Target {
  const { host, port } = target.origin
  const cut = target.path.indexOf('?')
  const pathname = cut === -1 ? target.path : target.path.slice(0, cut)
  const search = cut === -1 ? '' : target.path.slice(cut)
  return at({ scheme: 'https', host, port: port === 80 ? 443 : port }, { pathname, search })
}

/** `host[:port]`, IPv6 in brackets, the scheme's own port left out. */
export function authorityOf({ scheme, host, port }: Origin): string {
  const name = host.includes(':') ? `[${host}]` : host
  return port === DEFAULT_PORTS[scheme] ? name : `${name}:${port}`
}

export interface DoorRequest {
  readonly door: Door
  readonly requestTarget: string
  readonly host: string | undefined
}

/** Reads where a request through the proxy's listener, a tunnel or an intercepted connection goes. */
export function readTarget({ door, requestTarget, host }: DoorRequest): Target | Fault {
  if (door.origin) return readWithin(door.origin, requestTarget, host)
  return readUrl(requestTarget)
}

function names(host: string, origin: Origin): boolean {
  if (host === authorityOf(origin)) return true
  const url = URL.parse(`${origin.scheme}://${host}/`)
  if (url === null || url.pathname !== '/' || url.search !== '' || url.username !== '' || url.password !== '') return false
  const target = targetOf(url)
  return target.kind === 'target' && isSame(target.origin, origin)
}

function isSame(a: Origin, b: Origin): boolean {
  return a.scheme === b.scheme && a.host === b.host && a.port === b.port
}

function mismatch(origin: Origin, host: string | undefined): Fault {
  const said = host === undefined ? 'The request names no host' : `The request is for ${JSON.stringify(host.slice(0, 100))}`
  return { kind: 'fault', code: 'host_mismatch', detail: `${said}; this connection was opened for ${authorityOf(origin)}.` }
}
