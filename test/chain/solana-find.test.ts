import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lookOnSolana } from '../../src/chain/solana-find.ts'
import { BLOCKHASH_LIFE_BLOCKS, INDEX_LAG_BLOCKS } from '../../src/solana-limits.ts'
import { startSolana, type TestSolana } from '../testnet/solana.ts'
import { openCase, type SolanaCase } from './solana-case.ts'

/** Until the newest block is final. */
const FINAL = 40
/** Until a block that can take it no more is final, and its list has had time. */
const OVER = Number(BLOCKHASH_LIFE_BLOCKS + INDEX_LAG_BLOCKS) + FINAL

let solana: TestSolana
let on: SolanaCase

beforeEach(async () => {
  solana = await startSolana()
  on = await openCase(solana)
})
afterEach(() => solana[Symbol.asyncDispose]())

describe('what became of a transfer on Solana', () => {
  it('is open until the block that took it is final, and settled then', async () => {
    const { transfer, send } = await on.signed()
    expect(await lookOnSolana(on.node, transfer)).toMatchObject({ kind: 'open' })
    const id = await send()
    expect(await lookOnSolana(on.node, transfer)).toMatchObject({ kind: 'open' })
    solana.pass(FINAL)
    expect(await lookOnSolana(on.node, transfer)).toMatchObject({ kind: 'settled', transaction: id })
    solana.pass(OVER)
    expect(await lookOnSolana(on.node, transfer)).toMatchObject({ kind: 'settled', transaction: id })
  })

  it('is told apart from others with the seller’s one memo, by the owner’s signature', async () => {
    const [one, other] = [await on.signed('order 7'), await on.signed('order 7')]
    const id = await one.send()
    solana.pass(OVER)
    expect(await lookOnSolana(on.node, one.transfer)).toMatchObject({ kind: 'settled', transaction: id })
    expect(await lookOnSolana(on.node, other.transfer)).toMatchObject({ kind: 'dead' })
  })

  it('is dead only once a block after the last one that could take it is final, and no sooner by a block', async () => {
    const { transfer, send } = await on.signed()
    solana.pass(OVER - 8)
    expect(await lookOnSolana(on.node, transfer)).toMatchObject({ kind: 'open', reason: expect.stringContaining('is final') })
    solana.pass(1)
    expect(await lookOnSolana(on.node, transfer)).toMatchObject({ kind: 'dead' })
    await expect(send()).rejects.toThrow('refused sendTransaction')
    expect(solana.executed).toEqual([])
  })

  it('is not settled by a transaction that failed', async () => {
    const { transfer, send } = await on.signed()
    solana.fund(on.payer, 0n)
    await send()
    expect(solana.executed).toMatchObject([{ failed: true }])
    solana.pass(OVER)
    expect(await lookOnSolana(on.node, transfer)).toMatchObject({ kind: 'dead' })
  })

  it('is found behind pages of other transactions', async () => {
    const wanted = await on.signed()
    const id = await wanted.send()
    for (let more = 0; more < 5; more++) await (await on.signed()).send()
    solana.pass(OVER)
    solana.answerOtherwise('getSignaturesForAddress', (list) => (list as unknown[]).slice(0, 2))
    expect(await lookOnSolana(on.node, wanted.transfer)).toMatchObject({ kind: 'settled', transaction: id })
  })

  it.each<[string, string, (answer: unknown) => unknown, RegExp]>([
    [
      'shows another transaction',
      'getTransaction',
      (said) => ({ ...(said as object), transaction: { signatures: ['1'.repeat(64)] } }),
      /another transaction/,
    ],
    ['has lost what is older', 'getFirstAvailableBlock', () => 5_000, /has no transactions before/],
  ])('is not concluded from a server that %s', async (_, method, change, reason) => {
    const { transfer, send } = await on.signed()
    if (method !== 'getFirstAvailableBlock') await send()
    solana.pass(OVER)
    solana.answerOtherwise(method, change)
    await expect(lookOnSolana(on.node, transfer)).rejects.toThrow(reason)
  })

  it('is not concluded from a list that gives one page again and again', async () => {
    const { transfer } = await on.signed()
    await (await on.signed()).send()
    solana.pass(OVER)
    let page: unknown
    solana.answerOtherwise('getSignaturesForAddress', (list) => {
      page ??= list
      return page
    })
    await expect(lookOnSolana(on.node, transfer)).rejects.toThrow('again and again')
  })

  it('is not looked for without its proof', async () => {
    const { transfer } = await on.signed()
    await expect(lookOnSolana(on.node, { ...transfer, authorized: '0x' })).rejects.toThrow(RangeError)
  })
})
