/** A paid server of the official MPP library: the same goods asked for in the ways in which it can ask for them. */
import { randomBytes } from 'node:crypto'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { Challenge } from 'mppx'
import { evm, Mppx } from 'mppx/server'
import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { USDC } from './chain.ts'
import { openDoors, type SeenRequest } from './doors.ts'
import type { Testnet } from './testnet.ts'

/** One of these is the first part of the path; what follows it is free. */
export type Way =
  /** MPP, with the credential in `Authorization`. */
  | 'plain'
  /** MPP, with the credential in `Payment-Authorization`. */
  | 'beside'
  /** MPP and x402 in one 402, as the library does it by itself. */
  | 'both'
  /** As `plain`, for another recipient. */
  | 'other'
  /** MPP by a method that Purser does not speak. */
  | 'tempo'

export interface MppServer extends AsyncDisposable {
  /** `https://localhost:port` */
  readonly url: string
  /** Who is paid. Nobody holds the key. */
  readonly merchant: Hex
  readonly requests: readonly SeenRequest[]
  /** How often the goods of this path were handed out. */
  served(path: string): number
}

const DOMAIN = { name: 'USDC', version: '2' }
const PRICE = '0.001'

/** Settles by the testnet's facilitator, over HTTP, so that its faults strike here too. */
export async function startMppServer(testnet: Pick<Testnet, 'chainId' | 'facilitatorUrl' | 'tls'>): Promise<MppServer> {
  const merchant = privateKeyToAddress(generatePrivateKey())
  const secretKey = randomBytes(32).toString('base64')
  const charge = (recipient: Hex) => {
    const token = { currency: USDC, chainId: testnet.chainId, decimals: 6, authorization: DOMAIN }
    return evm.charge({ ...token, recipient, x402: { facilitator: testnet.facilitatorUrl } })
  }
  // Without a transport of its own a method speaks nothing but MPP.
  const only = (recipient: Hex) => ({ ...charge(recipient), transport: undefined })
  const other = privateKeyToAddress(generatePrivateKey())
  const tills = {
    plain: Mppx.create({ methods: [only(merchant)], secretKey }).charge({ amount: PRICE }),
    beside: Mppx.create({ methods: [only(merchant)], secretKey, requiresAuth: true }).charge({ amount: PRICE }),
    both: Mppx.create({ methods: [charge(merchant)], secretKey }).charge({ amount: PRICE }),
    other: Mppx.create({ methods: [only(other)], secretKey }).charge({ amount: PRICE }),
  }
  const counts = new Map<string, number>()
  const app = new Hono()
  app.all('/tempo/*', (context) => {
    const terms = { realm: 'localhost', method: 'tempo', intent: 'charge', request: { amount: '1000' } }
    return context.json({}, 402, { 'WWW-Authenticate': Challenge.serialize(Challenge.from({ ...terms, secretKey })) })
  })
  for (const [way, till] of Object.entries(tills)) {
    app.all(`/${way}/*`, async (context) => {
      const paid = await till(context.req.raw)
      if (paid.status === 402) return paid.challenge
      counts.set(context.req.path, (counts.get(context.req.path) ?? 0) + 1)
      return paid.withReceipt(context.json({ sold: context.req.path, caller: context.req.header('authorization') ?? null }))
    })
  }
  const doors = await openDoors(getRequestListener(app.fetch), testnet.tls)
  return {
    ...{ url: doors.httpsUrl, merchant, requests: doors.requests, served: (path) => counts.get(path) ?? 0 },
    [Symbol.asyncDispose]: () => doors[Symbol.asyncDispose](),
  }
}
