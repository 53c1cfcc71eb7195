import { describe, expect, it } from 'vitest'
import { coversAsset, type NamedAsset } from '../../src/session/asset-names.ts'

const USDC: NamedAsset = { symbol: 'USDC', address: '0x036CbD53842c5426634e7929541eC2318f3dCF7e' }

describe('coversAsset', () => {
  it('a listed symbol covers its addresses, in any spelling', () => {
    expect(coversAsset(['USDC'], USDC.address.toLowerCase(), [USDC])).toBe(true)
    expect(coversAsset(['USDC'], 'USDC', [])).toBe(true)
  })

  it('a listed address covers itself and not its symbol, which may stand for more', () => {
    expect(coversAsset([USDC.address], USDC.address.toLowerCase(), [USDC])).toBe(true)
    expect(coversAsset([USDC.address], 'USDC', [USDC])).toBe(false)
  })

  it('nothing covers what is not known, and an empty list covers nothing', () => {
    expect(coversAsset(['USDC'], `0x${'1'.repeat(40)}`, [USDC])).toBe(false)
    expect(coversAsset([], 'USDC', [USDC])).toBe(false)
  })
})
