import { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { type AddressGuardOptions, createAddressGuard, type Vetted } from '../../src/proxy/address-guard.ts'

const noResolver = async (): Promise<never> => {
  throw new Error('an address must not be resolved')
}

function guard(options: Partial<AddressGuardOptions> = {}) {
  return createAddressGuard({ opened: [], ownDoors: () => [], resolve: noResolver, ...options })
}

const answering = (...addresses: string[]) => ({
  resolve: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
})

/** Every way to write one IPv4 address that a URL parser, a resolver or a C library may understand. */
function spellings(dotted: string): string[] {
  const octets = dotted.split('.').map(Number)
  const [a = 0, b = 0, c = 0, d = 0] = octets
  const value = ((a * 256 + b) * 256 + c) * 256 + d
  const hex = (n: number) => `0x${n.toString(16)}`
  const octal = (n: number) => `0${n.toString(8)}`
  const low16 = c * 256 + d
  const low24 = b * 65_536 + low16
  const groups = [(a * 256 + b).toString(16), low16.toString(16)].join(':')
  const fullWidth = dotted.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)))
  const v4 = [
    dotted,
    `${dotted}.`,
    octets.map(hex).join('.'),
    octets.map((n) => hex(n).toUpperCase().replace('X', 'x')).join('.'),
    octets.map((n) => `0X${n.toString(16).toUpperCase()}`).join('.'),
    octets.map((n) => `0x00${n.toString(16)}`).join('.'),
    octets.map(octal).join('.'),
    octets.map((n) => `000${n.toString(8)}`).join('.'),
    `${hex(a)}.${b}.${octal(c)}.${d}`,
    `${octal(a)}.${hex(b)}.${c}.${hex(d)}`,
    `${a}.${hex(b)}.${low16}`,
    String(value),
    `${value}.`,
    hex(value),
    hex(value).toUpperCase().replace('0X', '0x'),
    `0x0000${value.toString(16)}`,
    octal(value),
    `000${value.toString(8)}`,
    `${a}.${low24}`,
    `${a}.${hex(low24)}`,
    `${a}.${octal(low24)}`,
    `${hex(a)}.${low24}`,
    `${a}.${b}.${low16}`,
    `${a}.${b}.${hex(low16)}`,
    `${a}.${b}.${octal(low16)}`,
    fullWidth,
    `${fullWidth}.`,
    dotted.replaceAll('.', '。'),
    dotted.replaceAll('.', '．'),
    dotted.replaceAll('.', '｡'),
    dotted.replaceAll('.', '%2e'),
    [...dotted].map((char) => `%${char.charCodeAt(0).toString(16)}`).join(''),
    dotted.replace('.', '\u00ad.'),
  ]
  const v6 = [
    `::ffff:${dotted}`,
    `::FFFF:${dotted}`,
    `0:0:0:0:0:ffff:${dotted}`,
    `0000:0000:0000:0000:0000:ffff:${groups}`,
    `::ffff:${groups}`,
    `::ffff:${groups}`.toUpperCase(),
    `::${dotted}`,
    `64:ff9b::${dotted}`,
    `64:ff9b::${groups}`,
    `64:ff9b:1::${dotted}`,
    `2002:${groups}::1`,
    `2001:0:${groups}::1`,
  ]
  return [...v4, ...v6, ...v6.map((text) => `[${text}]`)]
}

const FORBIDDEN = [
  '127.0.0.1',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '100.64.0.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
]

