/**
 * Addresses that are not the public internet: every row of the IANA special-purpose registries for IPv4 and IPv6
 * (globally reachable rows included: no paid API lives there), multicast, what is reserved, and the metadata services
 * of clouds. The most specific row that holds an address is the reason that is given.
 */
import ipaddr from 'ipaddr.js'

export type Address = ipaddr.IPv4 | ipaddr.IPv6

export interface SpecialRange {
  readonly cidr: string
  readonly name: string
  /** The RFC that reserves it, or whose metadata service it is. */
  readonly source: string
}

const range = (cidr: string, name: string, source: string): SpecialRange => ({ cidr, name, source })

const METADATA: readonly SpecialRange[] = [
  range('169.254.169.254/32', 'a cloud metadata service', 'AWS, Google, Azure and others'),
  range('100.100.100.200/32', 'a cloud metadata service', 'Alibaba Cloud'),
  range('192.0.0.192/32', 'a cloud metadata service', 'Oracle Cloud'),
  range('168.63.129.16/32', 'a cloud metadata service', 'Azure'),
  range('fd00:ec2::254/128', 'a cloud metadata service', 'AWS'),
]

const IPV4: readonly SpecialRange[] = [
  range('0.0.0.0/8', '"this network"', 'RFC 791'),
  range('0.0.0.0/32', '"this host on this network"', 'RFC 1122'),
  range('10.0.0.0/8', 'private use', 'RFC 1918'),
  range('100.64.0.0/10', 'shared address space', 'RFC 6598'),
  range('127.0.0.0/8', 'loopback', 'RFC 1122'),
  range('169.254.0.0/16', 'link local', 'RFC 3927'),
  range('172.16.0.0/12', 'private use', 'RFC 1918'),
  range('192.0.0.0/24', 'IETF protocol assignments', 'RFC 6890'),
  range('192.0.0.0/29', 'IPv4 service continuity', 'RFC 7335'),
  range('192.0.0.8/32', 'IPv4 dummy address', 'RFC 7600'),
  range('192.0.0.9/32', 'port control protocol anycast', 'RFC 7723'),
  range('192.0.0.10/32', 'relays around NAT anycast', 'RFC 8155'),
  range('192.0.0.170/32', 'NAT64/DNS64 discovery', 'RFC 8880'),
  range('192.0.0.171/32', 'NAT64/DNS64 discovery', 'RFC 8880'),
  range('192.0.2.0/24', 'documentation', 'RFC 5737'),
  range('192.31.196.0/24', 'AS112', 'RFC 7535'),
  range('192.52.193.0/24', 'automatic multicast tunnelling', 'RFC 7450'),
  range('192.88.99.0/24', '6to4 relay anycast', 'RFC 7526'),
  range('192.88.99.2/32', '6a44 relay anycast', 'RFC 6751'),
  range('192.168.0.0/16', 'private use', 'RFC 1918'),
  range('192.175.48.0/24', 'direct delegation AS112', 'RFC 7534'),
  range('198.18.0.0/15', 'benchmarking', 'RFC 2544'),
  range('198.51.100.0/24', 'documentation', 'RFC 5737'),
  range('203.0.113.0/24', 'documentation', 'RFC 5737'),
  range('224.0.0.0/4', 'multicast', 'RFC 5771'),
  range('240.0.0.0/4', 'reserved', 'RFC 1112'),
  range('255.255.255.255/32', 'limited broadcast', 'RFC 919'),
]

const IPV6: readonly SpecialRange[] = [
  range('::1/128', 'loopback', 'RFC 4291'),
  range('::/128', 'the unspecified address', 'RFC 4291'),
  range('::ffff:0:0/96', 'IPv4-mapped', 'RFC 4291'),
  range('64:ff9b::/96', 'IPv4-IPv6 translation', 'RFC 6052'),
  range('64:ff9b:1::/48', 'IPv4-IPv6 translation', 'RFC 8215'),
  range('100::/64', 'discard only', 'RFC 6666'),
  range('100:0:0:1::/64', 'dummy prefix', 'RFC 9780'),
  range('2001::/23', 'IETF protocol assignments', 'RFC 2928'),
  range('2001::/32', 'Teredo', 'RFC 4380'),
  range('2001:1::1/128', 'port control protocol anycast', 'RFC 7723'),
  range('2001:1::2/128', 'relays around NAT anycast', 'RFC 8155'),
  range('2001:1::3/128', 'DNS-SD service registration anycast', 'RFC 9665'),
  range('2001:2::/48', 'benchmarking', 'RFC 5180'),
  range('2001:3::/32', 'automatic multicast tunnelling', 'RFC 7450'),
  range('2001:4:112::/48', 'AS112', 'RFC 7535'),
  range('2001:10::/28', 'ORCHID', 'RFC 4843'),
  range('2001:20::/28', 'ORCHIDv2', 'RFC 7343'),
  range('2001:30::/28', 'drone remote identification', 'RFC 9374'),
  range('2001:db8::/32', 'documentation', 'RFC 3849'),
  range('2002::/16', '6to4', 'RFC 3056'),
  range('2620:4f:8000::/48', 'direct delegation AS112', 'RFC 7534'),
  range('3fff::/20', 'documentation', 'RFC 9637'),
  range('5f00::/16', 'segment routing', 'RFC 9602'),
  range('fc00::/7', 'unique local', 'RFC 4193'),
  range('fe80::/10', 'link local', 'RFC 4291'),
  range('fec0::/10', 'site local', 'RFC 3879'),
  range('ff00::/8', 'multicast', 'RFC 4291'),
  range('::/3', 'outside global unicast', 'RFC 4291'),
  range('4000::/2', 'outside global unicast', 'RFC 4291'),
  range('8000::/1', 'outside global unicast', 'RFC 4291'),
]

export const SPECIAL_RANGES: readonly SpecialRange[] = [...METADATA, ...IPV4, ...IPV6]

const BY_LENGTH = SPECIAL_RANGES.map((entry) => ({ entry, net: ipaddr.parseCIDR(entry.cidr) })).sort((a, b) => b.net[1] - a.net[1])
const TRANSLATED = ipaddr.parseCIDR('64:ff9b::/96')

/** `::1.2.3.4` is not `::ffff:1.2.3.4`, as ipaddr.js would read it. */
const IPV4_COMPATIBLE = /^::\d+\./

/** The address that `text` writes, IPv4-mapped ones as the IPv4 that they are; undefined if it is none. */
export function parseAddress(text: string): Address | undefined {
  return ipaddr.isValid(text) && !IPV4_COMPATIBLE.test(text) ? ipaddr.process(text) : undefined
}

/** The IPv4 address that a NAT64 gateway would reach under this address. */
export function translatedAddress(address: Address): Address | undefined {
  if (!isWithin(address, TRANSLATED)) return undefined
  return ipaddr.fromByteArray(address.toByteArray().slice(12))
}

export function isWithin(address: Address, net: [Address, number]): boolean {
  return address.kind() === net[0].kind() && address.match(net)
}

/** Why the address is not the public internet, or undefined. Translated addresses are judged by the IPv4 inside. */
export function specialRangeOf(address: Address): SpecialRange | undefined {
  const judged = translatedAddress(address) ?? address
  return BY_LENGTH.find(({ net }) => isWithin(judged, net))?.entry
}
