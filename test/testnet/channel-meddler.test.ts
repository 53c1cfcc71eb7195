/** The world of channels, tried with the official client, so that what the program is shown in it is what others see too. */
import { toClientEvmSigner } from '@x402/evm'
import { BatchSettlementEvmScheme, InMemoryClientChannelStorage } from '@x402/evm/batch-settlement/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NETWORK } from './chain.ts'
import { channelsOf, sumOf } from './channel-history.ts'
import type { Deed } from './channel-meddler.ts'
import { type ChannelWorld, startChannelWorld } from './channel-world.ts'
import type { Catalogue } from './channels.ts'

const FUNDS = 10_000_000n
const DEPOSIT = 100_000n
const PRICE = 1_000n

let world: ChannelWorld
beforeAll(async () => {
  world = await startChannelWorld()
})
afterAll(() => world?.[Symbol.asyncDispose]())

async function makeClient() {
  const account = privateKeyToAccount(generatePrivateKey())
  await world.chain.fund(account.address, FUNDS)
  const options = { storage: new InMemoryClientChannelStorage(), depositStrategy: () => `${DEPOSIT}` }
  const scheme = new BatchSettlementEvmScheme(toClientEvmSigner(account, world.chain.client), options)
  const pay = wrapFetchWithPayment(fetch, new x402Client().register(NETWORK, scheme))
  const buy = (catalogue: Catalogue, path = '/tick') => pay(`${catalogue.url}${path}`)
  return { address: account.address, scheme, buy, history: () => channelsOf(world.chain, account.address) }
}

const open = () => world.open({ prices: { '/tick': '0.001' } })
const chargedBy = async ({ manager }: Catalogue) => {
  const vouchers = await manager.getClaimableVouchers()
  return vouchers.reduce((sum, { totalClaimed }) => sum + BigInt(totalClaimed), 0n)
}

describe('catalogues', () => {
  it('a dozen stand on one chain, and each is paid through a channel of its own, which the logs tell to the unit', async () => {
    const catalogues = await Promise.all(Array.from({ length: 12 }, () => world.open({ prices: { '/search': '0.001', '/item': '0.003' } })))
    const client = await makeClient()
    for (const catalogue of catalogues) {
      for (const path of ['/search', '/item', '/search']) expect((await client.buy(catalogue, path)).status).toBe(200)
      await client.scheme.refund(`${catalogue.url}/search`)
    }
    const channels = await client.history()
    expect(channels).toHaveLength(12)
    for (const { claimed, deposited, returned, transactions } of channels) {
      expect({ claimed, deposited, returned }).toEqual({ claimed: 5n * PRICE, deposited: DEPOSIT, returned: DEPOSIT - 5n * PRICE })
      expect(transactions).toHaveLength(2)
    }
    expect(await world.chain.balanceOf(client.address)).toBe(FUNDS - sumOf(channels).claimed)
  })

  it('offers exact as well where it is told to, and a price that has changed', async () => {
    const both = await world.open({ prices: { '/tick': '0.001' }, exactToo: true })
    both.setPrice('/tick', '0.25')
    const header = (await fetch(`${both.url}/tick`)).headers.get('payment-required') ?? ''
    const { accepts } = JSON.parse(Buffer.from(header, 'base64').toString())
    expect(accepts).toMatchObject([
      { scheme: 'batch-settlement', amount: '250000', payTo: both.merchant },
      { scheme: 'exact', amount: '250000', payTo: both.merchant },
    ])
  })
})

/** What the seller has charged, and what its handler has served, by one request after an honest one. */
const DEEDS: readonly (readonly [Deed, { readonly charged: bigint; readonly served: number; readonly status: number | 'broken' }])[] = [
  ['lose-answer', { charged: 2n, served: 2, status: 'broken' }],
  ['lose-request', { charged: 1n, served: 1, status: 'broken' }],
  ['error-500', { charged: 2n, served: 2, status: 500 }],
  ['silent', { charged: 2n, served: 2, status: 200 }],
  // The official client throws where it reads that more was charged than it was asked for.
  ['overcharge', { charged: 2n, served: 2, status: 'broken' }],
  ['correct-beyond', { charged: 1n, served: 1, status: 402 }],
  ['correct-by-stranger', { charged: 1n, served: 1, status: 402 }],
]

describe('the meddler', () => {
  it.each(DEEDS)('%s: the seller charges what it serves, whatever the customer hears', async (deed, { charged, served, status }) => {
    const catalogue = await open()
    const client = await makeClient()
    expect((await client.buy(catalogue)).status).toBe(200)
    catalogue.meddler.next(deed)
    const seen = await client.buy(catalogue).then(
      (answer) => answer.status,
      () => 'broken',
    )
    expect([seen, await chargedBy(catalogue), catalogue.served()]).toEqual([status, charged * PRICE, served])
  })

  it('raises the price between the challenge and the payment, and the seller charges nothing for it', async () => {
    const catalogue = await open()
    const client = await makeClient()
    catalogue.meddler.next('raise-price')
    expect((await client.buy(catalogue)).status).toBe(402)
    expect(catalogue.served()).toBe(0)
    expect((await client.buy(catalogue)).status).toBe(200)
    expect(await chargedBy(catalogue)).toBe(2n * PRICE)
  })

  it('gives nothing back while it is told to, and counts who asked', async () => {
    const catalogue = await open()
    const client = await makeClient()
    await client.buy(catalogue)
    catalogue.meddler.refunds(false)
    await expect(client.scheme.refund(`${catalogue.url}/tick`)).rejects.toThrow()
    catalogue.meddler.refunds(true)
    await client.scheme.refund(`${catalogue.url}/tick`)
    expect(catalogue.meddler.asked()).toBe(2)
    expect(await client.history()).toMatchObject([{ claimed: PRICE, returned: DEPOSIT - PRICE, withdrawals: 0 }])
  })
})
