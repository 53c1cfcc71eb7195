/** Challenges as servers write them: the official library spells and names them, unless a test spells one itself. */
import { Challenge } from 'mppx'
import type { Head, RawHeaders } from '../../../src/http.ts'
import { createMppRail } from '../../../src/rails/mpp/mpp.ts'
import type { Rail, Challenge as Read, RejectedOffer } from '../../../src/rails/rail.ts'
import { knownAssets } from '../../../src/rails/x402/assets.ts'
import { createLocalWallet } from '../../../src/wallet/local-key.ts'
import { challengeOf, NETWORK, PAY_TO, USDC } from '../x402/challenges.ts'

export const SECRET = 'a secret of the server, long enough to be one'
export const EXPIRES = '2027-01-15T08:05:00.000Z'
export const EXPIRES_S = 1_800_000_300
export const WINDOW = { validAfter_s: 1_799_999_400, validBefore_s: 1_800_000_060 }

export const wallet = createLocalWallet({ key: `0x${'c0ffee11'.repeat(8)}` })
export const rail: Rail = createMppRail({ assets: knownAssets(), networks: [NETWORK] })

export const DETAILS = { chainId: 84532, credentialTypes: ['authorization'], decimals: 6 }
export const REQUEST = { amount: '10000', currency: USDC, recipient: PAY_TO, methodDetails: DETAILS }

type Terms = Partial<Parameters<typeof Challenge.from>[0]> & { readonly request?: Record<string, unknown> }

/** Named by its server, as the library does it. */
export function official(changes: Terms = {}): Challenge.Challenge {
  const terms = { realm: 'api.example.com', method: 'evm', intent: 'charge', expires: EXPIRES, request: REQUEST, ...changes }
  return Challenge.from({ ...terms, secretKey: SECRET } as Parameters<typeof Challenge.from>[0])
}

/** The header's value. */
export function spelled(changes: Terms = {}): string {
  return Challenge.serialize(official(changes))
}

export function headOf(...values: readonly string[]): Head {
  return { status: 402, headers: ['Content-Type', 'application/problem+json', ...values.flatMap((value) => ['WWW-Authenticate', value])] }
}

/** A value with the parameters of a test's own; a parameter that is undefined is left out. */
export function handmade(changes: Readonly<Record<string, string | undefined>> = {}): string {
  const request = base64url(REQUEST)
  const params = { id: 'abc', realm: 'api.example.com', method: 'evm', intent: 'charge', request, expires: EXPIRES, ...changes }
  return `Payment ${Object.entries(params)
    .flatMap(([name, text]) => (text === undefined ? [] : [`${name}="${text}"`]))
    .join(', ')}`
}

/** With a request of a test's own: an object, or the JSON text itself. */
export function requesting(request: unknown): string {
  return handmade({ request: base64url(request) })
}

export function base64url(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value), 'utf8').toString('base64url')
}

export function read(value: string, asked?: RawHeaders): Read {
  return challengeOf(rail.detect(headOf(value), undefined, asked))
}

export function rejection(value: string, asked?: RawHeaders): Pick<RejectedOffer, 'code' | 'reason'> | undefined {
  const { offers, rejected } = read(value, asked)
  return offers.length === 0 ? rejected[0] : undefined
}
