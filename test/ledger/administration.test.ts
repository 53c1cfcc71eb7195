import { describe, expect, it } from 'vitest'
import { haltedReason } from '../../src/ledger/administration.ts'

describe('haltedReason', () => {
  it('says that people stopped payments, and why', () => {
    expect(haltedReason({ reason: 'an incident' })).toBe('Payments are halted: an incident')
  })
})
