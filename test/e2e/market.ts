/** A market: an official paid server (@x402/hono, version 2) with a price list of its own, on its own origin, for its own merchant. */
import { getRequestListener } from '@hono/node-server'
import { x402ResourceServer } from '@x402/core/server'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { paymentMiddleware } from '@x402/hono'
import { Hono } from 'hono'
import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { NETWORK } from '../testnet/chain.ts'
import { openDoors } from '../testnet/doors.ts'
import type { Testnet } from '../testnet/testnet.ts'

export interface Market extends AsyncDisposable {
  /** `https://localhost:port` */
  readonly url: string
  /** `localhost:port` */
  readonly host: string
  /** Who is paid. Nobody holds the key. */
  readonly merchant: Hex
}

/** @param prices by path, in dollars: `{ '/search': '0.50' }` */
export async function startMarket(testnet: Testnet, prices: Readonly<Record<string, string>>): Promise<Market> {
  const merchant = privateKeyToAddress(generatePrivateKey())
  const offer = { scheme: 'exact', network: NETWORK, payTo: merchant, maxTimeoutSeconds: 60 } as const
  const routes = Object.entries(prices).map(
    ([path, price]) => [`GET ${path}`, { accepts: { ...offer, price: `$${price}` }, description: `What ${path} sells` }] as const,
  )
  const sales = new x402ResourceServer(testnet.facilitator.adapter).register(NETWORK, new ExactEvmScheme())
  const app = new Hono()
  app.use(paymentMiddleware(Object.fromEntries(routes), sales))
  app.get('/*', (context) => context.json({ sold: context.req.path }))
  const doors = await openDoors(getRequestListener(app.fetch), testnet.tls)
  return { url: doors.httpsUrl, host: new URL(doors.httpsUrl).host, merchant, [Symbol.asyncDispose]: () => doors[Symbol.asyncDispose]() }
}
