/** The official facilitator of @x402/svm and a paid server (@x402/express) on the test chain for Solana. */
import { createKeyPairSignerFromPrivateKeyBytes } from '@solana/kit'
import { x402Facilitator } from '@x402/core/facilitator'
import { type FacilitatorClient, x402ResourceServer } from '@x402/core/server'
import type { SettleResponse } from '@x402/core/types'
import { paymentMiddleware } from '@x402/express'
import { toFacilitatorSvmSigner } from '@x402/svm'
import { ExactSvmScheme } from '@x402/svm/exact/facilitator'
import { ExactSvmScheme as ExactSvmServer } from '@x402/svm/exact/server'
import express from 'express'
import type { TestTls } from './certificates.ts'
import { openDoors, type SeenRequest } from './doors.ts'
import { PYUSD_TOKEN, SOLANA, SOLANA_PYUSD, type TestSolana, USDC_TOKEN } from './solana.ts'

export type SolanaFault = 'after' | 'before' | 'invalid'

export interface SolanaShop extends AsyncDisposable {
  /** `https://localhost:port` */
  readonly url: string
  readonly feePayer: string
  readonly merchant: string
  readonly requests: readonly SeenRequest[]
  readonly attempts: readonly SettleResponse[]
  /** The next settlement is done, or not, and its answer never arrives; or the next payment is said to be worth nothing. */
  breakNext(fault: SolanaFault): void
  /** Faults that nothing has suffered yet. */
  readonly faults: readonly SolanaFault[]
}

/** GET /weather costs $0.001, GET /memo the same with a memo of the seller's, GET /paypal the same in another program's token. */
export async function startSolanaShop(solana: TestSolana, tls: TestTls): Promise<SolanaShop> {
  const payer = await createKeyPairSignerFromPrivateKeyBytes(crypto.getRandomValues(new Uint8Array(32)))
  const merchant = (await createKeyPairSignerFromPrivateKeyBytes(crypto.getRandomValues(new Uint8Array(32)))).address
  solana.fundFees(payer.address)
  for (const token of [USDC_TOKEN, PYUSD_TOKEN]) solana.fund(merchant, 0n, token)
  const official = new x402Facilitator().register(SOLANA, new ExactSvmScheme(toFacilitatorSvmSigner(payer, { defaultRpcUrl: solana.rpc })))
  const attempts: SettleResponse[] = []
  const faults: SolanaFault[] = []
  const adapter: FacilitatorClient = {
    verify: async (payload, requirements) => {
      if (faults[0] !== 'invalid') return official.verify(payload, requirements)
      faults.shift()
      return { isValid: false, invalidReason: 'insufficient_funds' }
    },
    settle: async (payload, requirements) => {
      const fault = faults.shift()
      if (fault === 'before') throw new Error('the facilitator is down')
      const result = await official.settle(payload, requirements)
      attempts.push(result)
      if (fault === 'after') throw new Error('socket hang up')
      return result
    },
    getSupported: async () => official.getSupported() as Awaited<ReturnType<FacilitatorClient['getSupported']>>,
  }
  const offer = { scheme: 'exact', network: SOLANA, payTo: merchant, maxTimeoutSeconds: 60 } as const
  const paypal = { amount: '1000', asset: SOLANA_PYUSD, extra: {} }
  const app = express()
  app.use(
    paymentMiddleware(
      {
        'GET /weather': { accepts: { ...offer, price: '$0.001' } },
        'GET /memo': { accepts: { ...offer, price: '$0.001', extra: { memo: 'é'.repeat(128) } } },
        'GET /paypal': { accepts: { ...offer, price: paypal } },
      },
      new x402ResourceServer(adapter).register(SOLANA, new ExactSvmServer({ rpcUrl: solana.rpc })),
    ),
  )
  app.get('/*', (_, response) => void response.json({ celsius: 21 }))
  const doors = await openDoors(app, tls)
  return {
    ...{ url: doors.httpsUrl, requests: doors.requests, feePayer: payer.address, merchant, attempts, faults },
    breakNext: (fault) => void faults.push(fault),
    [Symbol.asyncDispose]: () => doors[Symbol.asyncDispose](),
  }
}
