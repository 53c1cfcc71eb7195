/** An issuer of AP2 mandates, and an agent with a key of its own, as other people's software would make them. */
import { createHash, randomBytes, sign as signWith } from 'node:crypto'
import { SDJwtInstance, type SdJwtPayload } from '@sd-jwt/core'
import type { DisclosureFrame } from '@sd-jwt/types'
import { exportJWK, generateKeyPair, type JSONWebKeySet, type JWK } from 'jose'

export const ISSUER = 'https://wallet.example'
export const AUDIENCE = 'purser'

type Frame = DisclosureFrame<SdJwtPayload>

export interface Key {
  readonly jwk: JWK
  /** ES256, base64url. */
  readonly sign: (data: string) => string
}

export async function newKey(): Promise<Key> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  const { createPrivateKey } = await import('node:crypto')
  const key = createPrivateKey({ key: { ...(await exportJWK(privateKey)) }, format: 'jwk' })
  return { jwk, sign: (data) => signWith('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url') }
}

const hasher = (data: string | ArrayBuffer) =>
  createHash('sha256')
    .update(typeof data === 'string' ? data : Buffer.from(data))
    .digest()

function instance(key: Key, holder?: Key) {
  return new SDJwtInstance<SdJwtPayload>({
    ...{ hasher, hashAlg: 'sha-256', saltGenerator: () => randomBytes(16).toString('base64url') },
    ...{ signer: key.sign, signAlg: 'ES256', verifier: () => true },
    ...(holder ? { kbSigner: holder.sign, kbSignAlg: 'ES256' } : {}),
  })
}

export const keySet = ({ jwk }: Key): JSONWebKeySet => ({ keys: [{ ...jwk, alg: 'ES256' }] })

/** What the issuer signs, as a compact SD-JWT with all its disclosures. */
export async function issue(key: Key, claims: Record<string, unknown>, frame?: Frame): Promise<string> {
  const all: SdJwtPayload = { iss: ISSUER, ...claims }
  return instance(key).issue(all, frame)
}

export interface Presentation {
  readonly nonce: string
  /** Seconds since 1970. */
  readonly iat: number
  readonly aud?: string
}

/** With the proof that its presenter has the key. */
export async function present(mandate: string, holder: Key, { nonce, iat, aud = AUDIENCE }: Presentation): Promise<string> {
  return instance(holder, holder).present(mandate, undefined, { kb: { payload: { nonce, iat, aud } } })
}

/** Without one of its disclosures. */
export function withhold(mandate: string, at: number): string {
  return mandate
    .split('~')
    .filter((_, part) => part !== at + 1)
    .join('~')
}

/** A grant of $10 for 3 payments of at most $2 at one host, until an hour after `now` (milliseconds). */
export function claimsAt(now: number, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    vct: 'mandate.payment.open.1',
    iat: Math.floor(now / 1000),
    exp: Math.floor(now / 1000) + 3600,
    constraints: [
      { type: 'payment.budget', currency: 'USD', max: 10 },
      { type: 'payment.amount_range', currency: 'USD', max: 200 },
      { type: 'payment.agent_recurrence', frequency: 'ON_DEMAND', max_occurrences: 3 },
      { type: 'payment.allowed_payees', allowed: [{ id: 'm1', name: 'Merchant', website: 'https://api.example.com' }] },
    ],
    ...changes,
  }
}
