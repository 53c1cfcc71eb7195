import ipaddr from 'ipaddr.js'
import { describe, expect, it } from 'vitest'
import { isWithin, parseAddress, SPECIAL_RANGES, specialRangeOf, translatedAddress } from '../../src/proxy/special-addresses.ts'

function rangeOf(text: string) {
  const address = parseAddress(text)
  if (address === undefined) throw new Error(`${text} is no address`)
  return specialRangeOf(address)
}

/** First and last address of a CIDR. */
function ends(cidr: string): string[] {
  const [net, length] = ipaddr.parseCIDR(cidr)
  const edge = (bit: 0 | 1) =>
    net.toByteArray().map((byte, i) => {
      const kept = Math.min(8, Math.max(0, length - i * 8))
      const mask = (0xff << (8 - kept)) & 0xff
      return bit === 0 ? byte & mask : (byte & mask) | (~mask & 0xff)
    })
  return [ipaddr.fromByteArray(edge(0)).toString(), ipaddr.fromByteArray(edge(1)).toString()]
}

describe('special addresses', () => {
  // IPv4-mapped and translated addresses are judged by the IPv4 address inside.
  const embedding = new Set(['::ffff:0:0/96', '64:ff9b::/96'])
  it.each(SPECIAL_RANGES.filter(({ cidr }) => !embedding.has(cidr)))(
    'holds the first and the last address of $cidr ($name)',
    ({ cidr }) => {
      for (const end of ends(cidr)) expect(rangeOf(end), end).toBeDefined()
    },
  )

  it.each([
    ['169.254.169.254', 'a cloud metadata service', 'AWS, Google, Azure and others'],
    ['168.63.129.16', 'a cloud metadata service', 'Azure'],
    ['10.1.2.3', 'private use', 'RFC 1918'],
    ['192.0.0.9', 'port control protocol anycast', 'RFC 7723'],
    ['192.0.0.77', 'IETF protocol assignments', 'RFC 6890'],
    ['255.255.255.255', 'limited broadcast', 'RFC 919'],
    ['2001::1', 'Teredo', 'RFC 4380'],
    ['2002:808:808::1', '6to4', 'RFC 3056'],
    ['::ffff:127.0.0.1', 'loopback', 'RFC 1122'],
    ['64:ff9b::10.0.0.1', 'private use', 'RFC 1918'],
    ['64:ff9b:1::8.8.8.8', 'IPv4-IPv6 translation', 'RFC 8215'],
    ['::808:808', 'outside global unicast', 'RFC 4291'],
    ['fe80::1%eth0', 'link local', 'RFC 4291'],
    ['fd00:ec2::254', 'a cloud metadata service', 'AWS'],
  ])('gives the most specific reason for %s: %s (%s)', (text, name, source) => {
    expect(rangeOf(text)).toMatchObject({ name, source })
  })

  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
    '2606:4700::1111',
    '2003::1',
    '2001:200::1',
    '2001:4860:4860::8888',
    '3ffe::1',
  ])('leaves the public address %s alone', (text) => {
    expect(rangeOf(text)).toBeUndefined()
  })

  it('names the IPv4 address behind a NAT64 address', () => {
    const address = parseAddress('64:ff9b::a00:1')
    expect(address && translatedAddress(address)?.toString()).toBe('10.0.0.1')
  })

  it('does not take the dead IPv4-compatible form for an IPv4-mapped one', () => {
    expect(parseAddress('::8.8.8.8')).toBeUndefined()
  })

  it('never compares an IPv4 address with an IPv6 net', () => {
    const address = parseAddress('0.0.0.1')
    expect(address && isWithin(address, ipaddr.parseCIDR('::/0'))).toBe(false)
  })
})
