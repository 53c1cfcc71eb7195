import { Credential } from 'mppx'
import { describe, expect, it } from 'vitest'
import { mppInMcp } from '../../../src/rails/mpp/in-mcp.ts'
import { createMppRail } from '../../../src/rails/mpp/mpp.ts'
import { knownAssets } from '../../../src/rails/x402/assets.ts'
import { NETWORK, USDC } from '../../testnet/chain.ts'
import { wallet } from '../x402/challenges.ts'

const RECIPIENT = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
const NEVER = '2099-01-01T00:00:00Z'
const request = {
  amount: '1000',
  currency: USDC,
  recipient: RECIPIENT,
  methodDetails: { chainId: 84532, credentialTypes: ['authorization'], decimals: 6 },
}
const CHALLENGE = { id: 'a-challenge', realm: 'tools', method: 'evm', intent: 'charge', request, expires: NEVER, opaque: 'b3BhcXVl' }
const rail = createMppRail({ assets: knownAssets(), networks: [NETWORK] })

const response = (said: object) => JSON.stringify({ jsonrpc: '2.0', id: 1, ...said })
const error = (challenges: unknown, code = -32042) => response({ error: { code, message: 'Payment Required', data: { challenges } } })
const result = (challenges: unknown) => response({ result: { content: [], _meta: { 'org.paymentauth/payment-required': { challenges } } } })

/** As the flow sees it, of a request that has an `Authorization` of its own. */
function detected(text: string) {
  const headers = mppInMcp.challengeIn(text)
  return headers && rail.detect({ status: 402, headers }, undefined, ['Authorization', 'Bearer agent'])
}

describe('a challenge of MPP inside MCP', () => {
  it.each([
    ['an error', error([CHALLENGE])],
    ['an error after a payment', error([CHALLENGE], -32043)],
    ['a result', result([CHALLENGE])],
  ])('is read from %s, whatever the request itself is authorized by', (_, text) => {
    expect(detected(text)).toMatchObject({
      kind: 'challenge',
      challenge: { offers: [{ amount: 1_000n, payTo: RECIPIENT, network: NETWORK }] },
    })
  })

  it.each([
    ['another method', [{ ...CHALLENGE, method: 'tempo' }]],
    ['another intent', [{ ...CHALLENGE, intent: 'session' }]],
  ])('that asks by %s is claimed, and not supported', (_, challenges) => {
    expect(detected(error(challenges))).toMatchObject({ challenge: { offers: [], rejected: [{ code: 'scheme_not_supported' }] } })
  })

  it.each([
    ['lists nothing', error([])],
    ['has no list', error('x')],
    ['has no request', error([{ ...CHALLENGE, request: undefined }])],
    ['has a member that would end its header', error([{ ...CHALLENGE, realm: 'a", description="b' }])],
    ['has a member that is no text', error([{ ...CHALLENGE, id: 7 }])],
    ['names a member twice', error([CHALLENGE]).replace('"amount":"1000"', '"amount":"1","amount":"1000"')],
    ['lists too many', error(Array.from({ length: 200 }, () => CHALLENGE))],
    ['has an empty member in a result', response({ result: { _meta: { 'org.paymentauth/payment-required': {} } } })],
  ])('that %s is invalid, and never passes for a free answer', (_, text) => {
    expect(detected(text)).toMatchObject({ kind: 'invalid' })
  })

  it.each([
    ['another error', error([CHALLENGE], -32000)],
    ['a result without it', response({ result: { content: [], _meta: {} } })],
    ['no JSON', '{'],
  ])('is none in %s', (_, text) => {
    expect(mppInMcp.challengeIn(text)).toBeUndefined()
  })
})

describe('a credential inside MCP', () => {
  it('is the object that the official library reads: the challenge as it was asked, and the same payment as over HTTP', async () => {
    const read = detected(error([CHALLENGE]))
    if (read?.kind !== 'challenge') throw new Error('no challenge')
    const { challenge } = read
    const [offer] = challenge.offers
    if (!offer) throw new Error('no offer')
    const nonce = rail.nonceOf?.(offer) ?? '0x'
    const window = { validAfter_s: 1_000, validBefore_s: 2_000 }
    const made = await rail.authorize({ challenge, offer, nonce, ...window, walletName: null }, wallet)
    const { member, rest } = mppInMcp.carried(['A', '1', ...made.headers]) ?? {}
    expect(rest).toEqual(['A', '1'])
    expect(member?.key).toBe('org.paymentauth/credential')
    const said = JSON.parse(member?.text ?? '')
    expect(said.challenge).toEqual(CHALLENGE)
    const overHttp = Credential.deserialize(Credential.serialize(said))
    expect(overHttp).toMatchObject({ challenge: CHALLENGE, payload: { nonce, value: '1000' } })
  })

  it.each(['Bearer x', 'Payment !', 'Payment e30'])('is nothing where %s is no credential', (value) => {
    expect(mppInMcp.carried(['Payment-Authorization', value])).toBeUndefined()
  })
})

describe('the receipt inside MCP', () => {
  const reference = `0x${'ab'.repeat(32)}`
  const settled = (receipt: unknown) => {
    const headers = mppInMcp.settlementIn(response({ result: { content: [], _meta: { 'org.paymentauth/receipt': receipt } } }))
    return rail.settlement({ status: 200, headers }, { network: NETWORK, protocolVersion: 1 })
  }

  it('is read by the rail as if it were the header', () => {
    expect(settled({ method: 'evm', status: 'success', reference })).toMatchObject({ kind: 'claimed', transaction: reference })
    expect(settled({ method: 'evm', status: 'failed', reference })).toMatchObject({ kind: 'unproven' })
  })

  it('is missing where the server gives none', () => {
    expect(mppInMcp.settlementIn(response({ result: { content: [] } }))).toEqual([])
  })
})
