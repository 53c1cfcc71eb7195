/** All issuers together: whose token it is, and whether that holds. */
import { decodeJwt } from 'jose'
import type { Clock } from '../clock.ts'
import { MAX_IDENTITY_TOKEN_CHARS } from '../people-limits.ts'
import type { Proof, TokenIssuer, VerifyToken } from './identity.ts'
import { createJwtVerifier } from './jwt.ts'
import { createKeys } from './keys.ts'
import { createTokenReview } from './token-review.ts'

const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

/** Verifies a token against the issuer that it names. Rejects where that issuer cannot be asked. */
export function createVerify(issuers: readonly TokenIssuer[], { clock }: { readonly clock: Clock }): VerifyToken {
  const verifiers = issuers.map((issuer) => ({ issuer, verify: verifierOf(issuer, clock) }))
  return async (token) => {
    const claims = token.length <= MAX_IDENTITY_TOKEN_CHARS && JWT.test(token) ? claimsOf(token) : undefined
    if (!claims) return { why: 'it is no token of three parts, or too long' }
    const found = verifiers.filter(({ issuer }) => isOf(issuer, claims))
    if (found.length === 0) return { why: 'its issuer is not configured here' }
    let last: Proof = { why: 'it cannot be read' }
    // One issuer may be configured for several audiences.
    for (const { verify } of found) {
      last = await verify(token)
      if ('subject' in last) return last
    }
    return last
  }
}

function verifierOf(issuer: TokenIssuer, clock: Clock): VerifyToken {
  const { keys } = issuer
  if (keys.from === 'review') return createTokenReview({ issuer: { ...issuer, keys }, clock })
  return createJwtVerifier({ issuer, keys: createKeys(keys, { clock }), clock })
}

interface Claims {
  readonly iss?: string | undefined
  readonly sub?: string | undefined
}

/** Not believed yet: they only choose who verifies. */
function claimsOf(token: string): Claims | undefined {
  try {
    const { iss, sub } = decodeJwt(token)
    return { ...(typeof iss === 'string' && { iss }), ...(typeof sub === 'string' && { sub }) }
  } catch {
    return undefined
  }
}

function isOf({ kind, issuer }: TokenIssuer, { iss, sub }: Claims): boolean {
  return kind === 'spiffe' ? (sub?.startsWith(`${issuer}/`) ?? false) : iss === issuer
}
