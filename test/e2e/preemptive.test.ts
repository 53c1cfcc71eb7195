/** Paying with the first attempt, with official servers, a real facilitator and a real chain. */
import { getRequestListener } from '@hono/node-server'
import { x402ResourceServer } from '@x402/core/server'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { paymentMiddleware } from '@x402/hono'
import { Hono } from 'hono'
import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NETWORK } from '../testnet/chain.ts'
import { openDoors } from '../testnet/doors.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

/** An official server whose price may change, and which may ask for nothing at all. */
interface Shop {
  readonly url: string
  readonly merchant: Hex
  /** Dollars; null: it is free. */
  price: string | null
  /** Requests that arrived. */
  requests: number
  [Symbol.asyncDispose](): Promise<void>
}

async function startShop(testnet: Testnet): Promise<Shop> {
  const merchant = privateKeyToAddress(generatePrivateKey())
  const sales = new x402ResourceServer(testnet.facilitator.adapter).register(NETWORK, new ExactEvmScheme())
  const price = () => `$${shop.price}`
  const accepts = { scheme: 'exact', network: NETWORK, payTo: merchant, maxTimeoutSeconds: 60, price } as const
  const charge = paymentMiddleware({ 'GET /*': { accepts, description: 'goods' } }, sales)
  const app = new Hono()
  app.use((context, next) => {
    shop.requests++
    return shop.price === null ? next() : charge(context, next)
  })
  app.get('/*', (context) => context.json({ sold: context.req.path }))
  const doors = await openDoors(getRequestListener(app.fetch), testnet.tls)
  const shop: Shop = {
    url: doors.httpsUrl,
    merchant,
    price: '0.001',
    requests: 0,
    [Symbol.asyncDispose]: async () => doors[Symbol.asyncDispose](),
  }
  return shop
}

let testnet: Testnet
let shop: Shop
let purser: RunningPurser

beforeAll(async () => {
  testnet = await startTestnet()
  shop = await startShop(testnet)
  const config = openConfig([testnet.caFile])
  const servers = Object.entries(testnet.servers).map(([name, { httpsUrl }]) => ({ prefix: `/${name}/`, upstream: `${httpsUrl}/` }))
  const routes = [{ prefix: '/shop/', upstream: `${shop.url}/` }, ...servers]
  purser = await startPurser({
    ...config,
    preemptive: { after: 2 },
    networks: [{ id: 'base-sepolia', rpc: testnet.rpcUrl, finalityBlocks: 0 }],
    proxy: { ...(config.proxy as object), routes },
  })
  await testnet.fund(purser.app.walletAddress as Hex, 1_000_000n)
})
afterAll(async () => {
  await purser?.[Symbol.asyncDispose]()
  await shop?.[Symbol.asyncDispose]()
  await testnet?.[Symbol.asyncDispose]()
})

async function buy(session: OpenSession, path: string) {
  const before = shop.requests
  const answer = await fetch(`${purser.app.proxyUrl}/shop${path}`, { headers: { 'purser-session': session.token } })
  await answer.text()
  return {
    status: answer.status,
    money: answer.headers.get('purser-money'),
    asked: shop.requests - before,
    id: answer.headers.get('purser-payment') ?? '',
  }
}

const PAID = { status: 200, money: 'moved' }
const counted = async (outcome: string) => {
  const [, count = '0'] = new RegExp(`purser_preemptive_total{outcome="${outcome}"} (\\d+)`).exec(await purser.text('/metrics')) ?? []
  return Number(count)
}
/** So many payments that a challenge asked for: the route is known to charge. */
async function recur(path: string): Promise<OpenSession> {
  shop.price = '0.001'
  const session = await purser.openSession()
  for (let time = 0; time < 2; time++) expect(await buy(session, path)).toMatchObject({ ...PAID, asked: 2 })
  return session
}

describe('a route that is known to charge', () => {
  it('is paid with the first attempt: one request instead of two, and the merchant has the money', async () => {
    const session = await recur('/hit')
    const hits = await counted('hit')
    const had = await testnet.balanceOf(shop.merchant)
    const bought = await buy(session, '/hit')
    expect(bought).toMatchObject({ ...PAID, asked: 1 })
    expect(await testnet.balanceOf(shop.merchant)).toBe(had + 1_000n)
    expect(await counted('hit')).toBe(hits + 1)
    const { items } = await purser.admin<{ items: { context?: { facts?: string[] } }[] }>(`/v1/receipts?session=${session.id}&limit=10`)
    expect(JSON.stringify(items)).toContain('paid with the first attempt')
  })

  it('is so for every session: what it asks for is nobody’s own', async () => {
    await recur('/shared')
    expect(await buy(await purser.openSession({ agent: 'another' }), '/shared')).toMatchObject({ ...PAID, asked: 1 })
  })

  it('G3: is paid its new price with the nonce of what is out; the merchant gets one of the two, and the books agree', async () => {
    const session = await recur('/dearer')
    const had = await testnet.balanceOf(shop.merchant)
    shop.price = '0.003'
    const bought = await buy(session, '/dearer')
    expect(bought).toMatchObject({ ...PAID, asked: 3 })
    expect(await testnet.balanceOf(shop.merchant)).toBe(had + 3_000n)
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.005', held: '0.001' })
    await purser.admin('/v1/reconcile', { method: 'POST', body: '{}' })
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.005', held: '0.00' })
    expect(await buy(session, '/dearer')).toMatchObject({ ...PAID, asked: 2 })
  })

  it.each(['expressV1', 'expressV2', 'honoV2'] as const)('%s takes a payment that it has not asked for yet', async (name) => {
    const server = testnet.servers[name]
    const session = await purser.openSession()
    for (let time = 0; time < 3; time++) {
      const answer = await fetch(`${purser.app.proxyUrl}/${name}/weather`, { headers: { 'purser-session': session.token } })
      expect(await answer.json()).toEqual({ city: 'Lisbon', celsius: 21 })
      expect(answer.headers.get('purser-money')).toBe('moved')
    }
    expect(server.requests).toHaveLength(5)
    expect(server.served('/weather')).toBe(3)
  })

  it('G4: is not paid any more once it was free, and what was sent for nothing is held until the chain shows that it is dead', async () => {
    const session = await recur('/free')
    const had = await testnet.balanceOf(shop.merchant)
    shop.price = null
    expect(await buy(session, '/free')).toMatchObject({ status: 200, money: 'unknown', asked: 1 })
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.002', held: '0.001' })
    expect(await buy(session, '/free')).toMatchObject({ status: 200, money: null, asked: 1 })
    expect(await counted('waste')).toBe(1)
    await testnet.mine({ blocks: 1, seconds: 11 })
    await purser.admin('/v1/reconcile', { method: 'POST', body: '{}' })
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.002', held: '0.00' })
    expect(await testnet.balanceOf(shop.merchant)).toBe(had)
  })
})
