/** Reverse routes: a prefix of our own listener stands for an upstream. Browsers on other people's pages are kept out (rule R19). */
import { isIP } from 'node:net'
import { LRUCache } from 'lru-cache'
import { MAX_KNOWN_CHARS, MAX_KNOWN_SPELLINGS } from '../hot-path-limits.ts'
import { climbs } from '../session/host-pattern.ts'
import type { Fault } from './headers.ts'
import { invalid } from './headers.ts'
import { at, readPath, readUrl, type Target } from './target.ts'

export interface Route {
  /** Begins and ends with a slash. */
  readonly prefix: string
  /** Absolute http or https URL; its path takes the place of the prefix. */
  readonly upstream: string
}

/** What of a request to our own listener decides where it goes. */
export interface ReverseRequest {
  /** Origin-form: path and query. */
  readonly requestTarget: string
  readonly host: string | undefined
  readonly secFetchSite: string | undefined
  readonly origin: string | undefined
  /** The address on which the connection came in. */
  readonly localAddress: string | undefined
}

export type Reversed =
  | Target
  /** The agent's own door: path and query behind the reserved prefix. */
  | { readonly kind: 'agent_door'; readonly path: string }
  | Fault

export type ReverseDoor = (request: ReverseRequest) => Reversed

export interface ReverseDoorOptions {
  readonly routes: readonly Route[]
  /** Further names under which the listener may be addressed. */
  readonly hosts: readonly string[]
}

/** In reverse mode, `http://purser.internal/` is found here. */
export const AGENT_DOOR_PREFIX = '/.purser/'

interface Mapping {
  readonly prefix: string
  readonly base: Target
  /** The path that stands for the prefix, with its slash. */
  readonly directory: string
}

/** @throws Error if a route's upstream is no http or https URL */
export function createReverseDoor({ routes, hosts }: ReverseDoorOptions): ReverseDoor {
  const mappings = routes.map(mappingOf).sort((a, b) => b.prefix.length - a.prefix.length)
  const isOurs = namesOf(hosts)
  return (request) => {
    const bar = barTo(request, isOurs)
    if (bar) return bar
    const path = readPath(request.requestTarget)
    if (!path) return invalid('The path cannot be read.')
    const { pathname, search } = path
    if (pathname.startsWith(AGENT_DOOR_PREFIX)) {
      return { kind: 'agent_door', path: pathname.slice(AGENT_DOOR_PREFIX.length - 1) + search }
    }
    const mapping = mappings.find(({ prefix }) => pathname.startsWith(prefix))
    if (!mapping) return { kind: 'fault', code: 'not_found', detail: `No route begins like ${pathname.slice(0, 200)}.` }
    return mapped(mapping, { pathname, search })
  }
}

function mappingOf({ prefix, upstream }: Route): Mapping {
  const base = readUrl(upstream)
  if (base.kind === 'fault') throw new Error(`route ${prefix}: ${base.detail}`)
  return { prefix, base, directory: base.path.endsWith('/') ? base.path : `${base.path}/` }
}

/** The URL parser has resolved dots already; what hides behind escapes must not climb out of the upstream's base either. */
function mapped({ prefix, base, directory }: Mapping, { pathname, search }: Pick<URL, 'pathname' | 'search'>): Reversed {
  const rest = pathname.slice(prefix.length)
  if (climbs(rest)) return invalid('The path leaves the route.')
  return at(base.origin, { pathname: directory + rest, search })
}

/** Whether a `Host` names this listener; `localAddress` is the address on which the connection came in. */
type IsOurs = (host: string, localAddress: string | undefined) => boolean

/** What was once read as one of our names is not read again: nearly all requests have the same few. */
function namesOf(hosts: readonly string[]): IsOurs {
  const named = new Set(hosts.map((host) => host.toLowerCase()))
  const known = new LRUCache<string, true>({ max: MAX_KNOWN_SPELLINGS })
  return (host, localAddress) => {
    if (known.get(host)) return true
    const name = URL.parse(`http://${host}/`)?.hostname
    if (name === undefined) return false
    if (!isLoopback(name) && !named.has(name)) return isListener(name, localAddress)
    if (host.length <= MAX_KNOWN_CHARS) known.set(host, true)
    return true
  }
}

function barTo({ host, localAddress, secFetchSite, origin }: ReverseRequest, isOurs: IsOurs): Fault | undefined {
  if (host === undefined || !isOurs(host, localAddress)) {
    return { kind: 'fault', code: 'host_mismatch', detail: `${JSON.stringify((host ?? '').slice(0, 100))} is not a name of this listener.` }
  }
  if (secFetchSite === 'cross-site' || secFetchSite === 'same-site' || isForeign(origin, host)) {
    return { kind: 'fault', code: 'destination_not_allowed', detail: 'Pages of other sites may not use this listener.' }
  }
  return undefined
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || (isIP(name) === 4 && name.startsWith('127.'))
}

function isListener(name: string, localAddress: string | undefined): boolean {
  if (localAddress === undefined) return false
  const bare = name.startsWith('[') ? name.slice(1, -1) : name
  return bare === localAddress.replace(/^::ffff:/, '')
}

function isForeign(origin: string | undefined, host: string): boolean {
  if (origin === undefined) return false
  const url = URL.parse(origin)
  return url === null || url.host !== host.toLowerCase()
}
