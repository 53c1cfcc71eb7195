/** A 402 that is paid by Permit2, and the server's word on how much it took. */
import type { SendResult, UnpaidAnswer } from '../../src/session/exchange.ts'
import { encodeBase64, RESULT_HEADER } from '../testnet/wire.ts'
import { answer, NETWORK } from './rig.ts'

const FACILITATOR = '0x857b06519E91e3A54538791bDbb0E22373e36b66'
const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'

/** For up to 1,000 atomic units, or exactly as much. */
export function permitChallenge(scheme: 'exact' | 'upto'): UnpaidAnswer {
  const extra = { assetTransferMethod: 'permit2', ...(scheme === 'upto' && { facilitatorAddress: FACILITATOR }) }
  const payTo = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
  const entry = { scheme, network: NETWORK, amount: '1000', asset: USDC, payTo, maxTimeoutSeconds: 60, extra }
  return { status: 402, headers: ['PAYMENT-REQUIRED', encodeBase64({ x402Version: 2, accepts: [entry] })], body: Buffer.from('{}') }
}

export function took(amount: string): SendResult {
  const said = { success: true, transaction: amount === '0' ? '' : `0x${'ab'.repeat(32)}`, network: NETWORK, amount }
  return answer(200, [RESULT_HEADER[2], encodeBase64(said)])
}