describe('address guard: literal addresses', () => {
  const cases = FORBIDDEN.flatMap((address) => spellings(address))

  it('is tried with at least 400 spellings', () => {
    expect(new Set(cases).size).toBeGreaterThanOrEqual(400)
  })

  it('refuses each spelling of a special address, without asking a resolver', async () => {
    const let_through: string[] = []
    for (const text of cases) {
      const result = await guard().vet(text, 443)
      if (result.kind !== 'refused') let_through.push(`${text} → ${JSON.stringify(result)}`)
    }
    expect(let_through).toEqual([])
  })

  it('reads each spelling of a public address as this address, and no spelling as a name', async () => {
    const allowed = new Set(['8.8.4.4', '64:ff9b::808:404'])
    for (const text of spellings('8.8.4.4')) {
      const result = await guard().vet(text, 443)
      if (result.kind === 'vetted') expect(allowed.has(result.address), text).toBe(true)
      else expect(result.kind, text).toBe('refused')
    }
  })

  it.each([
    ['::1', '::1 is not a public address: loopback (RFC 4291).'],
    ['[::]', ':: is not a public address: the unspecified address (RFC 4291).'],
    ['0', '0.0.0.0 is not a public address: "this host on this network" (RFC 1122).'],
    ['fd00:ec2::254', 'fd00:ec2::254 is not a public address: a cloud metadata service (AWS).'],
    ['FE80::1', 'fe80::1 is not a public address: link local (RFC 4291).'],
    ['fe80::1%eth0', 'This is neither a host name nor an address.'],
    ['[fe80::1%25eth0]', 'This is neither a host name nor an address.'],
    ['127.0.0.1:80', 'This is neither a host name nor an address.'],
    ['metadata.google.internal', 'metadata.google.internal is reserved.'],
    ['Metadata.Google.Internal.', 'metadata.google.internal is reserved.'],
    ['purser.internal', 'purser.internal is reserved.'],
    ['x.purser.internal', 'x.purser.internal is reserved.'],
  ])('refuses %s: %s', async (text, reason) => {
    expect(await guard().vet(text, 443)).toEqual({ kind: 'refused', reason })
  })
})

describe('address guard: names', () => {
  const publicAnswer: Vetted = { kind: 'vetted', address: '93.184.216.34', family: 4, opened: false }

  it('vets the first public answer, in the resolver’s order', async () => {
    expect(await guard(answering('93.184.216.34', '2606:4700::1111')).vet('example.com', 443)).toEqual(publicAnswer)
    expect(await guard(answering('2606:4700::1111', '93.184.216.34')).vet('example.com', 443)).toEqual({
      kind: 'vetted',
      address: '2606:4700::1111',
      family: 6,
      opened: false,
    })
  })

  it.each([
    [['93.184.216.34', '127.0.0.1']],
    [['127.0.0.1', '93.184.216.34']],
    [['93.184.216.34', '::1']],
    [['93.184.216.34', '::ffff:10.0.0.1']],
    [['2606:4700::1111', '93.184.216.34', '64:ff9b::a9fe:a9fe']],
    [['93.184.216.34', 'fe80::1%eth0']],
  ])('refuses a name if any of its answers is special: %j', async (answers) => {
    const result = await guard(answering(...answers)).vet('mixed.example', 443)
    expect(result).toMatchObject({ kind: 'refused', reason: expect.stringContaining('is not a public address') })
  })

  it('connects where it looked: a mapped answer becomes the IPv4 address that was judged', async () => {
    expect(await guard(answering('::ffff:93.184.216.34')).vet('example.com', 443)).toEqual(publicAnswer)
  })

  it('resolves once for each vetting, so that a flipping resolver is judged by the answer that is used', async () => {
    let calls = 0
    const flipping = guard({
      resolve: async () => [{ address: calls++ % 2 === 0 ? '93.184.216.34' : '127.0.0.1', family: 4 }],
    })
    for (let i = 0; i < 1_000; i++) {
      const result = await flipping.vet('rebind.example', 443)
      expect(result.kind).toBe(i % 2 === 0 ? 'vetted' : 'refused')
      if (result.kind === 'vetted') expect(result.address).toBe('93.184.216.34')
    }
    expect(calls).toBe(1_000)
  })

  it('asks the resolver for the canonical name', async () => {
    const asked: string[] = []
    const resolve = async (host: string) => {
      asked.push(host)
      return [{ address: '93.184.216.34', family: 4 }]
    }
    await guard({ resolve }).vet('BÜCHER.example.', 443)
    expect(asked).toEqual(['xn--bcher-kva.example'])
  })

  it('says that a name has no address, or that it could not be resolved', async () => {
    expect(await guard(answering()).vet('empty.example', 443)).toEqual({ kind: 'unresolved', reason: 'The name has no address.' })
    expect(await guard().vet('gone.example', 443)).toEqual({ kind: 'unresolved', reason: 'gone.example could not be resolved.' })
  })

  it('refuses an answer that is no address', async () => {
    expect((await guard(answering('not-an-address')).vet('odd.example', 443)).kind).toBe('refused')
  })

  it('uses the system’s resolver by default', async () => {
    const result = await createAddressGuard({ opened: [], ownDoors: () => [] }).vet('localhost', 443)
    expect(result).toMatchObject({ kind: 'refused', reason: expect.stringContaining('loopback') })
  })
})

