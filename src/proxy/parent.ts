/**
 * The parent proxy: where a network lets nobody out but through a proxy of its own, Purser asks there. Which way an
 * origin goes is fixed for the life of the process, so a payment leaves as the request that asked for it did.
 */
import ipaddr from 'ipaddr.js'
import { PARENT_LOOKUP_MS } from '../limits.ts'
import { matchesHost } from '../session/host-pattern.ts'
import type { AddressGuard, Vetted } from './address-guard.ts'
import type { Origin } from './door.ts'
import { isWithin, parseAddress } from './special-addresses.ts'

export interface ParentProxy {
  readonly host: string
  readonly port: number
  /** Whether the proxy itself is reached over TLS. */
  readonly secure: boolean
  /** The value of `Proxy-Authorization`. */
  readonly authorization?: string
}

export interface Parents {
  /** The proxy that leads there, or undefined where the way is direct. */
  of(origin: Origin): ParentProxy | undefined
}

export interface ParentsOptions {
  readonly http: ParentProxy | null
  readonly https: ParentProxy | null
  /** Host patterns and networks (CIDR) that are reached directly. A network names addresses only, never what names resolve to. */
  readonly except: readonly string[]
}

/** This machine itself is always reached directly: a parent would take it for its own. */
export function createParents({ http, https, except }: ParentsOptions): Parents {
  const networks = except.filter(isNetwork).map((cidr) => ipaddr.parseCIDR(cidr))
  const patterns = except.filter((entry) => !isNetwork(entry))
  const isDirect = ({ host, port }: Origin): boolean => {
    const address = parseAddress(host)
    if (address === undefined) return isOwnName(host) || patterns.some((pattern) => matchesHost(pattern, host, port))
    const local = address.range() === 'loopback' || networks.some((network) => isWithin(address, network))
    return local || patterns.some((pattern) => matchesHost(pattern, host, port))
  }
  return { of: (origin) => (isDirect(origin) ? undefined : ((origin.scheme === 'https' ? https : http) ?? undefined)) }
}

const isNetwork = (entry: string): boolean => entry.includes('/')
const isOwnName = (host: string): boolean => host === 'localhost' || host.endsWith('.localhost')

/**
 * The guard's word on an origin. Where a parent leads there, it resolves the name, so only what can be seen is judged:
 * literal addresses, reserved names, and whatever this machine resolves the name to; one that it cannot resolve in time
 * is left to the parent. What lies behind a parent never counts as a network that the operator opened.
 */
export async function vetFor(
  parent: ParentProxy | undefined,
  guard: AddressGuard,
  { host, port }: Omit<Origin, 'scheme'>,
): Promise<Vetted> {
  if (parent === undefined) return guard.vet(host, port)
  const seen = await within(guard.vet(host, port), PARENT_LOOKUP_MS)
  return seen?.kind === 'refused' ? seen : { kind: 'vetted', address: parent.host, family: 4, opened: false }
}

async function within<T>(work: Promise<T>, timeout_ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const alarm = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeout_ms)
  })
  try {
    return await Promise.race([work, alarm])
  } finally {
    clearTimeout(timer)
  }
}
