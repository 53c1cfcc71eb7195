/** Tokens that are signed by their issuer: OIDC, Kubernetes service accounts among them, and SPIFFE JWT-SVIDs. */
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Clock } from '../clock.ts'
import { IDENTITY_SKEW_S } from '../people-limits.ts'
import { type Proof, provenAs, type TokenIssuer, type VerifyToken } from './identity.ts'

export interface JwtOptions {
  readonly issuer: TokenIssuer
  readonly keys: JWTVerifyGetKey
  readonly clock: Clock
}

/**
 * Verifies signature, algorithm, issuer, audience and times. A token may be presented again as long as it lives: what it
 * buys is a session of a bounded budget each time. Rejects where the issuer's keys cannot be had.
 */
export function createJwtVerifier({ issuer, keys, clock }: JwtOptions): VerifyToken {
  const spiffe = issuer.kind === 'spiffe'
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        ...{
          audience: issuer.audience,
          algorithms: [...issuer.algorithms],
          clockTolerance: IDENTITY_SKEW_S,
          currentDate: new Date(clock.now()),
        },
        requiredClaims: spiffe ? ['sub', 'aud', 'exp'] : ['iss', 'sub', 'aud', 'exp'],
        // An SVID names its trust domain in its subject; `iss` is the signer's business.
        ...(spiffe ? {} : { issuer: issuer.issuer }),
      })
      return provenBy(payload, issuer)
    } catch (cause) {
      if (cause instanceof errors.JOSEError) return { why: reasonOf(cause) }
      throw cause
    }
  }
}

function provenBy({ sub = '' }: JWTPayload, { kind, issuer }: TokenIssuer): Proof {
  if (kind === 'spiffe' && !sub.startsWith(`${issuer}/`)) return { why: 'its subject is not in the trust domain' }
  return provenAs(issuer, sub)
}

/** Never with a word of the token. */
function reasonOf(fault: errors.JOSEError): string {
  if (fault instanceof errors.JWTExpired) return 'it has expired'
  if (fault instanceof errors.JWTClaimValidationFailed)
    return `its claim ${/^[a-z]{3}$/.test(fault.claim) ? fault.claim : 'set'} is not what is wanted here`
  if (fault instanceof errors.JWSSignatureVerificationFailed) return 'its signature does not hold'
  if (fault instanceof errors.JOSEAlgNotAllowed) return 'its algorithm is not allowed'
  if (fault instanceof errors.JWKSNoMatchingKey || fault instanceof errors.JWKSMultipleMatchingKeys) return 'its key is not known'
  return 'it cannot be read'
}
