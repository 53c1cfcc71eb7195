import { DEFAULT_ASSETS } from '@x402/evm'
import { getAddress } from 'viem'
import { expect, it } from 'vitest'
import { STABLECOINS } from '../../../src/rails/x402/stablecoins.ts'

it('all of the protocol’s own table that can be paid by EIP-3009, in its order, with checksummed addresses', () => {
  const payable = Object.entries(DEFAULT_ASSETS).flatMap(([network, assets]) =>
    assets
      .filter(({ assetTransferMethod = 'eip3009' }) => assetTransferMethod === 'eip3009')
      .map(({ asset, symbol, decimals, name, version }) => [network, getAddress(asset), symbol, decimals, name, version]),
  )
  expect(STABLECOINS).toEqual(payable)
})
