import fc from 'fast-check'
import { concatHex, type Hex, numberToHex, pad, toHex } from 'viem'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ChainFinding, Chain as ChainPort } from '../../src/chain/chain.ts'
import { cancelCall, TRANSFER, USED } from '../../src/chain/eip3009.ts'
import { createEvmChain } from '../../src/chain/evm-chain.ts'
import type { EvmNode, Log } from '../../src/chain/evm-node.ts'
import { look } from '../../src/chain/find.ts'
import { RpcAnswerTooLong, RpcError } from '../../src/chain/rpc.ts'
import {
  chainTime,
  DOMAIN,
  FORGER_CODE,
  height,
  makePayer,
  nextBlockAt,
  PAYEE,
  type Payer,
  type SignedPayment,
  settle,
  submit,
} from '../testnet/authorizations.ts'
import { type Chain, NETWORK, startChain, USDC } from '../testnet/chain.ts'
import { type Happening, type PaperBlock, paperChain, TRANSFER_OF_ONE } from './paper-chain.ts'

const FINALITY = 2
let chain: Chain
let payer: Payer
let port: ChainPort

beforeAll(async () => {
  chain = await startChain()
  payer = await makePayer(chain)
})
beforeEach(() => {
  port = createEvmChain({ networks: [{ id: NETWORK, rpc: chain.rpcUrl, finalityBlocks: FINALITY }] })
})
afterAll(() => chain[Symbol.asyncDispose]())

/** Moves the chain to this second and lets that be final. */
async function passTo(time_s: number): Promise<void> {
  await nextBlockAt(chain, time_s)
  await chain.mine({ blocks: 1 + FINALITY })
}

async function cancelOnChain({ authorization: { nonce } }: SignedPayment): Promise<Hex> {
  const signature = await payer.wallet.signCancel(null, { domain: DOMAIN, authorizer: payer.address, nonce })
  const call = cancelCall({ network: NETWORK, token: USDC, authorizer: payer.address, nonce, signature })
  const { transaction, succeeded } = await submit(chain, call)
  expect(succeeded).toBe(true)
  return transaction
}

describe('an authorization that was settled', () => {
  it('is settled once its block is final, and only open before', async () => {
    const payment = await payer.sign()
    const { transaction } = await settle(chain, payment)
    const block = await height(chain)
    for (let confirmations = 0; confirmations < FINALITY; confirmations++) {
      expect(await port.find(payment.transfer)).toMatchObject({ kind: 'open', seen: { transaction, block } })
      await chain.mine({ blocks: 1 })
    }
    expect(await port.find(payment.transfer)).toMatchObject({ kind: 'settled', transaction, block })
  })

  it('in the very last second of its window is settled, although that was the end of all patience', async () => {
    const payment = await payer.sign()
    await nextBlockAt(chain, payment.transfer.validBefore_s - 1)
    const { transaction, succeeded } = await settle(chain, payment)
    expect(succeeded).toBe(true)
    expect(await port.find(payment.transfer)).toMatchObject({ kind: 'open' })
    await passTo(payment.transfer.validBefore_s + 5)
    const time_s = payment.transfer.validBefore_s - 1
    expect(await port.find(payment.transfer)).toMatchObject({ kind: 'settled', transaction, time_s })
  })

  it('is found long after, among hundreds of later blocks', async () => {
    const payment = await payer.sign()
    const { transaction } = await settle(chain, payment)
    const block = await height(chain)
    await chain.rpc('anvil_mine', [numberToHex(600), numberToHex(10)])
    expect(await port.find(payment.transfer)).toMatchObject({ kind: 'settled', transaction, block })
  })
})

describe('an authorization that nobody used', () => {
  it('is open until a final block is of the end of its window, and dead from then on', async () => {
    const payment = await payer.sign()
    await passTo(payment.transfer.validBefore_s - 1 - FINALITY)
    expect(await port.find(payment.transfer)).toMatchObject({ kind: 'open' })
    await nextBlockAt(chain, payment.transfer.validBefore_s)
    for (let confirmations = 0; confirmations < FINALITY; confirmations++) {
      await chain.mine({ blocks: 1 })
      expect(await port.find(payment.transfer)).toMatchObject({ kind: 'open' })
    }
    await chain.mine({ blocks: 1 })
    const found = await port.find(payment.transfer)
    expect(found).toMatchObject({ kind: 'dead', time_s: payment.transfer.validBefore_s })
    expect((await settle(chain, payment)).succeeded).toBe(false)
  })

  it('stays open on a chain that stands still, whatever the local clock says', async () => {
    const payment = await payer.sign({ window_s: 1 })
    expect(await port.find(payment.transfer)).toMatchObject({ kind: 'open' })
    expect(await chainTime(chain)).toBeLessThan(payment.transfer.validBefore_s)
  })

  it('is dead also where it was cancelled after its end, far behind the search', async () => {
    const payment = await payer.sign()
    await passTo(payment.transfer.validBefore_s)
    await chain.rpc('anvil_mine', [numberToHex(600), numberToHex(10)])
    await cancelOnChain(payment)
    await chain.mine({ blocks: FINALITY })
    expect(await port.find(payment.transfer)).toMatchObject({ kind: 'dead' })
  })

  it('has no finding on a chain without a token there', async () => {
    const payment = await payer.sign()
    const elsewhere = { ...payment.transfer, token: '0x00000000000000000000000000000000000000aa' }
    await passTo(payment.transfer.validBefore_s)
    expect(await port.find(elsewhere)).toMatchObject({ kind: 'unavailable', reason: expect.stringContaining('another shape') })
  })
})

