import { describe, expect, it } from 'vitest'
import { ConfigError } from '../src/config/load.ts'
import { openTreasury, treasuryAsset } from '../src/open-treasury.ts'
import { createLocalWallet } from '../src/wallet/local-key.ts'
import { USDC } from './funding/fixtures.ts'

const KEY = `0x${'5a'.repeat(32)}` as const
const CONFIG = { key: { kind: 'text', reveal: () => KEY }, network: USDC.network, token: 'USDC' } as never

describe('the token of a treasury', () => {
  const wrapped = { ...USDC, address: '0x2222222222222222222222222222222222222222' }

  it('is found by symbol or address, on its network', () => {
    const elsewhere = { ...wrapped, network: 'eip155:1' }
    expect(treasuryAsset({ ...(CONFIG as object), token: 'USDC' } as never, [elsewhere, USDC])).toEqual(USDC)
    expect(treasuryAsset({ ...(CONFIG as object), token: USDC.address.toLowerCase() } as never, [USDC, wrapped])).toEqual(USDC)
  })

  it.each([
    ['none', []],
    ['two of the name', [USDC, wrapped]],
  ] as const)('is refused where there is %s', (_, assets) => {
    expect(() => treasuryAsset(CONFIG, assets)).toThrow(ConfigError)
  })
})

it('the treasury’s key is not the one that pays sessions', async () => {
  const wallet = createLocalWallet({ key: KEY })
  const house = { config: { networks: [] }, env: {}, wallet, keys: { nonce: Buffer.alloc(32) } } as never
  await expect(openTreasury(CONFIG, USDC, house)).rejects.toThrow('a key of its own')
})
