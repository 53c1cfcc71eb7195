/**
 * What our certificate authority may speak for, as the critical name-constraints extension (RFC 5280, 4.2.1.10). Clients
 * accept a leaf for an IP address even from an authority with permitted names, unless all addresses are excluded too.
 */
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'

export const NAME_CONSTRAINTS_OID = '2.5.29.30'

/** The extension's name and that it is critical, in DER. */
const CRITICAL_CONSTRAINTS = Buffer.from('0603551d1e0101ff', 'hex')

const OCTETS = 0x04
const SEQUENCE = 0x30
const PERMITTED = 0xa0
const EXCLUDED = 0xa1
const DNS_NAME = 0x82
const IP_ADDRESS = 0x87
/** Address and mask, all zero: 0.0.0.0/0 and ::/0. */
const ALL_IPV4 = Buffer.alloc(8)
const ALL_IPV6 = Buffer.alloc(32)

/** The extension's DER value: every IP address excluded, and only `permitted` DNS subtrees where there are any. */
export function nameConstraints(permitted: readonly string[] = []): Buffer {
  const excluded = der(EXCLUDED, subtree(IP_ADDRESS, ALL_IPV4), subtree(IP_ADDRESS, ALL_IPV6))
  const names = permitted.map((name) => subtree(DNS_NAME, Buffer.from(name, 'ascii')))
  return names.length === 0 ? der(SEQUENCE, excluded) : der(SEQUENCE, der(PERMITTED, ...names), excluded)
}

/** Whether the certificate, one that we made, carries exactly these; told without the library that makes certificates. */
export function isBoundTo({ raw }: Pick<X509Certificate, 'raw'>, permitted?: readonly string[]): boolean {
  return raw.includes(der(SEQUENCE, CRITICAL_CONSTRAINTS, der(OCTETS, nameConstraints(permitted))))
}

const subtree = (tag: number, value: Buffer): Buffer => der(SEQUENCE, der(tag, value))

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag, ...lengthOf(value)]), value])
}

function lengthOf({ length }: Buffer): number[] {
  if (length < 0x80) return [length]
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return [0x80 | bytes.length, ...bytes]
}

/**
 * The DNS subtrees that cover the intercepted host patterns, or undefined where one of them (`*`, an address) has no
 * bounded subtree: then names stay unconstrained.
 */
export function permittedSubtrees(hosts: readonly string[]): string[] | undefined {
  const subtrees = hosts.map(subtreeOf)
  return subtrees.length > 0 && subtrees.every((name) => name !== undefined) ? [...new Set(subtrees)].sort() : undefined
}

/** `*.example.com` and `api.example.com:8443` lie under `example.com` and `api.example.com`. A bare top-level name is too wide. */
function subtreeOf(pattern: string): string | undefined {
  const host = pattern.replace(/:\d+$/, '').replace(/^\*\./, '').replace(/\.$/, '')
  const name = domainToASCII(host)
  const concrete = isIP(host) === 0 && isIP(name) === 0 && /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/.test(name)
  return concrete ? name : undefined
}
