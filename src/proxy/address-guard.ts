/**
 * The address guard: a name is resolved once, every answer is judged, and the caller connects to the address that was
 * vetted, never to the name. Private and special addresses are refused unless an operator opened their network; our own
 * doors are refused always, because they would let an agent ask as if it were a neighbour.
 */
import { lookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'
import { canonicalHost } from './canonical-host.ts'
import { type Address, isWithin, parseAddress, specialRangeOf, translatedAddress } from './special-addresses.ts'

export type Vetted =
  /** Connect to exactly this address. `opened`: it lies in a network that the operator opened. */
  | { readonly kind: 'vetted'; readonly address: string; readonly family: 4 | 6; readonly opened: boolean }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unresolved'; readonly reason: string }

export interface AddressGuard {
  /** `host` in any spelling; `port` is what will be connected to. Never rejects. */
  vet(host: string, port: number): Promise<Vetted>
}

export type Resolve = (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>

export interface AddressGuardOptions {
  /** CIDRs of `unsafeAllowPrivateUpstreams`. */
  readonly opened: readonly string[]
  /** What our listeners are bound to, asked at each vetting. */
  readonly ownDoors: () => readonly { readonly address: string; readonly port: number }[]
  readonly resolve?: Resolve
}

/** Answered by Purser itself or by a cloud's metadata service, whatever a resolver says. */
const REFUSED_NAMES = ['purser.internal', 'metadata.google.internal']

const lookUp: Resolve = (host) => lookup(host, { all: true, order: 'verbatim' })

/** Throws if one of `opened` is no CIDR. */
export function createAddressGuard(options: AddressGuardOptions): AddressGuard {
  const opened = options.opened.map((cidr) => ipaddr.parseCIDR(cidr))
  const resolve = options.resolve ?? lookUp

  async function vet(text: string, port: number): Promise<Vetted> {
    const host = canonicalHost(text)
    if (host === undefined) return { kind: 'refused', reason: 'This is neither a host name nor an address.' }
    const literal = parseAddress(host)
    if (literal !== undefined) return judge([literal], port)
    const reserved = REFUSED_NAMES.find((name) => host === name || host.endsWith(`.${name}`))
    if (reserved !== undefined) return { kind: 'refused', reason: `${host} is reserved.` }
    return vetName(host, port)
  }

  async function vetName(host: string, port: number): Promise<Vetted> {
    const answers = await resolve(host).catch(() => undefined)
    if (answers === undefined) return { kind: 'unresolved', reason: `${host} could not be resolved.` }
    return judge(
      answers.map(({ address }) => parseAddress(address)),
      port,
    )
  }

  function judge(answers: readonly (Address | undefined)[], port: number): Vetted {
    let first: Vetted | undefined
    for (const address of answers) {
      if (address === undefined) return { kind: 'refused', reason: 'The resolver answered with something that is no address.' }
      const allowed = opened.some((net) => isWithin(address, net))
      const bar = barOf(address, { port, allowed, doors: options.ownDoors() })
      if (bar !== undefined) return { kind: 'refused', reason: bar }
      first ??= { kind: 'vetted', address: address.toString(), family: address.kind() === 'ipv4' ? 4 : 6, opened: allowed }
    }
    return first ?? { kind: 'unresolved', reason: 'The name has no address.' }
  }

  return { vet }
}

interface Judged {
  readonly port: number
  readonly allowed: boolean
  readonly doors: ReturnType<AddressGuardOptions['ownDoors']>
}

function barOf(address: Address, { port, allowed, doors }: Judged): string | undefined {
  if (doors.some((door) => door.port === port && isBehind(address, door.address)))
    return `${address}:${port} is one of this proxy’s own doors.`
  if (allowed) return undefined
  const special = specialRangeOf(address)
  return special && `${address} is not a public address: ${special.name} (${special.source}).`
}

/** Whether connecting to `address` ends at a listener bound to `bound`. Unspecified destinations reach this machine. */
function isBehind(address: Address, bound: string): boolean {
  const door = parseAddress(bound)
  const reached = [address, translatedAddress(address)].filter((one) => one !== undefined)
  if (door === undefined) return reached.some(isLocal)
  return reached.some((one) => isSame(one, door) || isUnspecified(one) || (isUnspecified(door) && isLocal(one)))
}

function isLocal(address: Address): boolean {
  if (isUnspecified(address) || address.range() === 'loopback') return true
  const own = Object.values(networkInterfaces()).flatMap((entries) => entries ?? [])
  return own.some((entry) => {
    const local = parseAddress(entry.address)
    return local !== undefined && isSame(local, address)
  })
}

const isUnspecified = (address: Address): boolean => address.toByteArray().every((byte) => byte === 0)

function isSame(a: Address, b: Address): boolean {
  const bytes = b.toByteArray()
  return a.kind() === b.kind() && a.toByteArray().every((byte, i) => byte === bytes[i])
}
