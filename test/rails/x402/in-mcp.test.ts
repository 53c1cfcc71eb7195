import { describe, expect, it } from 'vitest'
import { knownAssets } from '../../../src/rails/x402/assets.ts'
import { x402InMcp } from '../../../src/rails/x402/in-mcp.ts'
import { createX402Rail } from '../../../src/rails/x402/x402.ts'
import { NETWORK } from '../../testnet/chain.ts'
import { encodeBase64, envelopeOf, offerOf, type Version } from '../../testnet/wire.ts'

const PAY_TO = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
const RESOURCE = 'mcp://tool/weather'
const rail = createX402Rail({ assets: knownAssets(), networks: [NETWORK] })

function envelope(version: Version) {
  return envelopeOf(version, {
    offers: [offerOf(version, { amount: '1000', payTo: PAY_TO, window_s: 60, resource: RESOURCE })],
    resource: RESOURCE,
  })
}

const response = (said: object) => JSON.stringify({ jsonrpc: '2.0', id: 1, ...said })
const text = (value: unknown) => [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }]

/** As the flow sees it. */
function detected(said: object | string) {
  const body = x402InMcp.challengeIn(typeof said === 'string' ? said : response(said))
  return body && rail.detect({ status: 402, headers: [] }, body)
}

describe.each([1, 2] as const)('a challenge of version %i inside MCP', (version) => {
  it.each([
    ['structure', { result: { isError: true, structuredContent: envelope(version), content: text('Payment required') } }],
    ['text', { result: { isError: true, content: text(envelope(version)) } }],
    ['error', { error: { code: 402, message: 'Payment required', data: envelope(version) } }],
  ])('is read from a %s', (_, said) => {
    expect(detected(said)).toMatchObject({
      kind: 'challenge',
      challenge: { protocolVersion: version, offers: [{ amount: 1_000n, payTo: PAY_TO }] },
    })
  })
})

describe('what is no challenge', () => {
  it.each([
    ['a result that is no error', { result: { structuredContent: envelope(2), content: text(envelope(2)) } }],
    ['another error of a tool', { result: { isError: true, content: text('no such city') } }],
    ['another error of JSON-RPC', { error: { code: -32000, message: 'x', data: envelope(2) } }],
    ['an error 402 without data', { error: { code: 402, message: 'x' } }],
    ['a result that is no object', { result: [] }],
    ['content that is no list', { result: { isError: true, content: 'x402Version accepts' } }],
    ['a picture', { result: { isError: true, content: [{ type: 'image', data: '' }] } }],
  ])('%s', (_, said) => {
    expect(x402InMcp.challengeIn(response(said))).toBeUndefined()
  })

  it('what is no JSON', () => {
    expect(x402InMcp.challengeIn('{')).toBeUndefined()
  })
})

describe('a challenge that nobody can rely on', () => {
  it('names a member twice: invalid, never read in the way that suits', () => {
    const raw = response({ result: { isError: true, structuredContent: envelope(2), content: [] } })
    expect(detected(raw.replace('"amount":"1000"', '"amount":"1","amount":"1000"'))).toMatchObject({ kind: 'invalid' })
  })
})

describe('a payment inside MCP', () => {
  it.each(['PAYMENT-SIGNATURE', 'x-payment'])('is the object of %s, and other headers stay headers', (name) => {
    const { member, rest } = x402InMcp.carried(['A', '1', name, encodeBase64({ x402Version: 2, ü: 1 })]) ?? {}
    expect(member).toEqual({ key: 'x402/payment', text: '{"x402Version":2,"ü":1}' })
    expect(rest).toEqual(['A', '1'])
  })

  it('is nothing where the payment goes by another header', () => {
    expect(x402InMcp.carried(['Authorization', 'Payment x'])).toBeUndefined()
  })
})

describe('the settlement inside MCP', () => {
  const transaction = `0x${'ab'.repeat(32)}`
  const headersOf = (said: object) => x402InMcp.settlementIn(response(said))

  it.each([1, 2])('is read by the rail as if it were the header, in version %i', (protocolVersion) => {
    const headers = headersOf({
      result: { content: [], _meta: { 'x402/payment-response': { success: true, transaction, network: NETWORK } } },
    })
    expect(rail.settlement({ status: 200, headers }, { network: NETWORK, protocolVersion })).toMatchObject({ kind: 'claimed', transaction })
  })

  it('that failed proves nothing', () => {
    const headers = headersOf({
      result: { content: [], _meta: { 'x402/payment-response': { success: false, transaction: '', network: NETWORK } } },
    })
    expect(rail.settlement({ status: 200, headers }, { network: NETWORK, protocolVersion: 2 })).toMatchObject({ kind: 'unproven' })
  })

  it.each([{ result: { content: [] } }, { result: [] }, { error: { code: 1, message: '' } }])('is absent where nothing is said', (said) => {
    expect(headersOf(said)).toEqual([])
  })
})
