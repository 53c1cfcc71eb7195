import { describe, expect, it } from 'vitest'
import { claimOf } from '../../src/rails/claim.ts'
import { createMppRail } from '../../src/rails/mpp/mpp.ts'
import { knownAssets } from '../../src/rails/x402/assets.ts'
import { createX402Rail } from '../../src/rails/x402/x402.ts'
import { handmade } from './mpp/challenges.ts'
import { base64, ENTRY_V2, NETWORK, REQUIRED_V2 } from './x402/challenges.ts'

const accepted = { assets: knownAssets(), networks: [NETWORK, 'eip155:8453'] }
const rails = [createX402Rail(accepted), createMppRail(accepted)]
const means = { currency: 'USD', networks: [NETWORK], assets: ['USDC'] }

const x402 = (entry: Record<string, unknown> = {}) => ['PAYMENT-REQUIRED', base64({ ...REQUIRED_V2, accepts: [{ ...ENTRY_V2, ...entry }] })]
const mpp = (params: Record<string, string> = {}) => ['WWW-Authenticate', handmade(params)]
const claim = (headers: readonly string[], asked: readonly string[] = []) =>
  claimOf(rails, { status: 402, headers, body: undefined }, { headers: asked, means })

const MAINNET = { network: 'eip155:8453', asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913', extra: { name: 'USD Coin', version: '2' } }

describe('a 402 that asks by two protocols', () => {
  it('is of the first rail, whatever the order of its headers', () => {
    expect(claim([...mpp(), ...x402()])?.rail.name).toBe('x402')
    expect(claim([...x402(), ...mpp()])?.rail.name).toBe('x402')
  })

  it.each([
    ['a scheme that is not supported', x402({ scheme: 'upto' })],
    ['a network that this session may not use', x402(MAINNET)],
  ])('is of the next rail where the first has only %s', (_, headers) => {
    expect(claim([...headers, ...mpp()])).toMatchObject({ rail: { name: 'mpp' }, detected: { kind: 'challenge' } })
  })

  it('says what the first rail says where neither can be paid', () => {
    expect(claim([...x402({ scheme: 'upto' }), ...mpp({ method: 'tempo' })])?.rail.name).toBe('x402')
  })

  it('is not paid around what is broken, and not kept from a good first by what is broken behind it', () => {
    expect(claim(['PAYMENT-REQUIRED', 'pay me', ...mpp()])).toMatchObject({ rail: { name: 'x402' }, detected: { kind: 'invalid' } })
    expect(claim([...x402(), 'WWW-Authenticate', 'Payment id="'])).toMatchObject({
      rail: { name: 'x402' },
      detected: { kind: 'challenge' },
    })
  })
})

it('a 402 of one protocol is of its rail, of none of nobody', () => {
  expect(claim(mpp())?.rail.name).toBe('mpp')
  expect(claim(x402())?.rail.name).toBe('x402')
  expect(claim(['WWW-Authenticate', 'L402 macaroon="x"'])).toBeUndefined()
})

it('what the request says of its own is known to the rails', () => {
  expect(claim(mpp(), ['Authorization', 'Bearer x'])?.detected).toMatchObject({
    challenge: { offers: [], rejected: [{ code: 'scheme_not_supported' }] },
  })
})
