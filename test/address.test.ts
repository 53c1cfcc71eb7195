import { describe, expect, it } from 'vitest'
import { uniformAddress } from '../src/address.ts'

const mint = '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU'

describe('addresses', () => {
  it('are the same in hex whatever their letters’ case, and in base 58 only to the letter', () => {
    expect(uniformAddress('0xAbCd')).toBe('0xabcd')
    expect(uniformAddress('0XAbCd')).toBe('0xabcd')
    expect(uniformAddress(mint)).toBe(mint)
  })
})
