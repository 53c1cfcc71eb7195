import { expect, it } from 'vitest'
import { joinChains } from '../../src/chain/both-chains.ts'
import { createEvmChain } from '../../src/chain/evm-chain.ts'
import { createSolanaChain } from '../../src/chain/solana-chain.ts'
import { SOLANA, SOLANA_USDC, startSolana, USDC_TOKEN } from '../testnet/solana.ts'

it('each network is asked by the one that knows it', async () => {
  await using solana = await startSolana()
  const evm = createEvmChain({ networks: [{ id: 'eip155:84532', rpc: 'http://127.0.0.1:1', finalityBlocks: 1 }] })
  const tokens = [{ network: SOLANA, address: SOLANA_USDC, tokenProgram: USDC_TOKEN.tokenProgram }]
  const chain = joinChains(evm, createSolanaChain({ networks: [{ id: SOLANA, rpc: solana.rpc }], tokens }))
  expect(chain.networks).toEqual(['eip155:84532', SOLANA])
  expect(await chain.time(SOLANA)).toMatchObject({ block: 1_000n })
  expect(await chain.recentBlock?.(SOLANA)).toMatchObject({ slot: 936n })
  await expect(chain.time('eip155:84532')).rejects.toThrow('gave no answer to eth_chainId')
  expect(await chain.find({ network: 'eip155:1' } as never)).toMatchObject({ kind: 'unavailable' })
})
