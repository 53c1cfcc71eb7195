/**
 * Payment channels on the test chain: the escrow and its collector where @x402/evm expects them, the official facilitator
 * and server scheme of `batch-settlement` in process, and catalogues: official servers that sell several things by channel.
 */
import { getRequestListener } from '@hono/node-server'
import { x402Facilitator } from '@x402/core/facilitator'
import { type FacilitatorClient, x402ResourceServer } from '@x402/core/server'
import type { SettleResponse } from '@x402/core/types'
import { BatchSettlementEvmScheme as FacilitatorScheme } from '@x402/evm/batch-settlement/facilitator'
import { type BatchSettlementChannelManager, BatchSettlementEvmScheme as ServerScheme } from '@x402/evm/batch-settlement/server'
import { ExactEvmScheme as ExactFacilitatorScheme } from '@x402/evm/exact/facilitator'
import { ExactEvmScheme as ExactServerScheme } from '@x402/evm/exact/server'
import { paymentMiddleware } from '@x402/hono'
import { Hono } from 'hono'
import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import type { TestTls } from './certificates.ts'
import { type Chain, NETWORK } from './chain.ts'
import { type Meddler, meddleWith } from './channel-meddler.ts'
import { compileContracts } from './contracts.ts'
import { openDoors, type SeenRequest } from './doors.ts'
import { facilitatorSigner } from './facilitator.ts'

/** The addresses that @x402/evm has for every chain; a test compares them with the package's own. */
export const ESCROW: Hex = '0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003'
export const DEPOSIT_COLLECTOR: Hex = '0x4020806089470a89826cB9fB1f4059150b550004'
/** The shortest delay that the escrow allows, in seconds. */
export const WITHDRAW_DELAY_S = 900
/** What the route of the plain server costs, in atomic units. */
export const CHANNEL_PRICE = 1_000n

export interface ChannelServer extends AsyncDisposable {
  readonly url: string
  readonly httpsUrl: string
  readonly requests: readonly SeenRequest[]
  readonly merchant: Hex
  /** Claims, settles and refunds from the merchant's side. */
  readonly manager: BatchSettlementChannelManager
  /** Everything that the facilitator was asked to settle. */
  readonly settlements: readonly SettleResponse[]
  /** How often its handlers ran. */
  served(): number
}

/** A seller with a price list of its own, and somebody between it and its customers. */
export interface Catalogue extends ChannelServer {
  /** `localhost:port` */
  readonly host: string
  readonly meddler: Meddler
  /** In dollars: from now on this route costs that. */
  setPrice(path: string, price: string): void
}

export interface CatalogueOptions {
  /** By path, in dollars: `{ '/search': '0.50' }` */
  readonly prices: Readonly<Record<string, string>>
  /** Offers `exact` as well, after the channel. */
  readonly exactToo?: boolean
  readonly withdrawDelay_s?: number
  /** What it asks a deposit to live, in seconds. */
  readonly window_s?: number
  /** Who settles. Its own, in process, unless said otherwise. */
  readonly facilitator?: FacilitatorClient
}

/** Both contracts at their addresses. Idempotent. */
export async function placeEscrow(chain: Pick<Chain, 'place'>): Promise<void> {
  const { escrow, depositCollector } = await compileContracts()
  await Promise.all([chain.place(ESCROW, escrow), chain.place(DEPOSIT_COLLECTOR, depositCollector)])
}

/** `GET /tick` costs `CHANNEL_PRICE`, by channel only. The merchant's own key signs claims and refunds. */
export function startChannelServer(
  chain: Chain,
  tls: TestTls,
  options: Pick<CatalogueOptions, 'withdrawDelay_s'> = {},
): Promise<ChannelServer> {
  return startCatalogue(chain, tls, { prices: { '/tick': '0.001' }, ...options })
}

/** Any number of them stand on one chain; each has a merchant of its own, whose key signs claims and refunds. */
export async function startCatalogue(chain: Chain, tls: TestTls, options: CatalogueOptions): Promise<Catalogue> {
  await placeEscrow(chain)
  const account = privateKeyToAccount(generatePrivateKey())
  const { withdrawDelay_s = WITHDRAW_DELAY_S, window_s = 60, exactToo = false } = options
  const scheme = new ServerScheme(account.address, { receiverAuthorizerSigner: account, withdrawDelay: withdrawDelay_s })
  const settlements: SettleResponse[] = []
  const { facilitator = adapterOf(chain, settlements) } = options
  const prices = new Map(Object.entries(options.prices))
  const sales = new x402ResourceServer(facilitator).register(NETWORK, scheme).register(NETWORK, new ExactServerScheme())
  let served = 0
  const app = new Hono()
  app.use(paymentMiddleware(routesOf({ prices, payTo: account.address, exactToo, window_s }), sales))
  app.get('/*', (context) => {
    served += 1
    return context.json({ sold: context.req.path, number: served })
  })
  const setPrice = (path: string, price: string) => void prices.set(path, price)
  const meddler = meddleWith((request, env) => app.fetch(request, env), { raise: (path) => setPrice(path, twice(prices.get(path))) })
  const doors = await openDoors(getRequestListener(meddler.fetch), tls)
  const manager = scheme.createChannelManager(facilitator, NETWORK)
  const host = new URL(doors.httpsUrl).host
  return { ...doors, host, merchant: account.address, manager, settlements, meddler, setPrice, served: () => served }
}

interface Sale {
  readonly prices: ReadonlyMap<string, string>
  readonly payTo: Hex
  readonly exactToo: boolean
  readonly window_s: number
}

function routesOf({ prices, payTo, exactToo, window_s }: Sale) {
  const common = { network: NETWORK, payTo, maxTimeoutSeconds: window_s } as const
  return Object.fromEntries(
    [...prices.keys()].map((path) => {
      const price = () => `$${prices.get(path)}`
      const schemes = exactToo ? ['batch-settlement', 'exact'] : ['batch-settlement']
      return [`GET ${path}`, { accepts: schemes.map((scheme) => ({ ...common, scheme, price })), description: `What ${path} sells` }]
    }),
  )
}

function twice(price: string | undefined): string {
  return String(Number(price) * 2)
}

function adapterOf(chain: Chain, settlements: SettleResponse[]): FacilitatorClient {
  const signer = facilitatorSigner(chain)
  const official = new x402Facilitator()
    .register(NETWORK, new FacilitatorScheme(signer))
    .register(NETWORK, new ExactFacilitatorScheme(signer))
  return {
    verify: (payload, requirements) => official.verify(payload, requirements),
    settle: async (payload, requirements) => {
      const result = await official.settle(payload, requirements)
      settlements.push(result)
      return result
    },
    getSupported: async () => {
      const { kinds, extensions, signers } = official.getSupported()
      return { kinds: kinds.map((kind) => ({ ...kind, network: NETWORK })), extensions, signers }
    },
  }
}
