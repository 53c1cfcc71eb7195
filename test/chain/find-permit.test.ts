import { encodeFunctionData, type Hex, numberToHex, parseAbi } from 'viem'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Chain as ChainPort } from '../../src/chain/chain.ts'
import { createEvmChain } from '../../src/chain/evm-chain.ts'
import { PERMIT2 } from '../../src/permit-digest.ts'
import { height, makePayer, nextBlockAt, type Payer, settle } from '../testnet/authorizations.ts'
import { type Chain, NETWORK, startChain } from '../testnet/chain.ts'
import { allow, placePermit2 } from '../testnet/permit2.ts'
import { type PermitTerms, type SignedPermit, settleCall, settlePermit, signPermit } from '../testnet/permits.ts'

const FINALITY = 2
let chain: Chain
let payer: Payer
let port: ChainPort

beforeAll(async () => {
  chain = await startChain()
  await placePermit2(chain)
  payer = await makePayer(chain)
  await allow(chain, payer.address)
})
beforeEach(() => {
  port = createEvmChain({ networks: [{ id: NETWORK, rpc: chain.rpcUrl, finalityBlocks: FINALITY }] })
})
afterAll(() => chain?.[Symbol.asyncDispose]())

const signed = (terms: PermitTerms) => signPermit(chain, payer, terms)
const final = () => chain.mine({ blocks: FINALITY })

/** Both in one block, in this order. */
async function inOneBlock(...calls: readonly { readonly to: Hex; readonly data: Hex }[]): Promise<Hex[]> {
  await chain.rpc('evm_setAutomine', [false])
  const sent: Hex[] = []
  for (const call of calls) sent.push(await chain.sender.send(call))
  await chain.rpc('anvil_mine', [numberToHex(1)])
  await chain.rpc('evm_setAutomine', [true])
  return sent
}

describe('a permit that was settled', () => {
  it.each<['exact' | 'upto', bigint]>([
    ['exact', 1_000n],
    ['upto', 1_000n],
    ['upto', 250n],
    ['upto', 1n],
  ])('by %s for %d is settled once its block is final, with what was taken, and only open before', async (scheme, amount) => {
    const permit = await signed({ scheme })
    const { transaction, succeeded } = await settlePermit(chain, permit, amount)
    expect(succeeded).toBe(true)
    const block = await height(chain)
    for (let confirmations = 0; confirmations < FINALITY; confirmations++) {
      expect(await port.find(permit.transfer)).toMatchObject({ kind: 'open', seen: { transaction, block } })
      await chain.mine({ blocks: 1 })
    }
    expect(await port.find(permit.transfer)).toMatchObject({ kind: 'settled', transaction, block, amountAtomic: amount })
  })

  it('in the last second of its window is settled, and in the next one the chain takes it no more', async () => {
    const [last, late] = [await signed({ scheme: 'upto', window_s: 60 }), await signed({ scheme: 'upto', window_s: 60 })]
    await nextBlockAt(chain, last.transfer.validBefore_s - 1)
    expect((await settlePermit(chain, last, 700n)).succeeded).toBe(true)
    await nextBlockAt(chain, last.transfer.validBefore_s)
    expect((await settlePermit(chain, late, 700n)).succeeded).toBe(false)
    await final()
    expect(await port.find(last.transfer)).toMatchObject({ kind: 'settled', amountAtomic: 700n })
    expect(await port.find(late.transfer)).toMatchObject({ kind: 'dead' })
  })

  it('is told from the other payments between these two, in other blocks and in its own', async () => {
    const [one, other] = [await signed({ scheme: 'upto' }), await signed({ scheme: 'upto' })]
    await settle(chain, await payer.sign({ amountAtomic: 900n }))
    const [first, second] = await inOneBlock(settleCall(one, 300n), settleCall(other, 500n))
    await settle(chain, await payer.sign({ amountAtomic: 900n }))
    await final()
    // Nobody can tell which of the two transfers is whose, so that both count as the larger one.
    expect(await port.find(one.transfer)).toMatchObject({ kind: 'settled', transaction: first, amountAtomic: 500n })
    expect(await port.find(other.transfer)).toMatchObject({ kind: 'settled', transaction: second, amountAtomic: 500n })
  })

  it('is not believed to have taken less because another transaction of its block names its nonce', async () => {
    const permit = await signed({ scheme: 'upto' })
    const { authorization, signature } = await payer.sign({ amountAtomic: 1n })
    const decoy = transferCall(authorization, signature, permit.transfer.nonce as Hex)
    await inOneBlock(decoy, settleCall(permit, 1_000n))
    await final()
    expect(await port.find(permit.transfer)).toMatchObject({ kind: 'settled', amountAtomic: 1_000n })
  })

  it('leaves nothing to take for another one of its nonce', async () => {
    const permit = await signed({ scheme: 'upto' })
    const again = await signed({ scheme: 'exact', nonce: permit.transfer.nonce as Hex })
    await settlePermit(chain, permit, 400n)
    expect((await settlePermit(chain, again)).succeeded).toBe(false)
  })
})

