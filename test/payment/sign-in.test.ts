import { parseSIWxHeader, verifySIWxSignature } from '@x402/extensions/sign-in-with-x'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MAX_LOGIN_AGE_MS, MAX_LOGIN_MS } from '../../src/extension-limits.ts'
import { loginFor } from '../../src/payment/sign-in.ts'
import type { LoginRequest } from '../../src/rails/rail.ts'
import type { UnpaidAnswer } from '../../src/session/exchange.ts'
import { challengeWith, envelopeOf, offerOf } from '../testnet/wire.ts'
import { answer, COMPLETE, NETWORK, PAY_TO, type Rig, RULES, settled, startRig, URL_ASKED } from './rig.ts'

const ENTRY = offerOf(2, { amount: '1000', payTo: PAY_TO, window_s: 60, resource: URL_ASKED })
const LISTED = [{ host: '*.example.com', signIn: true }]
const LOGIN = 'SIGN-IN-WITH-X'

let rig: Rig
let nonces = 0
beforeEach(async () => {
  rig = await startRig()
  allow({ verified: LISTED })
})
afterEach(() => rig[Symbol.asyncDispose]())

function allow(recipients: Partial<typeof RULES.recipients>): void {
  rig.govern({ rules: { ...RULES, recipients: { ...RULES.recipients, ...recipients } } })
}

function challenge(changes: object = {}, chainId: string = NETWORK): UnpaidAnswer {
  const issuedAt = new Date(rig.clock.now()).toISOString()
  const info = {
    domain: 'api.example.com',
    uri: URL_ASKED,
    version: '1',
    nonce: `nonce${1_000 + nonces++}`,
    issuedAt,
    resources: [URL_ASKED],
  }
  const extensions = { 'sign-in-with-x': { info: { ...info, ...changes }, supportedChains: [{ chainId, type: 'eip191' }], schema: {} } }
  const { status, headers, body } = challengeWith(2, envelopeOf(2, { offers: [ENTRY], resource: URL_ASKED, more: { extensions } }))
  return { status, headers, body: Buffer.from(body) }
}

/** Pays once, so that there is something to be let in for. */
async function buy(): Promise<void> {
  const outcome = await rig.pay(() => settled(), { unpaid: challenge() })
  if (outcome.kind === 'answer') await outcome.delivered(COMPLETE)
  rig.sent.length = 0
}

/** Names of the headers that left, in order, with the site letting in whoever logs in unless told otherwise. */
async function asks(unpaid: UnpaidAnswer, opens = true): Promise<string[]> {
  const upstream = (set: readonly string[]) => (set[0] === LOGIN ? answer(opens ? 200 : 402) : settled())
  await rig.pay(upstream, { unpaid, again: () => challenge() })
  return rig.sent.map(([name = '']) => name)
}

