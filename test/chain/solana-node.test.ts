import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRpc } from '../../src/chain/rpc.ts'
import { createSolanaNode } from '../../src/chain/solana-node.ts'
import { TOKEN_2022_PROGRAM, TOKEN_PROGRAM } from '../../src/solana-address.ts'
import { BLOCKHASH_LIFE_BLOCKS } from '../../src/solana-limits.ts'
import { randomAddress, SOLANA, SOLANA_USDC, startSolana, type TestSolana } from '../testnet/solana.ts'
import { openCase } from './solana-case.ts'

let solana: TestSolana
beforeEach(async () => {
  solana = await startSolana(() => 1_800_000_000)
})
afterEach(() => solana[Symbol.asyncDispose]())

const nodeOf = (network = SOLANA) => createSolanaNode(createRpc({ url: solana.rpc }), network)

describe('a server of Solana', () => {
  it('is believed only where its genesis is the network’s', async () => {
    await expect(nodeOf('solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp').final()).rejects.toThrow('is not a server of')
    expect(await nodeOf().final()).toEqual({ slot: 968n, blockHeight: 968n })
    expect([await nodeOf().head(), await nodeOf().timeOf(1_000n)]).toEqual([1_000n, 1_800_000_000])
  })

  it('gives a recent block, whose life is never reckoned shorter than it can be', async () => {
    expect(await nodeOf().recentBlock()).toMatchObject({ lastValidBlockHeight: 1_000n + BLOCKHASH_LIFE_BLOCKS, slot: 936n })
    for (const [said, held] of [
      [1, 1_150n],
      [1_200, 1_200n],
    ] as const) {
      solana.answerOtherwise('getLatestBlockhash', (answer) => {
        const { context, value } = answer as { context: object; value: object }
        return { context, value: { ...value, lastValidBlockHeight: said } }
      })
      expect(await nodeOf().recentBlock()).toMatchObject({ lastValidBlockHeight: held })
    }
    solana.answerOtherwise('getBlockHeight', () => 5)
    await expect(nodeOf().recentBlock()).rejects.toThrow('too long to be true')
    solana.answerOtherwise('getLatestBlockhash', () => ({ context: { slot: 1 }, value: { blockhash: 'short', lastValidBlockHeight: 1 } }))
    await expect(nodeOf().recentBlock()).rejects.toThrow('another shape')
  })

  it('shows what a wallet holds, and nothing where it has no account', async () => {
    const { payer: owner } = await openCase(solana)
    expect(await nodeOf().balance({ owner, mint: SOLANA_USDC, tokenProgram: TOKEN_PROGRAM })).toBe(10_000n)
    expect(await nodeOf().balance({ owner, mint: SOLANA_USDC, tokenProgram: TOKEN_2022_PROGRAM })).toBe(0n)
    expect(await nodeOf().balance({ owner: randomAddress(), mint: SOLANA_USDC, tokenProgram: TOKEN_PROGRAM })).toBe(0n)
    solana.answerOtherwise('getAccountInfo', () => ({
      value: { owner: TOKEN_PROGRAM, data: [Buffer.alloc(165).toString('base64'), 'base64'] },
    }))
    await expect(nodeOf().balance({ owner, mint: SOLANA_USDC, tokenProgram: TOKEN_PROGRAM })).rejects.toThrow('another account')
  })

  it('lists what is final, with its memo, and shows it whole', async () => {
    const on = await openCase(solana)
    const { send } = await on.signed('order 7')
    const id = await send()
    const { slot: at } = await on.node.final()
    expect(await on.node.listed({ account: on.payer, at })).toEqual([])
    solana.pass(40)
    expect(await on.node.listed({ account: on.payer, at })).toEqual([{ signature: id, slot: 1_000n, failed: false, memo: '[7] order 7' }])
    expect(await on.node.listed({ account: on.payer, at, before: id })).toEqual([])
    await expect(on.node.listed({ account: on.payer, at: 9_999n })).rejects.toThrow('Minimum context slot')
    expect(await on.node.transaction(id)).toMatchObject({
      slot: 1_000n,
      failed: false,
      time_s: 1_800_000_000,
      signatures: [id, expect.any(String)],
    })
    expect(await on.node.firstAvailable()).toBe(0n)
  })
})
