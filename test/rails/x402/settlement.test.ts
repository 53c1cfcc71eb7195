import { encodePaymentResponseHeader } from '@x402/core/http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_402_HEADER_BYTES } from '../../../src/limits.ts'
import { lacksAllowance, readSettlement } from '../../../src/rails/x402/settlement.ts'
import { base64, NETWORK } from './challenges.ts'

const HASH = `0x${'1f'.repeat(32)}`
const V2 = { network: NETWORK, protocolVersion: 2 }
const V1 = { network: NETWORK, protocolVersion: 1 }
const SAID = { success: true, transaction: HASH, network: NETWORK, payer: '0x857b06519E91e3A54538791bDbb0E22373e36b66' } as const

const read = (said: unknown, status = 200) =>
  readSettlement({ status, headers: ['PAYMENT-RESPONSE', typeof said === 'string' ? said : base64(said)] }, V2)

describe('a settlement', () => {
  it('as the official server states it is a claim with its transaction', () => {
    expect(read(encodePaymentResponseHeader(SAID))).toEqual({
      kind: 'claimed',
      transaction: HASH,
      network: NETWORK,
      reason: 'The server says that it settled and names the transaction.',
    })
  })

  it('of version 1 is read from its own header, with the network by its old name', () => {
    const headers = ['X-PAYMENT-RESPONSE', base64({ ...SAID, network: 'base-sepolia' })]
    expect(readSettlement({ status: 200, headers }, V1)).toMatchObject({ kind: 'claimed', network: NETWORK })
  })

  it('in the header of the other version counts too', () => {
    expect(readSettlement({ status: 200, headers: ['X-PAYMENT-RESPONSE', base64(SAID)] }, V2)).toMatchObject({ kind: 'claimed' })
    expect(readSettlement({ status: 200, headers: ['PAYMENT-RESPONSE', base64(SAID)] }, V1)).toMatchObject({ kind: 'claimed' })
  })

  it('that nobody states is none, whatever the status', () => {
    for (const status of [200, 402, 500]) expect(readSettlement({ status, headers: ['Content-Type', 'text/plain'] }, V2)).toBeUndefined()
  })

  it('with another status is a claim all the same: servers settle and then fail', () => {
    expect(read(SAID, 500)).toMatchObject({ kind: 'claimed' })
  })

  it('says how much was taken, where it says so as a whole amount', () => {
    expect(read({ ...SAID, amount: '250' })).toMatchObject({ kind: 'claimed', charged: 250n })
    for (const amount of [undefined, null, '', '-1', '2.5', '01', 250, 'CANARY'])
      expect(read({ ...SAID, amount })).not.toHaveProperty('charged')
  })

  it('of nothing at all proves nothing: what was signed may still be taken', () => {
    const reason = 'The server says that it took nothing; what was signed may be taken until its window closes.'
    expect(read({ ...SAID, transaction: '', amount: '0' })).toMatchObject({ kind: 'unproven', reason })
  })

  it.each([
    ['a challenge that says so', 412, base64({ x402Version: 2, error: 'permit2_allowance_required', accepts: [] }), true],
    ['another error', 412, base64({ x402Version: 2, error: 'insufficient_funds', accepts: [] }), false],
    ['another status', 402, base64({ error: 'permit2_allowance_required' }), false],
    ['what cannot be read', 412, '%%%', false],
    ['a flood', 412, base64({ error: 'permit2_allowance_required', extra: 'x'.repeat(2 * MAX_402_HEADER_BYTES) }), false],
  ])('a missing allowance is told by its own status and error: %s', (_, status, value, lacks) => {
    expect(lacksAllowance({ status, headers: ['PAYMENT-REQUIRED', value] })).toBe(lacks)
    expect(lacksAllowance({ status, headers: [] })).toBe(false)
  })

  it.each([
    ['a failure', { ...SAID, success: false, errorReason: 'CANARY' }, 'The server says that the settlement failed.'],
    ['a failure with a hash', { ...SAID, success: false }, 'The server says that the settlement failed.'],
    ['no transaction', { ...SAID, transaction: '' }, 'The server says that it settled, without a transaction.'],
    ['a transaction of another form', { ...SAID, transaction: 'CANARY' }, 'The server says that it settled, without a transaction.'],
    ['another network', { ...SAID, network: 'eip155:8453' }, 'The server says that it settled on another network.'],
    ['an unknown network', { ...SAID, network: 'CANARY' }, 'The server says that it settled on another network.'],
    ['a success that is not true', { ...SAID, success: 'true' }, 'The server’s statement on the settlement cannot be read.'],
    ['nothing', {}, 'The server’s statement on the settlement cannot be read.'],
    ['null', null, 'The server’s statement on the settlement cannot be read.'],
    ['no base64', '%%%', 'The server’s statement on the settlement cannot be read.'],
    ['an empty header', '', 'The server’s statement on the settlement cannot be read.'],
    ['a flood', { ...SAID, extra: 'x'.repeat(2 * MAX_402_HEADER_BYTES) }, 'The server’s statement on the settlement cannot be read.'],
  ])('stated as %s proves nothing', (_, said, reason) => {
    expect(read(said)).toEqual({ kind: 'unproven', transaction: undefined, network: undefined, reason })
  })

  it('stated twice proves nothing', () => {
    const headers = ['PAYMENT-RESPONSE', base64(SAID), 'Payment-Response', base64({ ...SAID, success: false })]
    expect(readSettlement({ status: 200, headers }, V2)).toMatchObject({
      kind: 'unproven',
      reason: 'The server states the settlement more than once.',
    })
  })

  it('without a network is taken to be on the one that was paid on', () => {
    expect(read({ success: true, transaction: HASH })).toMatchObject({ kind: 'claimed', network: NETWORK })
  })

  it('of any text gives a typed result whose reason is ours', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json().map(base64), fc.object({ key: fc.constantFrom(...Object.keys(SAID)) }).map(base64)),
        (value) => {
          expect(read(value)?.reason).toMatch(/^The server(’s statement| says| states)/)
        },
      ),
    )
  })
})
