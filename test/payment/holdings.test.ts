import { describe, expect, it } from 'vitest'
import type { WalletToken } from '../../src/payment/balance.ts'
import { createHoldings } from '../../src/payment/holdings.ts'
import { knownAssets } from '../../src/rails/x402/assets.ts'

const NETWORK = 'eip155:84532'
const PAYER = '0x1111111111111111111111111111111111111111'

function holdings(known: boolean) {
  const asked: WalletToken[] = []
  const show = createHoldings({
    assets: knownAssets(),
    wallet: { address: async () => PAYER },
    funds: {
      holding: async (wallet) => {
        asked.push(wallet)
        return known ? { balance: 2_500_000n, free: 1_000_000n } : undefined
      },
    },
  })
  return { show, asked }
}

describe('what a session’s wallet holds', () => {
  it('is told of the tokens that the session may pay with, on its networks, as decimals', async () => {
    const { show, asked } = holdings(true)
    const told = await show({ wallet: null, networks: [NETWORK], assets: ['USDC'] })
    expect(told).toEqual([{ network: NETWORK, asset: 'USDC', amount: '2.5', free: '1' }])
    expect(asked).toMatchObject([{ network: NETWORK, payer: PAYER }])
    expect(await show({ wallet: null, networks: [NETWORK], assets: ['DAI'] })).toEqual([])
  })

  it('leaves out what nobody can tell', async () => {
    expect(await holdings(false).show({ wallet: null, networks: [NETWORK], assets: ['USDC'] })).toEqual([])
  })
})
