/**
 * Signing in with an OpenID provider: authorization code with PKCE, state and nonce. Who comes back has a role only where
 * the configuration gives one to a claim of theirs; without one they are nobody here.
 */
import * as client from 'openid-client'
import type { Clock } from '../clock.ts'
import type { Fetch } from '../http.ts'
import { MAX_NAME_CHARS } from '../limits.ts'
import { OIDC_DISCOVERY_MS, OIDC_TIMEOUT_S } from '../people-limits.ts'
import type { Caller } from './router.ts'

export interface OidcRole {
  readonly claim: string
  /** The claim, or one of its values where it is a list. */
  readonly value: string
  readonly role: 'operator' | 'approver' | 'auditor'
  /** Whose words theirs are; for people who also have a token, so that both are one voice. */
  readonly person?: string
}

export interface OidcOptions {
  /** The provider's issuer, https. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** In order: the first that fits counts. */
  readonly roles: readonly OidcRole[]
  readonly clock: Clock
  /** How the provider is asked. */
  readonly fetch?: Fetch
}

/** What is remembered of a browser while it is at the provider. Secret. */
export interface Trip {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

/** `role`: they are who they say, and nothing here is for them. `refused`: the provider or what it sent does not hold. */
export type Arrival = { readonly kind: 'caller'; readonly caller: Caller } | { readonly kind: 'refused' | 'role' }

export interface Oidc {
  /** The provider's host, for the button. */
  readonly name: string
  /** @throws where the provider does not answer */
  depart(redirectUri: string): Promise<{ readonly url: string; readonly trip: Trip }>
  /** @param url where the browser was sent back to, with its query */
  arrive(url: URL, trip: Trip): Promise<Arrival>
}

export function createOidc(options: OidcOptions): Oidc {
  const provider = keptProvider(options)
  return {
    name: new URL(options.issuer).host,
    async depart(redirectUri) {
      const trip = { state: client.randomState(), nonce: client.randomNonce(), verifier: client.randomPKCECodeVerifier() }
      const url = client.buildAuthorizationUrl(await provider(), {
        ...{ redirect_uri: redirectUri, scope: 'openid profile email', state: trip.state, nonce: trip.nonce },
        code_challenge: await client.calculatePKCECodeChallenge(trip.verifier),
        code_challenge_method: 'S256',
      })
      return { url: url.href, trip }
    },
    async arrive(url, { state, nonce, verifier }) {
      const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true }
      const tokens = await provider()
        .then((config) => client.authorizationCodeGrant(config, url, checks))
        .catch(() => undefined)
      const claims = tokens?.claims()
      if (!claims) return { kind: 'refused' }
      const caller = callerFrom(claims, options.roles)
      return caller ? { kind: 'caller', caller } : { kind: 'role' }
    },
  }
}

/** What the provider says of itself, asked for when it is needed; a failure is asked for again. */
function keptProvider(options: OidcOptions): () => Promise<client.Configuration> {
  let kept: { readonly config: client.Configuration; readonly until: number } | undefined
  return async () => {
    const { issuer, clientId, clientSecret, clock, fetch } = options
    if (kept && clock.monotonic() < kept.until) return kept.config
    // The signature of what the provider says is checked too, not its connection alone.
    const execute = [client.enableNonRepudiationChecks]
    // Two names of the standard's own type.
    const asking: client.CustomFetch | undefined = fetch && ((url, init) => fetch(url, init as RequestInit))
    const asked = { timeout: OIDC_TIMEOUT_S, execute, ...(asking && { [client.customFetch]: asking }) }
    const config = await client.discovery(new URL(issuer), clientId, undefined, client.ClientSecretPost(clientSecret), asked)
    kept = { config, until: clock.monotonic() + OIDC_DISCOVERY_MS }
    return config
  }
}

type Claims = { readonly sub: string } & Readonly<Record<string, unknown>>

/** Who this is, and by the first rule that fits what they may; undefined where none does. An address that nobody checked fits none. */
export function callerFrom(claims: Claims, roles: readonly OidcRole[]): Caller | undefined {
  const rule = roles.find(({ claim, value }) => valuesOf(claims, claim).includes(value))
  if (!rule || !isName(claims.sub)) return undefined
  const id = `oidc:${claims.sub}`
  return { id, person: rule.person ?? id, role: rule.role }
}

function valuesOf(claims: Claims, claim: string): readonly unknown[] {
  if (claim === 'email' && claims.email_verified !== true) return []
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  return Array.isArray(value) ? value : [value]
}

/** It stands in the records of whoever votes. */
function isName(sub: string): boolean {
  return /^[\x21-\x7e]+$/.test(sub) && sub.length <= MAX_NAME_CHARS
}
