/** A small real OpenID provider over https: authorization code with PKCE, RS256 tokens. It checks what real ones check. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { Agent, fetch as fetchWith } from 'undici'
import type { OidcOptions } from '../../src/admin/oidc.ts'
import { makeTestTls } from '../testnet/certificates.ts'

export const CLIENT = { clientId: 'purser', clientSecret: 'canary-client-secret' }

export interface Provider extends AsyncDisposable {
  readonly issuer: string
  /** How somebody asks it who trusts its authority. */
  readonly fetch: NonNullable<OidcOptions['fetch']>
  /** The claims of whoever signs in next. */
  claims: JWTPayload
  /** What it does wrong with the next token. */
  fault: 'nonce' | 'audience' | 'issuer' | 'expired' | 'key' | undefined
  /** What was asked for at the token endpoint, wrong or right. */
  readonly exchanged: URLSearchParams[]
  /** As a person who says yes: where the browser is sent back to. */
  consent(authorizationUrl: string): string
}

interface Grant {
  readonly redirectUri: string
  readonly challenge: string
  readonly nonce: string
}

export async function startProvider(): Promise<Provider> {
  const tls = makeTestTls()
  const keys = await generateKeyPair('RS256')
  const others = await generateKeyPair('RS256')
  const grants = new Map<string, Grant>()
  const exchanged: URLSearchParams[] = []
  const server = createServer({ cert: tls.cert, key: tls.key }, async (request, answer) => {
    const path = new URL(request.url ?? '/', provider.issuer).pathname
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = new URLSearchParams(Buffer.concat(chunks).toString())
    if (path === '/authorize') {
      // What browsers show: somebody is asked there, and says yes.
      const back = provider.consent(new URL(request.url ?? '/', provider.issuer).href).replaceAll('&', '&amp;')
      return void answer.writeHead(200, { 'content-type': 'text/html' }).end(`<a href="${back}">Yes, that is me</a>`)
    }
    const found = path === '/token' ? await exchange(body) : await described(path)
    answer.writeHead(found ? 200 : 400, { 'content-type': 'application/json' }).end(JSON.stringify(found ?? { error: 'invalid_grant' }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port }: AddressInfo = server.address() as AddressInfo
  const dispatcher = new Agent({ connect: { ca: tls.ca } })

  async function described(path: string): Promise<object | undefined> {
    const { issuer } = provider
    if (path === '/jwks') return { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }] }
    if (path !== '/.well-known/openid-configuration') return undefined
    return {
      ...{ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks` },
      ...{ response_types_supported: ['code'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'] },
    }
  }

  async function exchange(body: URLSearchParams): Promise<object | undefined> {
    exchanged.push(body)
    const grant = grants.get(body.get('code') ?? '')
    grants.delete(body.get('code') ?? '')
    const verified = createHash('sha256')
      .update(body.get('code_verifier') ?? '')
      .digest('base64url')
    const right =
      body.get('client_id') === CLIENT.clientId &&
      body.get('client_secret') === CLIENT.clientSecret &&
      grant?.redirectUri === body.get('redirect_uri') &&
      grant?.challenge === verified
    return grant && right
      ? { access_token: randomBytes(8).toString('hex'), token_type: 'Bearer', id_token: await idToken(grant) }
      : undefined
  }

  function idToken({ nonce }: Grant): Promise<string> {
    const { fault, claims, issuer } = provider
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT({ ...claims, nonce: fault === 'nonce' ? 'another' : nonce })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(fault === 'issuer' ? 'https://evil.example' : issuer)
      .setAudience(fault === 'audience' ? 'somebody-else' : CLIENT.clientId)
      .setIssuedAt(fault === 'expired' ? now - 7_200 : now)
      .setExpirationTime(fault === 'expired' ? now - 3_600 : now + 60)
      .sign(fault === 'key' ? others.privateKey : keys.privateKey)
  }

  const provider: Provider = {
    issuer: `https://127.0.0.1:${port}`,
    // The two kinds of fetch differ in their types alone.
    fetch: (url, options) => fetchWith(url, { ...options, dispatcher } as Parameters<typeof fetchWith>[1]) as unknown as Promise<Response>,
    ...{ claims: { sub: 'anna-1' }, fault: undefined, exchanged },
    consent(authorizationUrl) {
      const { searchParams: asked } = new URL(authorizationUrl)
      const [code, redirectUri] = [randomBytes(8).toString('hex'), asked.get('redirect_uri') ?? '']
      if (asked.get('code_challenge_method') !== 'S256' || asked.get('response_type') !== 'code')
        throw new Error('no code with PKCE was asked for')
      grants.set(code, { redirectUri, challenge: asked.get('code_challenge') ?? '', nonce: asked.get('nonce') ?? '' })
      const back = new URL(redirectUri)
      back.search = new URLSearchParams({ code, state: asked.get('state') ?? '' }).toString()
      return back.href
    },
    async [Symbol.asyncDispose]() {
      await dispatcher.close()
      server.closeAllConnections()
      server.close()
    },
  }
  return provider
}
