/** Tokens that the Kubernetes API server is asked about (TokenReview): it also knows which pods are gone. */
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { IDENTITY_REVIEW_LIFETIME_MS, MAX_OPEN_REVIEWS, MAX_WATCHED } from '../people-limits.ts'
import { type Proof, provenAs, type TokenIssuer, type VerifyToken } from './identity.ts'
import { ask } from './outward.ts'

export interface TokenReviewOptions {
  readonly issuer: TokenIssuer & { readonly keys: Extract<TokenIssuer['keys'], { from: 'review' }> }
  readonly clock: Clock
}

const answerSchema = z.looseObject({
  status: z.looseObject({
    authenticated: z.boolean().optional(),
    user: z.looseObject({ username: z.string().optional() }).optional(),
    audiences: z.array(z.string()).optional(),
  }),
})

/** Rejects where the API server gives no answer, or has enough to answer already. What it said of a token is believed for some seconds. */
export function createTokenReview({ issuer, clock }: TokenReviewOptions): VerifyToken {
  const said = new LRUCache<string, { readonly proof: Promise<Proof>; readonly until: number }>({ max: MAX_WATCHED })
  let open = 0
  const bounded = async (token: string): Promise<Proof> => {
    if (open >= MAX_OPEN_REVIEWS) throw new Error(`${open} tokens are being reviewed already`)
    open += 1
    return review(issuer, token).finally(() => {
      open -= 1
    })
  }
  return (token) => {
    const key = createHash('sha256').update(token).digest('hex')
    const known = said.get(key)
    if (known && clock.monotonic() < known.until) return known.proof
    const proof = bounded(token)
    said.set(key, { proof, until: clock.monotonic() + IDENTITY_REVIEW_LIFETIME_MS })
    proof.catch(() => said.delete(key))
    return proof
  }
}

async function review({ issuer, audience, keys }: TokenReviewOptions['issuer'], token: string): Promise<Proof> {
  const question = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences: [audience] } }
  const { status: code, text } = await ask({ ...keys, body: JSON.stringify(question) })
  if (code !== 200 && code !== 201) throw new Error(`the API server answered ${code} to a TokenReview`)
  const { status } = answerSchema.parse(JSON.parse(text))
  if (status.authenticated !== true) return { why: 'the API server does not know it' }
  // A server that knows no audiences answers none: then nobody can say that the token was meant for us.
  if (!status.audiences?.includes(audience)) return { why: 'its claim aud is not what is wanted here' }
  return provenAs(issuer, status.user?.username ?? '')
}
