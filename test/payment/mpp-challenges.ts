/** Challenges of MPP, and receipts, for the payment flow's own tests; its clock begins at noon of the 27th of June 2026. */
import type { UnpaidAnswer } from '../../src/session/exchange.ts'
import { base64url, handmade, REQUEST } from '../rails/mpp/challenges.ts'
import { answer } from './rig.ts'

export interface Charge {
  readonly id?: string
  readonly amount?: string
  /** RFC 3339. */
  readonly expires?: string
  readonly header?: string
  readonly digest?: string
}

export function charge({ amount = '1000', expires = '2026-06-27T12:05:00Z', ...params }: Charge = {}): UnpaidAnswer {
  const value = handmade({ ...params, expires, request: base64url({ ...REQUEST, amount }) })
  return { status: 402, headers: ['WWW-Authenticate', value], body: Buffer.from('{}') }
}

/** 200 with the server's receipt. */
export function receipted() {
  const receipt = { method: 'evm', status: 'success', reference: `0x${'cd'.repeat(32)}`, timestamp: '2026-06-27T12:00:01Z' }
  return answer(200, ['Payment-Receipt', base64url(receipt)])
}

/** What a credential says that left. */
export function credentialIn([, value = '']: readonly string[]): {
  readonly payload: Record<string, string>
  readonly challenge: Record<string, string>
} {
  return JSON.parse(Buffer.from(value.replace('Payment ', ''), 'base64url').toString('utf8'))
}