describe('address guard: opened networks', () => {
  it('lets the opened network through and says that it was opened', async () => {
    const opened = guard({ opened: ['10.1.0.0/16', 'fd12::/16'] })
    expect(await opened.vet('10.1.2.3', 80)).toEqual({ kind: 'vetted', address: '10.1.2.3', family: 4, opened: true })
    expect(await opened.vet('::ffff:10.1.2.3', 80)).toEqual({ kind: 'vetted', address: '10.1.2.3', family: 4, opened: true })
    expect(await opened.vet('fd12::7', 80)).toEqual({ kind: 'vetted', address: 'fd12::7', family: 6, opened: true })
    expect((await opened.vet('10.2.0.1', 80)).kind).toBe('refused')
    expect((await opened.vet('64:ff9b::10.1.2.3', 80)).kind).toBe('refused')
    expect(await opened.vet('8.8.8.8', 80)).toMatchObject({ kind: 'vetted', opened: false })
  })

  it('refuses a name of which one answer lies outside', async () => {
    const opened = guard({ opened: ['10.1.0.0/16'], ...answering('10.1.0.1', '10.2.0.1') })
    expect((await opened.vet('half.example', 80)).kind).toBe('refused')
  })

  it('does not start with something that is no network', () => {
    expect(() => guard({ opened: ['10.0.0.0/99'] })).toThrow()
  })
})

describe('address guard: own doors', () => {
  const opened = ['127.0.0.0/8', '0.0.0.0/8', '::/0', '0.0.0.0/0']

  it.each(['127.0.0.1', '0.0.0.0', '[::]', '::ffff:127.0.0.1', '2130706433', '64:ff9b::7f00:1'])(
    'refuses a door on loopback as %s, even where the network is opened',
    async (text) => {
      const guarded = guard({ opened, ownDoors: () => [{ address: '127.0.0.1', port: 4021 }] })
      expect(await guarded.vet(text, 4021)).toMatchObject({ kind: 'refused', reason: expect.stringContaining('own doors') })
      expect((await guarded.vet(text, 4022)).kind).toBe('vetted')
    },
  )

  it('refuses a name that resolves to a door', async () => {
    const guarded = guard({ opened, ownDoors: () => [{ address: '::1', port: 4021 }], ...answering('8.8.8.8', '::1') })
    expect(await guarded.vet('admin.example', 4021)).toMatchObject({
      kind: 'refused',
      reason: '::1:4021 is one of this proxy’s own doors.',
    })
  })

  it.each(['0.0.0.0', '::', '/run/purser.sock'])('refuses every address of this machine where a door is bound to %s', async (address) => {
    const guarded = guard({ opened, ownDoors: () => [{ address, port: 4020 }] })
    const local = Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map((entry) => entry.address))
    for (const own of [...local, '127.0.0.1', '127.9.9.9', '::1', '0.0.0.0', '::']) {
      expect((await guarded.vet(own, 4020)).kind, own).toBe('refused')
    }
    expect((await guarded.vet('10.99.99.99', 4020)).kind).toBe('vetted')
  })

  it('knows a door that was opened later', async () => {
    const doors: { address: string; port: number }[] = []
    const guarded = guard({ opened, ownDoors: () => doors })
    expect((await guarded.vet('127.0.0.1', 4021)).kind).toBe('vetted')
    doors.push({ address: '127.0.0.1', port: 4021 })
    expect((await guarded.vet('127.0.0.1', 4021)).kind).toBe('refused')
  })
})
