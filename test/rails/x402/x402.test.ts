import { describe, expect, it } from 'vitest'
import type { Head } from '../../../src/http.ts'
import { knownAssets } from '../../../src/rails/x402/assets.ts'
import { createX402Rail } from '../../../src/rails/x402/x402.ts'
import { railConformance } from '../../conformance/rail.ts'
import {
  base64,
  bytes,
  challengeOf,
  ENTRY_PERMIT2,
  ENTRY_UPTO,
  ENTRY_V1,
  ENTRY_V2,
  headOf,
  NETWORK,
  onlyOffer,
  PLAIN_HEAD,
  REQUIRED_V1,
  REQUIRED_V2,
  rail,
} from './challenges.ts'

const DISAGREE = { kind: 'invalid', reason: 'The challenge’s header and body disagree on what may be paid.' }
const detect = (required: unknown) => challengeOf(rail.detect(headOf(required), undefined))

railConformance('x402', {
  rail,
  payable: [
    { name: 'version 2 in the header', head: headOf(REQUIRED_V2), body: bytes('{}') },
    { name: 'version 2 in the header, the body too large', head: headOf(REQUIRED_V2), body: undefined },
    { name: 'version 2 in the body only', head: PLAIN_HEAD, body: bytes(REQUIRED_V2) },
    { name: 'version 1', head: PLAIN_HEAD, body: bytes(REQUIRED_V1) },
    { name: 'version 1 in the header', head: headOf(REQUIRED_V1), body: bytes('') },
    { name: 'exact by permit2', head: headOf({ ...REQUIRED_V2, accepts: [ENTRY_PERMIT2] }), body: bytes('{}') },
    { name: 'upto', head: headOf({ ...REQUIRED_V2, accepts: [ENTRY_UPTO] }), body: bytes('{}') },
    { name: 'both versions together', head: headOf(REQUIRED_V2), body: bytes(REQUIRED_V1) },
  ],
  broken: [
    {
      name: 'a header twice',
      head: { status: 402, headers: [...headOf(REQUIRED_V2).headers, 'payment-required', base64(REQUIRED_V2)] },
      body: undefined,
    },
    { name: 'a header that cannot be read', head: { status: 402, headers: ['payment-required', 'pay me'] }, body: undefined },
    {
      name: 'a header that cannot be read beside a good body',
      head: { status: 402, headers: ['payment-required', ''] },
      body: bytes(REQUIRED_V1),
    },
    { name: 'a body with a key twice', head: PLAIN_HEAD, body: bytes('{"x402Version":1,"accepts":[],"x402Version":1}') },
    { name: 'a broken body beside a good header', head: headOf(REQUIRED_V2), body: bytes({ ...REQUIRED_V1, x402Version: 7 }) },
  ],
})