describe('a permit that nobody used', () => {
  it('is open until a final block is of the end of its window, and dead from then on', async () => {
    const permit = await signed({ scheme: 'upto' })
    expect(await port.find(permit.transfer)).toMatchObject({ kind: 'open' })
    await nextBlockAt(chain, permit.transfer.validBefore_s - 1)
    await chain.mine({ blocks: 1 })
    await nextBlockAt(chain, permit.transfer.validBefore_s)
    await final()
    expect(await port.find(permit.transfer)).toMatchObject({ kind: 'open' })
    await chain.mine({ blocks: 1 })
    expect(await port.find(permit.transfer)).toMatchObject({ kind: 'dead', time_s: permit.transfer.validBefore_s })
    expect((await settlePermit(chain, permit)).succeeded).toBe(false)
  })

  it('is cancelled where its owner invalidated its nonce', async () => {
    const permit = await signed({ scheme: 'upto' })
    await invalidate(permit)
    await final()
    expect(await port.find(permit.transfer)).toMatchObject({ kind: 'cancelled' })
  })

  it('is cancelled also where other payments between these two follow, which are none of its own', async () => {
    const permit = await signed({ scheme: 'upto' })
    await settle(chain, await payer.sign({ amountAtomic: 3n }))
    await invalidate(permit)
    await settle(chain, await payer.sign({ amountAtomic: 5n }))
    await final()
    expect(await port.find(permit.transfer)).toMatchObject({ kind: 'cancelled' })
  })

  it('of scheme upto is nobody’s but the facilitator’s', async () => {
    const permit = await signed({ scheme: 'upto' })
    const from = '0x00000000000000000000000000000000000000ee'
    await expect(chain.rpc('eth_call', [{ from, ...settleCall(permit, 1n) }, 'latest'])).rejects.toThrow()
    await expect(chain.rpc('eth_call', [{ from: chain.sender.address, ...settleCall(permit, 1n) }, 'latest'])).resolves.toBe('0x')
    await expect(chain.rpc('eth_call', [{ from: chain.sender.address, ...settleCall(permit, 1_001n) }, 'latest'])).rejects.toThrow()
  })
})

it('the allowance to Permit2 is what the token says', async () => {
  await allow(chain, payer.address, 123n)
  expect(await port.allowance({ network: NETWORK, token: payer.address, wallet: payer.address }).catch(() => 'none')).toBe('none')
  const { token } = (await signed({ scheme: 'exact' })).transfer
  expect(await port.allowance({ network: NETWORK, token, wallet: payer.address })).toBe(123n)
  await allow(chain, payer.address)
})

async function invalidate({ transfer: { nonce } }: SignedPermit): Promise<void> {
  const abi = parseAbi(['function invalidateUnorderedNonces(uint256 word, uint256 mask)'])
  const number = BigInt(nonce)
  const args = [number >> 8n, 1n << (number & 255n)] as const
  await chain.rpc('anvil_impersonateAccount', [payer.address])
  const data = encodeFunctionData({ abi, functionName: 'invalidateUnorderedNonces', args })
  await chain.rpc('eth_sendTransaction', [{ from: payer.address, to: PERMIT2, data }])
}

/** A payment of its own, with a stranger's nonce behind it. */
function transferCall(authorization: Awaited<ReturnType<Payer['sign']>>['authorization'], signature: Hex, nonce: Hex) {
  const abi = parseAbi(['function transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)'])
  const { from, to, value, validAfter, validBefore } = authorization
  const args = [from, to, value, validAfter, validBefore, authorization.nonce, signature] as const
  const data = `${encodeFunctionData({ abi, functionName: 'transferWithAuthorization', args })}${nonce.slice(2)}` as const
  return { to: authorization.domain.verifyingContract, data }
}