describe('a login', () => {
  it('opens what was paid for: no payment is made, and it says what sites verify', async () => {
    await buy()
    const unpaid = challenge()
    const outcome = await rig.pay((set) => (set[0] === LOGIN ? answer(200) : settled()), { unpaid })
    expect(outcome).toMatchObject({ kind: 'answer', unpaid: true, headers: ['Purser-Money', 'none'] })
    expect(rig.sent.map(([name]) => name)).toEqual([LOGIN])
    const said = parseSIWxHeader(rig.sent[0]?.[1] ?? '')
    expect(said).toMatchObject({
      domain: 'api.example.com',
      uri: URL_ASKED,
      chainId: NETWORK,
      address: await rig.deps.wallet.address(null),
    })
    expect(await verifySIWxSignature(said)).toMatchObject({ isValid: true })
    expect((await rig.balance()).spent).toBe(1_000n)
  })

  it('that opens nothing is one, and the payment follows on a fresh challenge', async () => {
    await buy()
    expect(await asks(challenge(), false)).toEqual([LOGIN, 'PAYMENT-SIGNATURE'])
  })

  it('is not made before anything was paid there', async () => {
    expect(await asks(challenge())).toEqual(['PAYMENT-SIGNATURE'])
  })

  it('is not made for what another session paid for', async () => {
    await buy()
    const session = await rig.openSession()
    const outcome = await rig.pay(() => settled(), { request: rig.request({ session }), unpaid: challenge() })
    expect(outcome.kind).toBe('answer')
    expect(rig.sent.map(([name]) => name)).toEqual(['PAYMENT-SIGNATURE'])
  })

  it('is not made at another origin of the same host', async () => {
    await buy()
    const url = 'https://api.example.com:8443/weather'
    const unpaid = challenge({ domain: 'api.example.com:8443', uri: url, resources: [] })
    await rig.pay(() => settled(), { request: rig.request({ url }), unpaid })
    expect(rig.sent.map(([name]) => name)).toEqual(['PAYMENT-SIGNATURE'])
  })

  it.each([
    ['of another domain', { domain: 'evil.example.com' }],
    ['for a page of another origin', { uri: 'https://evil.example/weather' }],
    ['that names what belongs to another origin', { resources: ['https://evil.example/'] }],
    ['that delegates rights', { resources: ['urn:recap:eyJhdHQiOnt9fQ'] }],
    ['that has expired', { expirationTime: '2001-01-01T00:00:00.000Z' }],
    ['that was asked for long ago', { issuedAt: '2001-01-01T00:00:00.000Z' }],
    ['without a time', { issuedAt: 'now' }],
  ])('%s is not made', async (_, changes) => {
    await buy()
    expect(await asks(challenge(changes))).toEqual(['PAYMENT-SIGNATURE'])
  })

  it('on a network that the session may not use is not made', async () => {
    await buy()
    expect(await asks(challenge({}, 'eip155:1'))).toEqual(['PAYMENT-SIGNATURE'])
  })

  it('with a nonce that came before is not made again', async () => {
    await buy()
    const nonce = 'theSameNonce'
    expect(await asks(challenge({ nonce }))).toEqual([LOGIN])
    expect(await asks(challenge({ nonce }))).toEqual([LOGIN, 'PAYMENT-SIGNATURE'])
  })

  it('is not made where the operator does not list it, or blocks', async () => {
    await buy()
    allow({ verified: [{ host: '*.example.com' }] })
    expect(await asks(challenge())).toEqual(['PAYMENT-SIGNATURE'])
    for (const blocked of [[{ host: 'api.example.com' }], [{ payTo: PAY_TO }]]) {
      allow({ verified: LISTED, blocked })
      expect(await asks(challenge())).toEqual(['PAYMENT-SIGNATURE'])
    }
  })

  it('is not made for who must not pay, nor while payments are halted', async () => {
    await buy()
    await rig.pay(() => answer(200), { request: rig.request({ hints: { payNever: true } }), unpaid: challenge() })
    for (const [scope, value] of [
      ['recipient', 'api.example.com'],
      ['recipient', PAY_TO],
      ['all', ''],
    ] as const) {
      await rig.ledger.halt({ scope, value, reason: 'test', at: rig.clock.now(), by: 'ops' } as never)
      await rig.pay(() => answer(200), { unpaid: challenge() })
      await rig.ledger.resumePayments({ scope, value })
    }
    expect(rig.sent).toEqual([])
  })

  it('that the wallet cannot make keeps nothing from being paid', async () => {
    await buy()
    Object.assign(rig.deps.wallet, { signLogin: () => Promise.reject(new Error('no logins here')) })
    expect(await asks(challenge())).toEqual(['PAYMENT-SIGNATURE'])
  })
})

describe('what is signed for a login', () => {
  const now = Date.parse('2026-11-23T10:00:00.000Z')
  const place = { url: URL_ASKED, networks: [NETWORK], now }
  const asked: LoginRequest = {
    ...{ domain: 'api.example.com', uri: URL_ASKED, nonce: 'a1b2c3d4', issuedAt: '2026-11-23T09:59:59Z' },
    ...{ expirationTime: undefined, resources: [], networks: [NETWORK] },
  }

  it('ends soon, whatever the site asks for', () => {
    for (const expirationTime of [undefined, '2036-01-01T00:00:00Z']) {
      expect(loginFor({ ...asked, expirationTime }, place)?.expirationTime).toBe(new Date(now + MAX_LOGIN_MS).toISOString())
    }
    expect(loginFor({ ...asked, expirationTime: '2026-11-23T10:00:05Z' }, place)?.expirationTime).toBe('2026-11-23T10:00:05.000Z')
  })

  it('is for the origin that was asked alone', () => {
    const part = fc.oneof(fc.webUrl(), fc.string(), fc.constant(URL_ASKED))
    const request = fc.record({
      ...{ domain: fc.oneof(fc.domain(), fc.constant('api.example.com')), uri: part, nonce: fc.constant('a1b2c3d4') },
      issuedAt: fc.oneof(fc.constant(asked.issuedAt), fc.string()),
      expirationTime: fc.oneof(fc.constant(undefined), fc.string()),
      ...{ resources: fc.array(part, { maxLength: 2 }), networks: fc.constant([NETWORK]) },
    })
    fc.assert(
      fc.property(request, (one) => {
        const login = loginFor(one, place)
        if (!login) return
        expect(login.domain).toBe('api.example.com')
        for (const url of [login.uri, ...(login.resources ?? [])]) expect(new URL(url).origin).toBe('https://api.example.com')
        expect(Math.abs(Date.parse(login.issuedAt) - now)).toBeLessThanOrEqual(MAX_LOGIN_AGE_MS)
        expect(login).not.toHaveProperty('statement')
      }),
    )
  })
})
