/** Nonces for proofs of possession: ours by an HMAC, so that nothing is kept of those that nobody comes back with. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { MANDATE_NONCE_MS } from '../limits.ts'

export interface IssuedNonce {
  readonly nonce: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

export interface NonceMint {
  issue(random: string, now: number): IssuedNonce
  /** When it ends; undefined where it is none of ours, or over. */
  expiryOf(nonce: string, now: number): number | undefined
}

/** @param secret at least 32 random bytes */
export function createNonces(secret: Uint8Array): NonceMint {
  const seal = (text: string) => createHmac('sha256', secret).update(`mandate-nonce:${text}`).digest('base64url')
  return {
    issue(random, now) {
      const expiresAt = now + MANDATE_NONCE_MS
      const text = `${expiresAt}.${random}`
      return { nonce: `${text}.${seal(text)}`, expiresAt }
    },
    expiryOf(nonce, now) {
      const [, text = '', expiry = '', given = ''] = /^(([0-9]{1,16})\.[A-Za-z0-9_-]{1,100})\.([A-Za-z0-9_-]{43})$/.exec(nonce) ?? []
      if (text === '' || !timingSafeEqual(Buffer.from(seal(text)), Buffer.from(given))) return undefined
      const expiresAt = Number(expiry)
      return now < expiresAt ? expiresAt : undefined
    },
  }
}
