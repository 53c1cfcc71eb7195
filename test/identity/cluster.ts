/**
 * What of a Kubernetes API server workload identity needs: it signs the tokens of service accounts, publishes its keys, and
 * reviews tokens (TokenReview), over TLS and for callers with a credential, as a real one does.
 */
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose'
import { z } from 'zod'
import type { TestTls } from '../testnet/certificates.ts'
import { type Handler, openDoors, readBody } from '../testnet/doors.ts'
import { type Key, newKey } from './issuer.ts'

export interface Cluster extends AsyncDisposable {
  readonly issuer: string
  readonly key: Key
  readonly jwksUrl: string
  readonly reviewUrl: string
  /** Paths that were asked, in order. */
  asked(): readonly string[]
  /** A token of this service account, an hour long, for the audience `purser`; what is undefined is left out. */
  token(serviceAccount: string, changes?: Record<string, unknown>): Promise<string>
  /** From now on reviews know that this account's pods are gone; its tokens stay well signed. */
  remove(serviceAccount: string): void
}

export interface ClusterPlan {
  readonly issuer: string
  readonly alg: 'RS256' | 'ES256'
  readonly tls: TestTls
  /** What callers have to present. */
  readonly credential: string
}

const questionSchema = z.object({
  apiVersion: z.literal('authentication.k8s.io/v1'),
  kind: z.literal('TokenReview'),
  spec: z.object({ token: z.string(), audiences: z.array(z.string()) }),
})

/** `namespace:name` of service accounts, as in `research:planner`. */
export async function startCluster({ issuer, alg, tls, credential }: ClusterPlan): Promise<Cluster> {
  const key = await newKey('cluster-key', alg)
  const gone = new Set<string>()
  const keys = createLocalJWKSet({ keys: [key.jwk] })

  async function review(body: string): Promise<object> {
    const { spec, ...question } = questionSchema.parse(JSON.parse(body))
    const known = await jwtVerify(spec.token, keys, { issuer }).catch(() => undefined)
    const username = known?.payload.sub ?? ''
    const audiences = spec.audiences.filter((one) => audiencesOf(known?.payload).includes(one))
    const authenticated = username !== '' && !gone.has(username) && audiences.length > 0
    const status = authenticated ? { authenticated, user: { username, groups: ['system:serviceaccounts'] }, audiences } : UNKNOWN
    return { ...question, metadata: {}, spec, status }
  }

  const answer: Handler = async (request, response) => {
    const send = (status: number, value: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (request.headers.authorization !== `Bearer ${credential}`) return send(401, { kind: 'Status', code: 401 })
    if (request.url === JWKS) return send(200, { keys: [key.jwk] })
    if (request.url === REVIEWS) return send(201, await review((await readBody(request)).toString()))
    return send(404, { kind: 'Status', code: 404 })
  }
  const doors = await openDoors((request, response) => void answer(request, response), tls)
  return {
    ...{ issuer, key, jwksUrl: `${doors.httpsUrl}${JWKS}`, reviewUrl: `${doors.httpsUrl}${REVIEWS}` },
    asked: () => doors.requests.map(({ target }) => target),
    token: (account, changes = {}) => {
      const now = Math.floor(Date.now() / 1000)
      const sub = subjectOf(account)
      return key.sign({ iss: issuer, sub, aud: ['purser'], iat: now, nbf: now, exp: now + 3_600, ...changes })
    },
    remove: (account) => void gone.add(subjectOf(account)),
    [Symbol.asyncDispose]: () => doors[Symbol.asyncDispose](),
  }
}

const JWKS = '/openid/v1/jwks'
const REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews'
const UNKNOWN = { authenticated: false, user: {}, error: '[invalid bearer token, token is not known here]' }

export const subjectOf = (account: string) => `system:serviceaccount:${account}`

function audiencesOf(payload: JWTPayload | undefined): readonly string[] {
  const { aud = [] } = payload ?? {}
  return typeof aud === 'string' ? [aud] : aud
}
