import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readStatement } from '../../../../src/rails/x402/channels/statement.ts'
import { base64, NETWORK } from '../challenges.ts'

const CHANNEL = `0x${'c4'.repeat(32)}` as const
const HASH = `0x${'AB'.repeat(32)}`
const STATE = { channelId: CHANNEL, balance: '50000', totalClaimed: '0', chargedCumulativeAmount: '3000' }
/** What the official server says of a voucher. */
const CHARGED = {
  success: true,
  payer: '0x1',
  transaction: '',
  network: NETWORK,
  amount: '',
  extra: { channelState: STATE, chargedAmount: '1000' },
}
const REFUNDED = {
  success: true,
  transaction: HASH,
  network: NETWORK,
  amount: '47000',
  extra: { channelState: { channelId: CHANNEL, balance: '3000' } },
}

function read(said: unknown, kind: 'deposit' | 'voucher' | 'refund' = 'voucher') {
  return readStatement({ status: 200, headers: ['Payment-Response', base64(said)] }, { channelId: CHANNEL, network: NETWORK, kind })
}

function withState(change: Record<string, unknown>, extra: Record<string, unknown> = {}) {
  return { ...CHARGED, extra: { ...CHARGED.extra, ...extra, channelState: { ...STATE, ...change } } }
}

describe('what a server says of a channel', () => {
  it('is what it charged, and in all', () => {
    expect(read(CHARGED)).toEqual({ kind: 'charged', charge: { amount: 1_000n, cumulative: 3_000n }, transaction: undefined })
    expect(read(withState({ channelId: CHANNEL.toUpperCase().replace('0X', '0x') }))).toMatchObject({ kind: 'charged' })
  })

  it('is the deposit’s transaction, where there was a deposit', () => {
    expect(read({ ...CHARGED, transaction: HASH }, 'deposit')).toMatchObject({ kind: 'charged', transaction: HASH.toLowerCase() })
    expect(read(CHARGED, 'deposit')).toMatchObject({ kind: 'charged', transaction: undefined })
  })

  it('is what it gave back', () => {
    expect(read(REFUNDED, 'refund')).toEqual({ kind: 'refunded', amountAtomic: 47_000n, transaction: HASH.toLowerCase() })
  })

  it('is nothing where it says nothing', () => {
    expect(readStatement({ status: 200, headers: [] }, { channelId: CHANNEL, network: NETWORK, kind: 'voucher' })).toBeUndefined()
  })

  it.each([
    ['a failure', { ...CHARGED, success: false }],
    ['another network', { ...CHARGED, network: 'eip155:1' }],
    ['another channel', withState({ channelId: `0x${'00'.repeat(32)}` })],
    ['no sums', { ...CHARGED, extra: {} }],
    ['a sum in hex', withState({ chargedCumulativeAmount: '0x10' })],
    ['a sum below zero', withState({}, { chargedAmount: '-1' })],
    ['a sum that is a number', withState({}, { chargedAmount: 1_000 })],
    ['no object', 7],
    ['its name twice', '{"success":true,"success":true}'],
  ])('proves nothing with %s', (_, said) => {
    expect(read(said)).toMatchObject({ kind: 'unproven' })
  })

  it('proves no refund without a transaction', () => {
    expect(read({ ...REFUNDED, transaction: '' }, 'refund')).toMatchObject({ kind: 'unproven' })
    expect(read({ ...REFUNDED, extra: { channelState: { channelId: HASH } } }, 'refund')).toMatchObject({ kind: 'unproven' })
  })

  it('proves nothing where it is said twice', () => {
    const headers = ['payment-response', base64(CHARGED), 'PAYMENT-RESPONSE', base64(CHARGED)]
    expect(readStatement({ status: 200, headers }, { channelId: CHANNEL, network: NETWORK, kind: 'voucher' })).toMatchObject({
      kind: 'unproven',
    })
  })

  it('never makes it throw, whatever it is', () => {
    const holds = fc.property(fc.oneof(fc.json(), fc.string()), fc.constantFrom('deposit', 'voucher', 'refund' as const), (text, kind) => {
      expect(read(text, kind)?.kind).toBe('unproven')
    })
    fc.assert(holds)
  })
})