describe('an authorization that was cancelled', () => {
  it('is cancelled once that is final, and can never be settled', async () => {
    const payment = await payer.sign()
    const transaction = await cancelOnChain(payment)
    expect(await port.find(payment.transfer)).toMatchObject({ kind: 'open', seen: { transaction } })
    await chain.mine({ blocks: FINALITY })
    expect(await port.find(payment.transfer)).toMatchObject({ kind: 'cancelled', transaction })
    expect((await settle(chain, payment)).succeeded).toBe(false)
    expect(await chain.authorizationUsed(payer.address, payment.authorization.nonce)).toBe(true)
  })
})

describe('a nonce that was used', () => {
  const forger: Hex = '0x00000000000000000000000000000000000000f0'
  /** A token that says the nonce is used, and writes this Transfer beside it. */
  async function forge({ transfer }: SignedPayment, { to, value }: { readonly to: Hex; readonly value: bigint }): Promise<Hex> {
    await chain.rpc('anvil_setCode', [forger, FORGER_CODE])
    const words = [USED, pad(payer.address), transfer.nonce as Hex, TRANSFER, pad(payer.address), pad(to), toHex(value, { size: 32 })]
    const { transaction } = await submit(chain, { to: forger, data: concatHex(words as Hex[]) })
    await chain.mine({ blocks: FINALITY })
    return transaction
  }

  it.each([
    ['another amount', PAYEE, 999n],
    ['another recipient', USDC, 1_000n],
  ] as const)('for %s is used otherwise, and never settled', async (_, to, value) => {
    const payment = await payer.sign()
    const transaction = await forge(payment, { to, value })
    const found = await port.find({ ...payment.transfer, token: forger })
    expect(found).toMatchObject({ kind: 'used_otherwise', transaction, reason: expect.stringContaining('without the transfer') })
  })

  it('for exactly what was signed is settled, by the same events', async () => {
    const payment = await payer.sign()
    const transaction = await forge(payment, { to: PAYEE, value: 1_000n })
    expect(await port.find({ ...payment.transfer, token: forger })).toMatchObject({ kind: 'settled', transaction })
  })

  it('of another token says nothing about this one', async () => {
    const payment = await payer.sign()
    await forge(payment, { to: PAYEE, value: 1_000n })
    expect(await port.find(payment.transfer)).toMatchObject({ kind: 'open' })
  })
})

describe('a reorganisation', () => {
  it('that takes the settlement back leaves it open, and dead in the end', async () => {
    await using own = await startChain()
    const found = createEvmChain({ networks: [{ id: NETWORK, rpc: own.rpcUrl, finalityBlocks: FINALITY }] })
    const payment = await (await makePayer(own)).sign()
    const before = await own.rpc('evm_snapshot')
    const { transaction } = await settle(own, payment)
    expect(await found.find(payment.transfer)).toMatchObject({ kind: 'open', seen: { transaction } })
    await own.rpc('evm_revert', [before])
    await own.mine({ blocks: 2 * FINALITY })
    expect(await found.find(payment.transfer)).toEqual({ kind: 'open', reason: expect.stringContaining('Unused so far') })
    await nextBlockAt(own, payment.transfer.validBefore_s)
    await own.mine({ blocks: 1 + FINALITY })
    expect(await found.find(payment.transfer)).toMatchObject({ kind: 'dead' })
  })
})

describe('a chain younger than its finality', () => {
  it('has no final block, so that nothing is certain', async () => {
    const payment = await payer.sign()
    const young = createEvmChain({ networks: [{ id: NETWORK, rpc: chain.rpcUrl, finalityBlocks: 1_000_000 }] })
    expect(await young.find(payment.transfer)).toEqual({ kind: 'open', reason: 'The chain has no final block yet.' })
  })
})

