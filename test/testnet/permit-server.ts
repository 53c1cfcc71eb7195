/** The official @x402/express server with routes that are paid by Permit2. */
import { HTTPFacilitatorClient, x402ResourceServer } from '@x402/core/server'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { UptoEvmScheme } from '@x402/evm/upto/server'
import { paymentMiddleware, setSettlementOverrides } from '@x402/express'
import { declareEip2612GasSponsoringExtension } from '@x402/extensions'
import express from 'express'
import type { TestTls } from './certificates.ts'
import { NETWORK, USDC } from './chain.ts'
import { openDoors } from './doors.ts'
import type { Facilitator } from './facilitator.ts'
import type { PaidServer } from './paid-servers.ts'
import type { Testnet } from './testnet.ts'

/** `GET /exact` costs 1,000 atomic units; `GET /upto?take=n` up to as much, and takes n, 300 where nothing is said. `sponsored`: it offers to pay for allowances. */
export async function startPermitServer(
  { facilitator, merchant, tls }: Pick<Testnet, 'merchant'> & { readonly facilitator: Facilitator; readonly tls: TestTls },
  { window_s = 60, sponsored = false } = {},
): Promise<PaidServer> {
  const counts = new Map<string, number>()
  const app = express()
  const resources = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator.url }))
    .register(NETWORK, new ExactEvmScheme())
    .register(NETWORK, new UptoEvmScheme())
  const extra = { name: 'USDC', version: '2', assetTransferMethod: 'permit2' }
  const common = { network: NETWORK, price: { amount: '1000', asset: USDC, extra }, payTo: merchant, maxTimeoutSeconds: window_s } as const
  const more = sponsored ? { extensions: declareEip2612GasSponsoringExtension() } : {}
  const routes = {
    'GET /exact': { accepts: { scheme: 'exact', ...common }, description: 'exact by permit2', ...more },
    'GET /upto': { accepts: { scheme: 'upto', ...common }, description: 'upto', ...more },
  }
  app.use(paymentMiddleware(routes, resources))
  app.get(['/exact', '/upto'], (request, response) => {
    counts.set(request.path, (counts.get(request.path) ?? 0) + 1)
    if (request.path === '/upto') setSettlementOverrides(response, { amount: String(request.query.take ?? '300') })
    response.json({ served: request.path })
  })
  return { ...(await openDoors(app, tls)), served: (path) => counts.get(path) ?? 0 }
}