describe('header and body', () => {
  it('are one challenge where they ask for the same: the header’s', () => {
    expect(challengeOf(rail.detect(headOf(REQUIRED_V2), bytes(REQUIRED_V1)))).toMatchObject({
      protocolVersion: 2,
      offers: [{ protocolVersion: 2 }],
    })
  })

  it.each([
    ['amount', { maxAmountRequired: '10001' }],
    ['recipient', { payTo: '0x857b06519E91e3A54538791bDbb0E22373e36b66' }],
    ['token', { asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913' }],
    ['network', { network: 'base' }],
    ['window', { maxTimeoutSeconds: 300 }],
    ['scheme', { scheme: 'upto' }],
    ['flow', { extra: { ...ENTRY_V1.extra, paymentFlow: 'upfront' } }],
  ])('that disagree on the %s are refused', (_, change) => {
    const body = bytes({ ...REQUIRED_V1, accepts: [{ ...ENTRY_V1, ...change }] })
    expect(rail.detect(headOf(REQUIRED_V2), body)).toEqual(DISAGREE)
  })

  it('that disagree on how many ways there are to pay are refused', () => {
    const more = bytes({ ...REQUIRED_V1, accepts: [ENTRY_V1, { ...ENTRY_V1, maxAmountRequired: '1' }] })
    expect(rail.detect(headOf(REQUIRED_V2), more)).toEqual(DISAGREE)
    expect(rail.detect(headOf(REQUIRED_V2), bytes({ ...REQUIRED_V1, accepts: [] }))).toEqual(DISAGREE)
  })

  it('may list the same ways in another order, and others that cannot be paid here', () => {
    const dearer = { amount: '20000' }
    const two = headOf({ ...REQUIRED_V2, accepts: [ENTRY_V2, { ...ENTRY_V2, ...dearer }, { ...ENTRY_V2, network: 'eip155:137' }] })
    const one = bytes({ ...REQUIRED_V1, accepts: [{ ...ENTRY_V1, maxAmountRequired: '20000' }, ENTRY_V1] })
    expect(challengeOf(rail.detect(two, one)).offers).toHaveLength(2)
  })
})

describe('a challenge', () => {
  it('lists every entry that cannot be paid, with code and reason', () => {
    const accepts = [
      { ...ENTRY_V2, network: 'eip155:8453' },
      ENTRY_V2,
      { ...ENTRY_V2, scheme: 'batch-settlement' },
      'free',
      { ...ENTRY_V2, asset: `0x${'1'.repeat(40)}` },
    ]
    const { offers, rejected } = detect({ ...REQUIRED_V2, accepts })
    expect(offers.map(({ index }) => index)).toEqual([1])
    expect(rejected.map(({ index, code }) => [index, code])).toEqual([
      [0, 'network_not_allowed'],
      [2, 'scheme_not_supported'],
      [3, 'challenge_invalid'],
      [4, 'asset_unknown'],
    ])
  })

  it('without offers is one still: the agent must not see it as if nobody had read it', () => {
    expect(detect({ ...REQUIRED_V2, accepts: [] })).toMatchObject({ offers: [], rejected: [] })
  })

  it('is looked for in a 402 only', () => {
    for (const status of [200, 401, 403, 412]) expect(rail.detect({ ...headOf(REQUIRED_V2), status }, undefined)).toBeUndefined()
  })

  it('without any network listed can never be paid', () => {
    const closed = createX402Rail({ assets: knownAssets(), networks: [] })
    expect(challengeOf(closed.detect(headOf(REQUIRED_V2), undefined))).toMatchObject({
      offers: [],
      rejected: [{ code: 'network_not_allowed' }],
    })
  })

  it('keeps resource and extensions of version 2 for the echo, and nothing of version 1', () => {
    expect(detect({ ...REQUIRED_V2, extensions: { a: { info: 1 } } }).echo).toBe(
      `{"resource":${JSON.stringify(REQUIRED_V2.resource)},"extensions":{"a":{"info":1}}}`,
    )
    expect(challengeOf(rail.detect(PLAIN_HEAD, bytes(REQUIRED_V1))).echo).toBe('{}')
  })
})

describe('the digest', () => {
  const digest = (change: Record<string, unknown>, entry: Record<string, unknown> = {}) =>
    detect({ ...REQUIRED_V2, ...change, accepts: [{ ...ENTRY_V2, ...entry }] }).digest

  it('stays where only free text, extensions or spelling differ', () => {
    const plain = digest({})
    expect(digest({ error: 'other', resource: { url: 'https://elsewhere.example' }, extensions: { a: 1 } })).toBe(plain)
    expect(digest({}, { payTo: ENTRY_V2.payTo.toLowerCase(), description: 'x' })).toBe(plain)
  })

  it.each([
    { amount: '10001' },
    { payTo: '0x857b06519E91e3A54538791bDbb0E22373e36b66' },
    { maxTimeoutSeconds: 61 },
    { extra: { paymentFlow: 'upfront' } },
    { network: 'eip155:8453' },
    { scheme: 'upto' },
  ])('changes with the terms: %j', (entry) => {
    expect(digest({}, entry)).not.toBe(digest({}))
  })

  it('changes with the version', () => {
    expect(challengeOf(rail.detect(PLAIN_HEAD, bytes(REQUIRED_V1))).digest).not.toBe(digest({}))
    expect(onlyOffer(detect(REQUIRED_V2)).network).toBe(NETWORK)
  })
})

describe('asking again', () => {
  const BROWSER = ['Accept', 'text/html,application/xhtml+xml,*/*;q=0.8', 'User-Agent', 'Mozilla/5.0 (X11; Linux x86_64)']
  const PAGE: Head = { status: 402, headers: ['Content-Type', 'text/html; charset=utf-8'] }

  it('is for those who look like a browser and got a page alone', () => {
    expect(rail.askAgain(PAGE, BROWSER)).toEqual(['accept', 'application/json', 'user-agent', 'purser'])
  })

  it.each<[string, Head, string[]]>([
    ['the answer is no page', PLAIN_HEAD, BROWSER],
    ['the challenge is in the header', { status: 402, headers: [...PAGE.headers, 'PAYMENT-REQUIRED', 'x'] }, BROWSER],
    ['the answer is no 402', { ...PAGE, status: 403 }, BROWSER],
    ['the agent takes no page', PAGE, ['Accept', 'application/json', 'User-Agent', 'Mozilla/5.0']],
    ['the agent is no browser', PAGE, ['Accept', 'text/html', 'User-Agent', 'curl/8.5']],
    ['the agent says neither', PAGE, []],
    ['it has been asked again', PAGE, ['accept', 'application/json', 'user-agent', 'purser']],
  ])('is pointless where %s', (_, head, headers) => {
    expect(rail.askAgain(head, headers)).toBeUndefined()
  })
})
