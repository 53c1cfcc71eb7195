import { describe, expect, it } from 'vitest'
import type { Asset } from '../../src/money.ts'
import { createOuterCeiling } from '../../src/payment/outer-ceiling.ts'
import { knownAssets } from '../../src/rails/x402/assets.ts'

const [BASE, ARBITRUM] = ['eip155:84532', 'eip155:421614']
const PAYER = '0x1111111111111111111111111111111111111111'
const usdc = knownAssets().find(({ network, symbol }) => network === BASE && symbol === 'USDC') as Asset
const SESSION = { wallet: null, networks: [BASE], assets: ['USDC'], currency: 'USD' }

/** @param held what the wallet has free of each token, by network and lower-case address; undefined where nobody can tell */
function ceiling(held: Readonly<Record<string, bigint | undefined>>, more: readonly Asset[] = []) {
  return createOuterCeiling({
    assets: [...knownAssets(), ...more],
    wallet: { address: async () => PAYER },
    funds: {
      holding: async ({ network, token }) => {
        const free = held[`${network} ${token.toLowerCase()}`]
        return free === undefined ? undefined : { balance: 10n ** 12n, free }
      },
    },
  })
}

const place = ({ network, address }: Asset) => `${network} ${address.toLowerCase()}`

describe('the outer ceiling of a session', () => {
  it('is what its wallet has free, and not what it holds', async () => {
    expect(await ceiling({ [place(usdc)]: 12_000_000n })(SESSION)).toBe(12_000_000n)
  })

  it('is the sum over its networks', async () => {
    const other = knownAssets().find(({ network, symbol }) => network === ARBITRUM && symbol === 'USDC') as Asset
    const look = ceiling({ [place(usdc)]: 12_000_000n, [place(other)]: 500_000n })
    expect(await look({ ...SESSION, networks: [BASE, ARBITRUM] })).toBe(12_500_000n)
  })

  it('is unknown, and not less, where one of its tokens cannot be told', async () => {
    const look = ceiling({ [place(usdc)]: 12_000_000n })
    expect(await look({ ...SESSION, networks: [BASE, ARBITRUM] })).toBeUndefined()
  })

  it('counts a token once that is configured and known, at the configured price, rounded up', async () => {
    const configured = { ...usdc, address: usdc.address.toLowerCase(), decimals: 7, rate: 2_000_000n }
    expect(await ceiling({ [place(usdc)]: 12_000_001n }, [configured])(SESSION)).toBe(2_400_001n)
  })

  it('counts no token of another currency, and says nothing of a session that can pay with none', async () => {
    const euro = { ...usdc, address: `0x${'e'.repeat(40)}`, symbol: 'EURC', currency: 'EUR' }
    const look = ceiling({ [place(usdc)]: 1n, [place(euro)]: 5_000_000n }, [euro])
    expect(await look({ ...SESSION, assets: ['USDC', 'EURC'] })).toBe(1n)
    expect(await look({ ...SESSION, assets: ['EURC'] })).toBeUndefined()
    expect(await look({ ...SESSION, networks: [] })).toBeUndefined()
  })
})
