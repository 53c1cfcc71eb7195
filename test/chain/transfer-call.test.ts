/** On a real chain: what the call does is the token's word, not ours. */
import { numberToHex } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSender } from '../../src/chain/gas-wallet.ts'
import { transferCall } from '../../src/chain/transfer-call.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { type Chain, NETWORK, startChain, USDC } from '../testnet/chain.ts'

let chain: Chain
beforeAll(async () => {
  chain = await startChain()
})
afterAll(() => chain[Symbol.asyncDispose]())

const TO = '0x0000000000000000000000000000000000000011'
const MOVE = {
  ...{ network: NETWORK, token: USDC, from: TO, to: TO, value: 1n, validAfter: 0n, validBefore: 9n },
  ...{ nonce: `0x${'01'.repeat(32)}`, signature: `0x${'11'.repeat(64)}1b` },
}

describe('the call of a transfer', () => {
  it('moves what was signed for, once, and whoever sends it pays nothing but gas', async () => {
    const payer = createLocalWallet({ key: generatePrivateKey() })
    const from = await payer.address(null)
    await chain.fund(from, 10n)
    const sender = createSender({ key: generatePrivateKey(), networks: [{ id: NETWORK, rpc: chain.rpcUrl }] })
    await chain.rpc('anvil_setBalance', [sender.address, numberToHex(10n ** 18n)])
    const { timestamp } = await chain.client.getBlock()
    const data = { from, to: TO, value: 7n, validAfter: 0n, validBefore: timestamp + 600n, nonce: MOVE.nonce as `0x${string}` } as const
    const domain = { name: 'USDC', version: '2', chainId: 84532, verifyingContract: USDC }
    const signature = await payer.signTransfer(null, { ...data, domain })
    const paid = { network: NETWORK, call: transferCall({ ...data, network: NETWORK, token: USDC, signature }), gas: 200_000n }
    const transaction = await sender.send(paid)
    await chain.client.waitForTransactionReceipt({ hash: transaction })
    expect(await sender.outcome(NETWORK, transaction)).toBe(true)
    expect([await chain.balanceOf(from), await chain.balanceOf(TO)]).toEqual([3n, 7n])
    await expect(sender.send(paid)).rejects.toThrow()
    expect(await chain.balanceOf(TO)).toBe(7n)
  })

  it.each([
    ['signature', { signature: '0x11' }],
    ['nonce', { nonce: '0x01' }],
    ['network', { network: 'solana:x' }],
  ])('is none with a %s that is none', (_, more) => {
    expect(() => transferCall({ ...MOVE, ...more })).toThrow()
  })
})
