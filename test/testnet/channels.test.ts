import { BATCH_SETTLEMENT_ADDRESS, ERC3009_DEPOSIT_COLLECTOR_ADDRESS, toClientEvmSigner } from '@x402/evm'
import { BatchSettlementEvmScheme, computeChannelId, InMemoryClientChannelStorage, signVoucher } from '@x402/evm/batch-settlement/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { zeroHash } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeTestTls } from './certificates.ts'
import { type Chain, NETWORK, startChain, USDC } from './chain.ts'
import { claimByReceiver, finalizeWithdraw, initiateWithdraw, type OpenChannel, readChannel } from './channel-reader.ts'
import { CHANNEL_PRICE, type ChannelServer, DEPOSIT_COLLECTOR, ESCROW, startChannelServer, WITHDRAW_DELAY_S } from './channels.ts'

const FUNDS = 1_000_000n
const DEPOSIT = 50_000n

let chain: Chain
let server: ChannelServer
beforeAll(async () => {
  chain = await startChain()
  server = await startChannelServer(chain, makeTestTls())
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await chain?.[Symbol.asyncDispose]()
})

/** The official client with the official scheme: it deposits `DEPOSIT` where it has to deposit. */
async function makeClient() {
  const account = privateKeyToAccount(generatePrivateKey())
  await chain.fund(account.address, FUNDS)
  const signer = toClientEvmSigner(account, chain.client)
  const scheme = new BatchSettlementEvmScheme(signer, {
    storage: new InMemoryClientChannelStorage(),
    depositStrategy: () => DEPOSIT,
  })
  const client = new x402Client().register(NETWORK, scheme)
  const config: OpenChannel = {
    ...{ payer: account.address, payerAuthorizer: account.address, receiver: server.merchant, receiverAuthorizer: server.merchant },
    ...{ token: USDC, withdrawDelay: WITHDRAW_DELAY_S, salt: zeroHash },
  }
  const id = computeChannelId(config, NETWORK)
  return { account, scheme, pay: wrapFetchWithPayment(fetch, client), config, id }
}

async function pay(client: Awaited<ReturnType<typeof makeClient>>, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) expect((await client.pay(`${server.url}/tick`)).status).toBe(200)
}

describe('the escrow of the test chain, with the official client, server and facilitator', () => {
  it('stands where the package expects it', async () => {
    expect([ESCROW, DEPOSIT_COLLECTOR]).toEqual([BATCH_SETTLEMENT_ADDRESS, ERC3009_DEPOSIT_COLLECTOR_ADDRESS])
  })

  it('takes one deposit, many vouchers, and settles what they add up to with one claim', async () => {
    const client = await makeClient()
    const before = server.settlements.length
    await pay(client, 5)
    expect(await readChannel(chain, client.id)).toEqual({ balance: DEPOSIT, claimed: 0n, withdrawing: 0n })
    expect(await chain.balanceOf(client.account.address)).toBe(FUNDS - DEPOSIT)
    expect(await chain.balanceOf(ESCROW)).toBe(DEPOSIT)
    expect(server.settlements.slice(before)).toMatchObject([{ success: true, amount: `${DEPOSIT}` }])
    await server.manager.claimAndSettle()
    expect(await readChannel(chain, client.id)).toEqual({ balance: DEPOSIT, claimed: 5n * CHANNEL_PRICE, withdrawing: 0n })
    expect(await chain.balanceOf(server.merchant)).toBe(5n * CHANNEL_PRICE)
  })

  it('gives back by a cooperative refund what no voucher has taken, and the merchant what they have', async () => {
    const client = await makeClient()
    await pay(client, 3)
    const earned = await chain.balanceOf(server.merchant)
    const refunded = await client.scheme.refund(`${server.url}/tick`)
    expect(refunded).toMatchObject({ success: true, amount: `${DEPOSIT - 3n * CHANNEL_PRICE}` })
    expect(await chain.balanceOf(client.account.address)).toBe(FUNDS - 3n * CHANNEL_PRICE)
    expect(await readChannel(chain, client.id)).toEqual({ balance: 3n * CHANNEL_PRICE, claimed: 3n * CHANNEL_PRICE, withdrawing: 0n })
    await server.manager.settle()
    expect(await chain.balanceOf(server.merchant)).toBe(earned + 3n * CHANNEL_PRICE)
  })

  it('takes nothing beyond the last voucher, nor by a voucher that another key signed', async () => {
    const client = await makeClient()
    await pay(client, 1)
    const stranger = privateKeyToAccount(generatePrivateKey())
    const forged = await signVoucher(stranger, client.id, '2000', NETWORK)
    const own = await signVoucher(client.account, client.id, '1000', NETWORK)
    expect(await claimByReceiver(chain, client.config, { most: 2_000n, signature: forged.signature, claimed: 2_000n })).toBe(false)
    expect(await claimByReceiver(chain, client.config, { most: 1_000n, signature: own.signature, claimed: 1_001n })).toBe(false)
    expect(await claimByReceiver(chain, client.config, { most: 1_000n, signature: own.signature, claimed: 1_000n })).toBe(true)
    expect(await claimByReceiver(chain, client.config, { most: 1_000n, signature: own.signature, claimed: 1_000n })).toBe(true)
    expect(await readChannel(chain, client.id)).toMatchObject({ claimed: 1_000n })
  })

  it('lets the payer alone withdraw, after the delay, and no more than is left by then', async () => {
    const client = await makeClient()
    await pay(client, 2)
    const stranger = privateKeyToAccount(generatePrivateKey()).address
    expect(await initiateWithdraw(chain, stranger, client.config, DEPOSIT)).toBe(false)
    expect(await initiateWithdraw(chain, client.account.address, client.config, DEPOSIT)).toBe(true)
    expect(await finalizeWithdraw(chain, client.account.address, client.config)).toBe(false)
    await server.manager.claimAndSettle()
    await chain.mine({ blocks: 1, seconds: WITHDRAW_DELAY_S })
    expect(await finalizeWithdraw(chain, stranger, client.config)).toBe(false)
    expect(await finalizeWithdraw(chain, client.account.address, client.config)).toBe(true)
    expect(await readChannel(chain, client.id)).toEqual({ balance: 2n * CHANNEL_PRICE, claimed: 2n * CHANNEL_PRICE, withdrawing: 0n })
    expect(await chain.balanceOf(client.account.address)).toBe(FUNDS - 2n * CHANNEL_PRICE)
  })
})
