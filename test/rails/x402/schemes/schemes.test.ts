import { describe, expect, it } from 'vitest'
import { exactByEip3009 } from '../../../../src/rails/x402/schemes/eip3009.ts'
import { byPermit2 } from '../../../../src/rails/x402/schemes/permit2.ts'
import { schemeOf } from '../../../../src/rails/x402/schemes/schemes.ts'

describe('the table of schemes', () => {
  it('knows exact by the token’s own way and by permit2, and upto by permit2 alone', () => {
    expect(schemeOf({ scheme: 'exact' })).toBe(exactByEip3009)
    expect(schemeOf({ scheme: 'exact', method: 'permit2' })).toBe(byPermit2)
    expect(schemeOf({ scheme: 'upto', method: 'permit2' })).toBe(byPermit2)
  })

  it.each(['upto', 'batch-settlement', '', 'exact eip3009', 'constructor'])('knows no scheme %j', (scheme) => {
    expect(schemeOf({ scheme })).toBeUndefined()
  })
})
