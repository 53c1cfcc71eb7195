import { afterEach, beforeEach, expect, it } from 'vitest'
import { createSolanaChain } from '../../src/chain/solana-chain.ts'
import { SOLANA, SOLANA_USDC, startSolana, type TestSolana, USDC_TOKEN } from '../testnet/solana.ts'
import { openCase } from './solana-case.ts'

let solana: TestSolana
let second: TestSolana
beforeEach(async () => {
  solana = await startSolana()
  second = await startSolana()
})
afterEach(async () => {
  await solana[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
})

const tokens = [{ network: SOLANA, address: SOLANA_USDC, tokenProgram: USDC_TOKEN.tokenProgram }]

it('a network is asked for what became of a transfer, its time, a recent block and a balance', async () => {
  const chain = createSolanaChain({ networks: [{ id: SOLANA, rpc: solana.rpc }], tokens })
  const on = await openCase(solana)
  const { transfer, send } = await on.signed()
  const transaction = await send()
  solana.pass(40)
  expect(chain.networks).toEqual([SOLANA])
  expect(await chain.find(transfer)).toMatchObject({ kind: 'settled', transaction })
  expect(await chain.time(SOLANA)).toMatchObject({ block: 1_041n })
  expect(await chain.recentBlock(SOLANA)).toMatchObject({ lastValidBlockHeight: 1_191n })
  expect(await chain.balance({ network: SOLANA, token: SOLANA_USDC, wallet: on.payer })).toBe(9_000n)
  await expect(chain.balance({ network: SOLANA, token: on.payer, wallet: on.payer })).rejects.toThrow('not known here')
  await expect(chain.time('solana:other')).rejects.toThrow('No RPC is configured')
})

it('nothing is concluded that only one of two servers shows', async () => {
  const chain = createSolanaChain({ networks: [{ id: SOLANA, rpc: solana.rpc, secondRpc: second.rpc }], tokens })
  const { transfer, send } = await (await openCase(solana)).signed()
  await send()
  for (const one of [solana, second]) one.pass(400)
  expect(await chain.find(transfer)).toMatchObject({ kind: 'unavailable', reason: expect.stringContaining('disagree') })
})

it('a server that gives no answer that holds leaves it unavailable', async () => {
  const chain = createSolanaChain({ networks: [{ id: SOLANA, rpc: solana.rpc }], tokens })
  const { transfer } = await (await openCase(solana)).signed()
  solana.answerOtherwise('getEpochInfo', () => ({ absoluteSlot: -1, blockHeight: 0.5 }))
  expect(await chain.find(transfer)).toMatchObject({ kind: 'unavailable' })
})
