/**
 * Session tokens as JWTs (EdDSA): whose session it is, what it may spend and until when can be read and verified offline,
 * by the public key alone. A token proves no more than that it was minted here: caps, scope and revocation are the
 * ledger's, which is asked for every request. What the token says about them is how they stood when it was minted.
 */
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import { calculateJwkThumbprint, errors, exportJWK, jwtVerify, SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { MAX_SEEN_TOKENS, MAX_SESSION_TOKEN_CHARS } from '../limits.ts'
import { formatAmount } from '../money.ts'
import type { Session } from './session.ts'

/** In the head, so that a token made for something else with the same key is none of ours (RFC 8725). */
const TYPE = 'purser-session+jwt'
const ISSUER = 'purser'
const AUDIENCE = 'purser-proxy'
const SEED_BYTES = 32
/** PKCS #8 of an Ed25519 seed (RFC 8410). */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

export interface MintOptions {
  /** Milliseconds since 1970. */
  readonly now: number
  /** The token ends this much later, or with its session where that is sooner. */
  readonly ttl_ms?: number
}

/** Of a token that was minted here. */
export interface Vouched {
  readonly sessionId: string
  readonly expired: boolean
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** An Ed25519 key as a JWK (RFC 8037). */
interface PublicKey {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
  readonly kid: string
  readonly use: 'sig'
  readonly alg: 'EdDSA'
}

export interface SessionJwts {
  /** Always the same for the same session and times. */
  mint(session: Session, options: MintOptions): Promise<string>
  /** Undefined for whatever was not minted with this key. */
  verify(token: string, now: number): Promise<Vouched | undefined>
  /** The public key as a JWK set (RFC 7517). */
  readonly keys: { readonly keys: readonly PublicKey[] }
}

const claimsSchema = z.object({ sub: z.string().min(1), exp: z.int() })

interface Seen {
  readonly sessionId: string
  readonly exp_s: number
}

/** @param seed the 32 bytes of an Ed25519 private key. @throws Error where they are not 32. */
export async function createSessionJwts(seed: Uint8Array): Promise<SessionJwts> {
  if (seed.length !== SEED_BYTES) throw new Error(`an Ed25519 seed has ${SEED_BYTES} bytes, not ${seed.length}`)
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key)
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  const seen = new LRUCache<string, Seen>({ max: MAX_SEEN_TOKENS })

  /** A signature that held once holds for ever; only time passes. */
  async function look(token: string): Promise<Seen | undefined> {
    const digest = createHash('sha256').update(token).digest('hex')
    const known = seen.get(digest)
    if (known) return known
    try {
      // Its time is judged apart, so that whoever has a genuine token that is over is told so.
      const checks = { algorithms: ['EdDSA'], issuer: ISSUER, audience: AUDIENCE, typ: TYPE, currentDate: new Date(0) }
      const { payload } = await jwtVerify(token, publicKey, checks)
      const { sub, exp } = claimsSchema.parse(payload)
      const found = { sessionId: sub, exp_s: exp }
      seen.set(digest, found)
      return found
    } catch (cause) {
      if (cause instanceof errors.JOSEError || cause instanceof z.ZodError) return undefined
      throw cause
    }
  }

  return {
    keys: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: jwk.x ?? '', kid, use: 'sig', alg: 'EdDSA' }] },
    async mint(session, options) {
      const claims = (scope: object) =>
        new SignJWT({ ...claimsOf(session, options), ...scope }).setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid }).sign(key)
      const token = await claims({ scope: session.scope })
      // A scope of a thousand hosts fits into no header: its digest says that there is one, and the session's view which.
      return token.length <= MAX_SESSION_TOKEN_CHARS ? token : claims({ scope_digest: digestOf(session.scope) })
    },
    async verify(token, now) {
      if (token.length > MAX_SESSION_TOKEN_CHARS) return undefined
      const found = await look(token)
      if (!found) return undefined
      const expiresAt = found.exp_s * 1000
      return { sessionId: found.sessionId, expired: now >= expiresAt, expiresAt }
    },
  }
}

function claimsOf(session: Session, { now, ttl_ms }: MintOptions) {
  const { id, agent, cap, currency, parent, singleUse, createdAt, expiresAt } = session
  const end = ttl_ms === undefined ? expiresAt : Math.min(expiresAt, now + ttl_ms)
  const begin = ttl_ms === undefined ? createdAt : now
  return {
    ...{ iss: ISSUER, aud: AUDIENCE, sub: id, iat: Math.floor(begin / 1000), exp: Math.floor(end / 1000) },
    ...{ agent, cap: formatAmount(cap), currency },
    ...(parent === null ? {} : { parent }),
    ...(singleUse ? { single_use: true } : {}),
  }
}

function digestOf(scope: Session['scope']): string {
  return createHash('sha256').update(JSON.stringify(scope)).digest('base64url')
}
