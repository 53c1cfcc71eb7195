import { LRUCache } from 'lru-cache'
import { MAX_KNOWN_CHARS, MAX_KNOWN_SPELLINGS } from '../hot-path-limits.ts'

/** The parts of a canonical URL, in the form in which policy and ledger know hosts: IPv6 without brackets, port always given. */
export interface Place {
  /** scheme://host[:port] */
  readonly origin: string
  readonly host: string
  readonly port: number
  readonly path: string
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' }

/** By URL without query, on which nothing of them rests: a payment asks for them at each of its steps, and agents come back. */
const known = new LRUCache<string, Place>({ max: MAX_KNOWN_SPELLINGS })

/** Shared: nobody may change it. */
export function placeOf(url: string): Place {
  const query = url.indexOf('?')
  const bare = query === -1 ? url : url.slice(0, query)
  const found = known.get(bare)
  if (found) return found
  const place = Object.freeze(readPlace(bare))
  if (bare.length <= MAX_KNOWN_CHARS) known.set(bare, place)
  return place
}

function readPlace(url: string): Place {
  const { origin, hostname, port, protocol, pathname } = new URL(url)
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return { origin, host, port: Number.parseInt(port || (DEFAULT_PORTS[protocol] ?? '0'), 10), path: pathname }
}
