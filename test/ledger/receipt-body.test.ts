import { describe, expect, it } from 'vitest'
import type { PaymentState } from '../../src/ledger/ledger.ts'
import type { PaymentRecord } from '../../src/ledger/payment-row.ts'
import { receiptBody } from '../../src/ledger/receipt-body.ts'
import { EXPIRY_GRACE_MS } from '../../src/limits.ts'
import { countingIds } from '../clock.ts'
import { fixtures, usd } from './fixtures.ts'

const NOW = Date.parse('2026-06-27T12:00:00Z')
const make = fixtures(countingIds(), () => NOW)
const stamp = { id: 'rcp_1', kind: 'conclusion', at: NOW } as const

function record(state: PaymentState, changes: Partial<PaymentRecord['payment']> = {}): PaymentRecord {
  const payment = {
    ...make.request('ses_1', usd(1.5)).attempt,
    id: 'pay_1',
    purchaseId: 'pur_1',
    state,
    code: null,
    delivered: false,
    delivery: null,
    replaces: null,
    replacedBy: null,
    nonce: '0x01',
    validBefore_s: NOW / 1_000 + 120,
    transaction: null,
    settlement: null,
    evidence: null,
    block: null,
    dispute: null,
    refunded: 0n,
    reservedAt: NOW,
    signedAt: NOW,
    sentAt: null,
    concludedAt: null,
    deliveredAt: null,
    count: 1,
    ...changes,
  }
  return {
    payment,
    seq: 1n,
    runId: 'run_1',
    authorization: undefined,
    signature: '0xabc',
    charges: { buckets: [], entries: [] },
    concluded: false,
    denied: false,
    reopenedAt: null,
  }
}

describe('a receipt’s body', () => {
  it('writes amounts as decimals and times as ISO 8601', () => {
    expect(receiptBody(record('sent'), stamp)).toMatchObject({
      amount: '1.50',
      amountAtomic: '1500000',
      at: '2026-06-27T12:00:00.000Z',
      validBefore: '2026-06-27T12:02:00.000Z',
      times: { reserved: '2026-06-27T12:00:00.000Z', sent: null, delivered: null },
    })
  })

  it.each(['signed', 'sent', 'unknown', 'void', 'expired'] as const)('shows no signature while the payment is %s', (state) => {
    const { signature, signatureDigest } = receiptBody(record(state), stamp)
    expect(signature).toBeNull()
    expect(signatureDigest).toMatch(/^[0-9a-f]{64}$/)
  })

  it('shows the signature of a payment that the chain has shown to be settled', () => {
    expect(receiptBody(record('settled', { evidence: 'confirmed' }), stamp).signature).toBe('0xabc')
  })

  it.each(['claimed', 'operator'] as const)('G10: shows no signature on evidence that is %s while it could still be taken', (evidence) => {
    const settled = record('settled', { evidence })
    const end = NOW + 120_000 + EXPIRY_GRACE_MS
    expect(receiptBody(settled, { ...stamp, at: end - 1 })).toMatchObject({ signature: null, signatureDigest: expect.any(String) })
    expect(receiptBody(settled, { ...stamp, at: end }).signature).toBe('0xabc')
  })

  it('has null for all that a refusal without terms does not know', () => {
    const body = receiptBody({ ...record('denied', { terms: null, nonce: null, validBefore_s: null }), signature: null }, stamp)
    const names = ['amount', 'currency', 'amountAtomic', 'asset', 'network', 'rail', 'scheme', 'payer', 'recipient', 'validBefore'] as const
    for (const name of [...names, 'nonce', 'signatureDigest'] as const) expect(body[name]).toBeNull()
  })
})
