import fc from 'fast-check'
import { Receipt } from 'mppx'
import { describe, expect, it } from 'vitest'
import { MAX_RECEIPT_CHARS } from '../../../src/mpp-limits.ts'
import { readReceipt } from '../../../src/rails/mpp/settlement.ts'
import { NETWORK } from '../x402/challenges.ts'
import { base64url } from './challenges.ts'

const HASH = `0x${'Ab'.repeat(32)}`
const SAID = { method: 'evm', reference: HASH, status: 'success' as const, timestamp: '2027-01-15T08:00:01.000Z' }
const settlement = (...values: readonly string[]) =>
  readReceipt({ status: 200, headers: values.flatMap((value) => ['Payment-Receipt', value]) }, { network: NETWORK })

describe('a receipt', () => {
  it('as the official library writes it is a claim with its transaction', () => {
    expect(settlement(Receipt.serialize(SAID))).toMatchObject({ kind: 'claimed', transaction: HASH.toLowerCase(), network: NETWORK })
  })

  it('that is not there says nothing', () => {
    expect(settlement()).toBeUndefined()
  })

  it.each([
    ['twice', [base64url(SAID), base64url(SAID)]],
    ['empty', ['']],
    ['no JSON', ['abc']],
    ['of a failure', [base64url({ ...SAID, status: 'failed' })]],
    ['of another method', [base64url({ ...SAID, method: 'stripe' })]],
    ['without a transaction', [base64url({ ...SAID, reference: '' })]],
    ['with a reference that is none', [base64url({ ...SAID, reference: 'pi_123' })]],
    ['without a status', [base64url({ ...SAID, status: undefined })]],
    ['too long', [base64url({ ...SAID, note: 'x'.repeat(MAX_RECEIPT_CHARS) })]],
  ])('%s proves nothing', (_, values) => {
    expect(settlement(...values)).toMatchObject({
      kind: 'unproven',
      transaction: undefined,
      reason: expect.stringMatching(/^The server.*\.$/),
    })
  })

  it('of any text is a typed result', () => {
    fc.assert(fc.property(fc.string(), (text) => ['claimed', 'unproven'].includes(settlement(text)?.kind ?? '')))
  })
})