describe('a settlement in a transaction whose receipt is too long to be read', () => {
  const lookAt = (happens: Happening, strangers: readonly Partial<Log>[] = []) => {
    const { node } = paperChain([{ time_s: 9_990 }, { time_s: 10_010, happens }, { time_s: 10_070 }, { time_s: 10_080 }])
    const logs: EvmNode['logs'] = async (query) => {
      const found = await node.logs(query)
      const transfer = found.find(({ topics }) => topics[0] === TRANSFER)
      return [...(transfer ? strangers.map((changes) => ({ ...transfer, ...changes })) : []), ...found]
    }
    const logsOf = () => Promise.reject(new RpcAnswerTooLong('An RPC answer was too long.'))
    return look({ ...node, logsOf, logs: (query) => (query.from === query.to ? logs(query) : node.logs(query)) }, TRANSFER_OF_ONE, 1n)
  }

  it('is found by the transfers between the two in its block', async () => {
    expect((await lookAt('used')).finding).toMatchObject({ kind: 'settled', block: 1n })
  })

  it('is none without the transfer that was signed', async () => {
    expect((await lookAt('used otherwise')).finding).toMatchObject({ kind: 'used_otherwise', block: 1n })
  })

  it('is not shown by a transfer of another transaction or of another block of that number', async () => {
    const right = { data: toHex(TRANSFER_OF_ONE.amountAtomic, { size: 32 }) }
    const strangers = [{ transaction: pad('0x99') }, { blockHash: pad('0x99') }].map((place) => ({ ...right, ...place }))
    expect((await lookAt('used otherwise', strangers)).finding).toMatchObject({ kind: 'used_otherwise' })
  })

  it('stays open where its receipt cannot be had for another reason', async () => {
    const { node } = paperChain([{ time_s: 9_990 }, { time_s: 10_010, happens: 'used' }, { time_s: 10_070 }, { time_s: 10_080 }])
    const logsOf = () => Promise.reject(new RpcError('The server is tired.'))
    await expect(look({ ...node, logsOf }, TRANSFER_OF_ONE, 1n)).rejects.toThrow('tired')
  })
})

/** Blocks around the window of the transfer, some of one time; at most one end, and a use only while the token would take it. */
const history = fc
  .record({
    gaps: fc.array(fc.constantFrom(0, 1, 2, 7, 30), { minLength: 5, maxLength: 60 }),
    start: fc.integer({ min: 9_000, max: 10_050 }),
    happens: fc.constantFrom<Happening[]>('used', 'cancelled', 'used otherwise', undefined),
    where: fc.nat({ max: 59 }),
  })
  .map(({ gaps, start, happens, where }): PaperBlock[] => {
    let time_s = start
    return gaps.map((gap, number) => {
      time_s += gap
      const possible = happens === 'cancelled' || time_s < TRANSFER_OF_ONE.validBefore_s
      return { time_s, ...(number === where && possible && time_s >= TRANSFER_OF_ONE.signedAt_s && { happens }) }
    })
  })

/** What is dead already can still be cancelled: both say that no money moved or ever will. */
function meaningOf(kind: ChainFinding['kind']): string {
  return kind === 'dead' || kind === 'cancelled' ? 'worthless' : kind
}

describe('in any order of blocks', () => {
  it('nothing is dead before its end, and nothing concludes that is not final', async () => {
    const holds = fc.asyncProperty(history, fc.nat({ max: 5 }), async (blocks, finality) => {
      for (let length = finality + 1; length <= blocks.length; length++) {
        const seen = blocks.slice(0, length)
        const { finding } = await look(paperChain(seen).node, TRANSFER_OF_ONE, BigInt(finality))
        const final = seen.slice(0, length - finality)
        const end = final.find(({ happens }) => happens !== undefined)?.happens
        const over = (final.at(-1)?.time_s ?? 0) >= TRANSFER_OF_ONE.validBefore_s
        const silent = seen.every(({ happens }) => happens === undefined)
        if (end) expect(finding.kind).toBe({ used: 'settled', cancelled: 'cancelled', 'used otherwise': 'used_otherwise' }[end])
        else expect(finding.kind).toBe(over && silent ? 'dead' : 'open')
      }
    })
    await fc.assert(holds, { numRuns: 300 })
  })

  it('what was concluded once is never contradicted by blocks that replace those that were not final', async () => {
    const holds = fc.asyncProperty(history, history, fc.nat({ max: 5 }), fc.nat({ max: 59 }), async (blocks, others, finality, cut) => {
      const seen = blocks.slice(0, Math.max(cut, finality + 1))
      const first = (await look(paperChain(seen).node, TRANSFER_OF_ONE, BigInt(finality))).finding
      const kept = seen.slice(0, seen.length - finality)
      const used = kept.some(({ happens }) => happens !== undefined)
      const time_s = kept.at(-1)?.time_s ?? 0
      const replaced = others
        .filter((block) => block.time_s >= time_s)
        .map((block) => (used ? { time_s: block.time_s, fork: 1 } : { ...block, fork: 1 }))
      const later = [...kept, ...replaced, ...Array.from({ length: finality }, () => ({ time_s: 20_000 }))]
      const second = (await look(paperChain(later).node, TRANSFER_OF_ONE, BigInt(finality))).finding
      if (first.kind === 'open') return
      expect(meaningOf(second.kind)).toBe(meaningOf(first.kind))
    })
    await fc.assert(holds, { numRuns: 300 })
  })
})
