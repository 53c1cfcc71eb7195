import { describe, expect, it } from 'vitest'
import { type Context, receiptContext } from '../../src/ledger/context.ts'

const APPROVED: Context = {
  approval: { id: 'apr_1', digest: 'd', votes: [{ person: 'ada', channel: 'cli', at: 1_000, reason: 'fine' }] },
  onBehalfOf: ['planner'],
}

describe('what stands around a payment', () => {
  it('says when people voted as receipts say times', () => {
    const votes = [{ person: 'ada', channel: 'cli', at: '1970-01-01T00:00:01.000Z', reason: 'fine' }]
    expect(receiptContext(APPROVED)).toEqual({ ...APPROVED, approval: { id: 'apr_1', digest: 'd', votes } })
    expect(receiptContext({ trace: 'abc' })).toEqual({ trace: 'abc' })
    expect(receiptContext(null)).toBeNull()
  })
})
