/** Challenges of version 2 with offers and words of the test's own. */
import type { UnpaidAnswer } from '../../src/session/exchange.ts'
import { encodeBase64 } from '../testnet/wire.ts'
import { NETWORK, PAY_TO, URL_ASKED } from './rig.ts'

export function offering(offers: readonly { readonly amount: string; readonly network?: string }[], description = ''): UnpaidAnswer {
  const asset = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
  const accepts = offers.map(({ amount, network = NETWORK }) => ({
    ...{ scheme: 'exact', network, amount, asset, payTo: PAY_TO, maxTimeoutSeconds: 60, extra: { name: 'USDC', version: '2' } },
  }))
  const resource = { url: URL_ASKED, description, mimeType: 'application/json' }
  return { status: 402, headers: ['PAYMENT-REQUIRED', encodeBase64({ x402Version: 2, resource, accepts })], body: undefined }
}
