/** What a paid server writes and reads, in both versions of x402, by hand: an official server would not let itself misbehave. */
import type { IncomingMessage } from 'node:http'
import type { Hex } from 'viem'
import { z } from 'zod'
import { NETWORK, NETWORK_V1, USDC } from './chain.ts'

export type Version = 1 | 2

export interface Terms {
  /** Atomic units, as text. */
  readonly amount: string
  readonly payTo: string
  readonly window_s: number
  /** The URL that is sold. */
  readonly resource: string
}

export interface WireAnswer {
  readonly status: number
  /** [name, value, …]; a name may come twice. */
  readonly headers: readonly string[]
  readonly body: string | Uint8Array
}

export type Json = Record<string, unknown>

export const PAYMENT_HEADER = { 1: 'x-payment', 2: 'payment-signature' } as const
export const RESULT_HEADER = { 1: 'X-PAYMENT-RESPONSE', 2: 'PAYMENT-RESPONSE' } as const
export const AMOUNT_KEY = { 1: 'maxAmountRequired', 2: 'amount' } as const

const DOMAIN = { name: 'USDC', version: '2' }

export function offerOf(version: Version, { amount, payTo, window_s, resource }: Terms): Json {
  const common = { scheme: 'exact', asset: USDC, payTo, maxTimeoutSeconds: window_s, extra: DOMAIN }
  if (version === 2) return { ...common, network: NETWORK, amount }
  return { ...common, network: NETWORK_V1, maxAmountRequired: amount, resource, description: 'what is sold', mimeType: 'application/json' }
}

export interface EnvelopeParts {
  readonly offers: readonly unknown[]
  readonly resource: string
  readonly error?: string
  /** Merged over the rest of the object. */
  readonly more?: Json
}

export function envelopeOf(version: Version, { offers, resource, error, more }: EnvelopeParts): Json {
  if (version === 1) return { x402Version: 1, error: error ?? 'X-PAYMENT header is required', accepts: offers, ...more }
  const about = { url: resource, description: 'what is sold', mimeType: 'application/json' }
  return { x402Version: 2, error: error ?? 'Payment required', resource: about, accepts: offers, ...more }
}

/** A 402 that carries this envelope where its version puts it. */
export function challengeWith(version: Version, envelope: unknown): WireAnswer {
  const type = ['content-type', 'application/json', 'cache-control', 'no-store']
  if (version === 1) return { status: 402, headers: type, body: JSON.stringify(envelope) }
  return { status: 402, headers: ['PAYMENT-REQUIRED', encodeBase64(envelope), ...type], body: '{}' }
}

export function challengeOf(version: Version, terms: Terms, error?: string): WireAnswer {
  const parts = { offers: [offerOf(version, terms)], resource: terms.resource }
  return challengeWith(version, envelopeOf(version, error === undefined ? parts : { ...parts, error }))
}

export function encodeBase64(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64')
}

/** A payment as it was presented. */
export interface Payment {
  readonly version: Version
  /** The header's bytes: an honest repeat is the same to the letter. */
  readonly header: string
  readonly payer: Hex
  readonly payTo: Hex
  readonly nonce: Hex
  readonly value: bigint
  /** Seconds since 1970. */
  readonly validAfter: bigint
  readonly validBefore: bigint
  /** Body of the facilitator's /settle. */
  readonly settleCall: Json
}

const hex = z.templateLiteral(['0x', z.string()])
const integer = z.string().regex(/^\d+$/).transform(BigInt)
const authorization = z.object({ from: hex, to: hex, value: integer, validAfter: integer, validBefore: integer, nonce: hex })
const payload = z.looseObject({
  x402Version: z.number(),
  accepted: z.looseObject({}).optional(),
  payload: z.looseObject({ authorization }),
})

/** The payment that a request carries for this version, or undefined where there is none that can be read. */
export function paymentIn(request: IncomingMessage, version: Version): Payment | undefined {
  const header = request.headers[PAYMENT_HEADER[version]]
  if (typeof header !== 'string') return undefined
  const raw = parseJson(Buffer.from(header, 'base64').toString())
  const parsed = payload.safeParse(raw)
  if (!parsed.success) return undefined
  const { from, to, ...signed } = parsed.data.payload.authorization
  const asked: Terms = { amount: String(signed.value), payTo: to, window_s: 60, resource: 'http://localhost/' }
  const paymentRequirements = parsed.data.accepted ?? offerOf(version, asked)
  return {
    version,
    header,
    payer: from,
    payTo: to,
    ...signed,
    settleCall: { x402Version: version, paymentPayload: raw, paymentRequirements },
  }
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
