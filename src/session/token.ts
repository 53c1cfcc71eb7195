/** Session tokens: how they are made, how the ledger knows them, how two hashes are compared. */
import { createHmac, hash, timingSafeEqual } from 'node:crypto'

/**
 * The token of a session: URL-safe, 256 bits, always the same for the same secret and id, so that the repeat of a
 * creation under one `Idempotency-Key` can show it again without anybody having stored it.
 * @param secret at least 32 random bytes
 */
export function mintToken(secret: Uint8Array, sessionId: string): string {
  return `pst_${createHmac('sha256', secret).update(`session:${sessionId}`).digest('base64url')}`
}

/** SHA-256 of a token, hex: all that is ever stored of it. */
export function hashToken(token: string): string {
  return hash('sha256', token)
}

/** Whether two hashes are the same, in a time that tells nothing about where they differ. */
export function sameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
