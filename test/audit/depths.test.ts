import { describe, expect, it } from 'vitest'
import { isBatched, recordFormatFor } from '../../src/audit/depths.ts'

describe('recordFormatFor', () => {
  it.each([
    [{ audit: 'batch_daily', micaCompliance: 'enhanced' }, 'enhanced'],
    [{ audit: 'batch_daily' }, 'simplified'],
    [{ audit: 'per_transaction' }, 'standard'],
    [{ audit: 'per_transaction_enhanced' }, 'enhanced'],
    [{ audit: 'attempt_logged' }, 'simplified'],
    [{}, 'standard'],
    [undefined, 'standard'],
  ] as const)('%j asks for %s', (tier, format) => {
    expect(recordFormatFor(tier)).toBe(format)
  })
})

describe('isBatched', () => {
  it('only batch_daily is', () => {
    expect([isBatched({ audit: 'batch_daily' }), isBatched({ audit: 'per_transaction' }), isBatched(undefined)]).toEqual([
      true,
      false,
      false,
    ])
  })
})
