/** An issuer of tokens for tests: real keys, real signatures, and a server on loopback that tells its keys or reviews tokens. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { onTestFinished } from 'vitest'
import type { TokenIssuer } from '../../src/identity/identity.ts'
import type { TestClock } from '../clock.ts'

export const ISSUER = 'https://issuer.example'
export const SUBJECT = 'system:serviceaccount:research:planner'

/** What is undefined is left out. */
type Claims = Readonly<Record<string, unknown>>

function payloadOf(claims: Claims): JWTPayload {
  return JSON.parse(JSON.stringify(claims))
}

export interface Key {
  readonly kid: string
  readonly jwk: JWK
  sign(claims: Claims, head?: Record<string, string>): Promise<string>
}

export async function newKey(kid: string, alg = 'ES256'): Promise<Key> {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  return {
    kid,
    jwk,
    sign: (claims, head = {}) => new SignJWT(payloadOf(claims)).setProtectedHeader({ alg, kid, ...head }).sign(privateKey),
  }
}

/** What a service account's token says, an hour long. */
export function claimsAt(clock: TestClock, changes: Claims = {}): Claims {
  const now = Math.floor(clock.now() / 1000)
  return { iss: ISSUER, sub: SUBJECT, aud: 'purser', iat: now, exp: now + 3_600, ...changes }
}

export function issuerOf(keys: TokenIssuer['keys'], changes: Partial<TokenIssuer> = {}): TokenIssuer {
  return { kind: 'oidc', issuer: ISSUER, audience: 'purser', algorithms: ['ES256', 'EdDSA'], keys, ...changes }
}

export interface Heard {
  readonly url: string
  readonly authorization: string | undefined
  readonly body: string
}

/** Answers as it is told until the test is over, and tells what it was asked. */
export async function serve(answer: (heard: Heard) => { status: number; body: unknown }): Promise<{ url: string; heard: Heard[] }> {
  const heard: Heard[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(Buffer.from(chunk))
    const one = { url: request.url ?? '', authorization: request.headers.authorization, body: Buffer.concat(chunks).toString() }
    heard.push(one)
    const { status, body } = answer(one)
    response.writeHead(status, { 'content-type': 'application/json' }).end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/keys`, heard }
}
