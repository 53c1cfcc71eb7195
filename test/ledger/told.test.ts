import { describe, expect, it } from 'vitest'
import { toldKey } from '../../src/ledger/told.ts'

describe('toldKey', () => {
  it('keeps receivers apart from each other, and from what else belongs to the ledger', () => {
    expect([toldKey('a'), toldKey('b')]).toEqual(['told:a', 'told:b'])
  })
})
