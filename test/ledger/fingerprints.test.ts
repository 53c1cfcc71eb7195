import { describe, expect, it } from 'vitest'
import { checkFingerprints } from '../../src/ledger/fingerprints.ts'

describe('fingerprints', () => {
  it('that are new are to be stored, and those that agree are not', () => {
    expect(checkFingerprints({}, { 'nonce key': 'n', 'receipt key': 'r' })).toEqual({ 'nonce key': 'n', 'receipt key': 'r' })
    expect(checkFingerprints({ 'nonce key': 'n' }, { 'nonce key': 'n', wallet: 'w' })).toEqual({ wallet: 'w' })
  })

  it('R21: that differ are refused with a sentence that names each secret, and none of its value', () => {
    expect(() => checkFingerprints({ 'nonce key': 'n' }, { 'nonce key': 'other' })).toThrow(
      'conflict: The nonce key is not the one that this ledger was begun with.',
    )
    expect(() => checkFingerprints({ wallet: 'w', 'nonce key': 'n', a: 'a' }, { wallet: 'x', 'nonce key': 'y', a: 'a' })).toThrow(
      'conflict: The nonce key and the wallet are not those that this ledger was begun with.',
    )
  })
})
