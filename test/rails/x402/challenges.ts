/** Challenges as servers write them, and the wallet that answers. */
import type { Head } from '../../../src/http.ts'
import type { Challenge, Detected, Offer, Rail } from '../../../src/rails/rail.ts'
import { knownAssets } from '../../../src/rails/x402/assets.ts'
import { createX402Rail } from '../../../src/rails/x402/x402.ts'
import { createLocalWallet } from '../../../src/wallet/local-key.ts'

export const NETWORK = 'eip155:84532'
export const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
export const PAY_TO = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
export const NONCE = `0x${'5e'.repeat(32)}` as const
export const WINDOW = { validAfter_s: 1_799_999_400, validBefore_s: 1_800_000_060 }

export const wallet = createLocalWallet({ key: `0x${'c0ffee11'.repeat(8)}` })
export const rail: Rail = createX402Rail({ assets: knownAssets(), networks: [NETWORK] })

/** The example of the version 2 specification. */
export const ENTRY_V2 = {
  scheme: 'exact',
  network: NETWORK,
  amount: '10000',
  asset: USDC,
  payTo: PAY_TO,
  maxTimeoutSeconds: 60,
  extra: { name: 'USDC', version: '2' },
}
export const RESOURCE = {
  url: 'https://api.example.com/premium-data',
  description: 'Access to premium market data',
  mimeType: 'application/json',
}
export const REQUIRED_V2 = {
  x402Version: 2,
  error: 'PAYMENT-SIGNATURE header is required',
  resource: RESOURCE,
  accepts: [ENTRY_V2],
  extensions: {},
}

/** As @x402/evm's servers write them. */
export const FACILITATOR = '0x857b06519E91e3A54538791bDbb0E22373e36b66'
export const ENTRY_PERMIT2 = { ...ENTRY_V2, extra: { ...ENTRY_V2.extra, assetTransferMethod: 'permit2' } }
export const ENTRY_UPTO = { ...ENTRY_PERMIT2, scheme: 'upto', extra: { ...ENTRY_PERMIT2.extra, facilitatorAddress: FACILITATOR } }

/** The example of the version 1 specification. */
export const ENTRY_V1 = {
  scheme: 'exact',
  network: 'base-sepolia',
  maxAmountRequired: '10000',
  asset: USDC,
  payTo: PAY_TO,
  resource: 'https://api.example.com/premium-data',
  description: 'Access to premium market data',
  mimeType: 'application/json',
  outputSchema: null,
  maxTimeoutSeconds: 60,
  extra: { name: 'USDC', version: '2' },
}
export const REQUIRED_V1 = { x402Version: 1, error: 'X-PAYMENT header is required', accepts: [ENTRY_V1] }

export function bytes(value: unknown): Uint8Array {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value), 'utf8')
}

export function base64(value: unknown): string {
  return Buffer.from(bytes(value)).toString('base64')
}

/** A 402 whose header carries this challenge (an object, or the JSON text itself). */
export function headOf(required: unknown): Head {
  return { status: 402, headers: ['Content-Type', 'application/json', 'PAYMENT-REQUIRED', base64(required)] }
}

export const PLAIN_HEAD: Head = { status: 402, headers: ['Content-Type', 'application/json'] }

export function challengeOf(detected: Detected | undefined): Challenge {
  if (detected?.kind !== 'challenge') throw new Error(`no challenge: ${JSON.stringify(detected)}`)
  return detected.challenge
}

export function onlyOffer(challenge: Challenge): Offer {
  const [offer, ...others] = challenge.offers
  if (!offer || others.length > 0) throw new Error(`not one offer: ${JSON.stringify(challenge.rejected)}`)
  return offer
}

/** The only offer of a challenge, with the challenge. */
export function offered(required: unknown): { challenge: Challenge; offer: Offer } {
  const isV1 = typeof required === 'object' && required !== null && 'x402Version' in required && required.x402Version === 1
  const challenge = challengeOf(isV1 ? rail.detect(PLAIN_HEAD, bytes(required)) : rail.detect(headOf(required), undefined))
  return { challenge, offer: onlyOffer(challenge) }
}
