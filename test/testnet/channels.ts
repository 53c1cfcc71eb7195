/**
 * Payment channels on the test chain: the escrow and its collector where @x402/evm expects them, the official facilitator
 * and server scheme of `batch-settlement` in process, and one paid route of an official server.
 */
import { getRequestListener } from '@hono/node-server'
import { x402Facilitator } from '@x402/core/facilitator'
import { type FacilitatorClient, x402ResourceServer } from '@x402/core/server'
import type { SettleResponse } from '@x402/core/types'
import { BatchSettlementEvmScheme as FacilitatorScheme } from '@x402/evm/batch-settlement/facilitator'
import { type BatchSettlementChannelManager, BatchSettlementEvmScheme as ServerScheme } from '@x402/evm/batch-settlement/server'
import { paymentMiddleware } from '@x402/hono'
import { Hono } from 'hono'
import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import type { TestTls } from './certificates.ts'
import { type Chain, NETWORK } from './chain.ts'
import { compileContracts } from './contracts.ts'
import { openDoors, type SeenRequest } from './doors.ts'
import { facilitatorSigner } from './facilitator.ts'

/** The addresses that @x402/evm has for every chain; a test compares them with the package's own. */
export const ESCROW: Hex = '0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003'
export const DEPOSIT_COLLECTOR: Hex = '0x4020806089470a89826cB9fB1f4059150b550004'
/** The shortest delay that the escrow allows, in seconds. */
export const WITHDRAW_DELAY_S = 900
/** What the route costs, in atomic units. */
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
  served(): number
}

/** Both contracts at their addresses. Idempotent. */
export async function placeEscrow(chain: Pick<Chain, 'place'>): Promise<void> {
  const { escrow, depositCollector } = await compileContracts()
  await Promise.all([chain.place(ESCROW, escrow), chain.place(DEPOSIT_COLLECTOR, depositCollector)])
}

/** `GET /tick` costs `CHANNEL_PRICE`, by channel only. The merchant's own key signs claims and refunds. */
export async function startChannelServer(
  chain: Chain,
  tls: TestTls,
  { withdrawDelay_s = WITHDRAW_DELAY_S }: { readonly withdrawDelay_s?: number } = {},
): Promise<ChannelServer> {
  await placeEscrow(chain)
  const account = privateKeyToAccount(generatePrivateKey())
  const scheme = new ServerScheme(account.address, { receiverAuthorizerSigner: account, withdrawDelay: withdrawDelay_s })
  const settlements: SettleResponse[] = []
  const facilitator = adapterOf(chain, settlements)
  let served = 0
  const app = new Hono()
  const accepts = { scheme: 'batch-settlement', network: NETWORK, price: '$0.001', payTo: account.address, maxTimeoutSeconds: 60 } as const
  app.use(paymentMiddleware({ 'GET /tick': { accepts } }, new x402ResourceServer(facilitator).register(NETWORK, scheme)))
  app.get('/tick', (context) => {
    served += 1
    return context.json({ tick: served })
  })
  const doors = await openDoors(getRequestListener(app.fetch), tls)
  const manager = scheme.createChannelManager(facilitator, NETWORK)
  return { ...doors, merchant: account.address, manager, settlements, served: () => served }
}

function adapterOf(chain: Chain, settlements: SettleResponse[]): FacilitatorClient {
  const official = new x402Facilitator().register(NETWORK, new FacilitatorScheme(facilitatorSigner(chain)))
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
