/** The way to the OpenID provider and back. What must be remembered meanwhile stands, sealed, in the browser's own cookie. */
import { hkdfSync } from 'node:crypto'
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { EncryptJWT, jwtDecrypt } from 'jose'
import { z } from 'zod'
import { refused } from '../errors.ts'
import { OIDC_TRIP_MS } from '../people-limits.ts'
import type { AdminDeps } from './deps.ts'
import type { Oidc, Trip } from './oidc.ts'
import type { AdminApp, AdminEnv } from './router.ts'
import type { SignIns } from './signin-book.ts'
import { cookieOf, giveCookie } from './signin-cookie.ts'

export const OIDC_CALLBACK = '/console/oidc/callback'
const COOKIE = 'purser-trip'
const TripClaims = z.object({ state: z.string(), nonce: z.string(), verifier: z.string() })

type DoorDeps = Pick<AdminDeps, 'clock' | 'tokenSecret' | 'people' | 'console' | 'events'> & { readonly signIns: SignIns }

/** No routes of the API: browsers are sent here, and sent on. */
export function registerOidc(app: AdminApp, deps: DoorDeps): void {
  const oidc = deps.console?.oidc
  const key = Uint8Array.from(new Uint8Array(hkdfSync('sha256', deps.tokenSecret, '', 'purser oidc trips', 32)))
  app.get('/console/oidc', (context) => depart(context, found(oidc), { ...deps, key }))
  app.get(OIDC_CALLBACK, (context) => arrive(context, found(oidc), { ...deps, key }))
}

function found(oidc: Oidc | undefined): Oidc {
  if (!oidc) throw refused('not_found', 'There is no OpenID provider here; sign in with an admin token.')
  return oidc
}

type Deps = DoorDeps & { readonly key: Uint8Array }

async function depart(context: Context<AdminEnv>, oidc: Oidc, deps: Deps): Promise<Response> {
  try {
    const { url, trip } = await oidc.depart(callbackOf(context, deps))
    setCookie(context, COOKIE, await sealed(trip, deps), tripCookie(deps))
    return context.redirect(url, 302)
  } catch (cause) {
    deps.events.warned('The OpenID provider of the console does not answer.', cause)
    return context.redirect('/#/sign-in?failed=provider', 302)
  }
}

async function arrive(context: Context<AdminEnv>, oidc: Oidc, deps: Deps): Promise<Response> {
  const trip = await opened(getCookie(context, COOKIE), deps)
  deleteCookie(context, COOKIE, tripCookie(deps))
  if (!trip) return context.redirect('/#/sign-in?failed=expired', 302)
  const url = new URL(callbackOf(context, deps))
  url.search = new URL(context.req.url).search
  const arrival = await oidc.arrive(url, trip)
  if (arrival.kind !== 'caller') return context.redirect(`/#/sign-in?failed=${arrival.kind}`, 302)
  const old = cookieOf(context, { secure: deps.people.secureCookies })
  if (old !== undefined) deps.signIns.end(old)
  const { secret, proof } = deps.signIns.begin({ kind: 'person', caller: arrival.caller })
  giveCookie(context, secret, { secure: deps.people.secureCookies })
  // Behind the #, which browsers keep to themselves; the page takes it out of the address.
  return context.redirect(`/#/?proof=${proof}`, 302)
}

/** The provider's page sends the browser back: a stricter cookie would stay behind. */
function tripCookie({ people }: Deps) {
  return { path: OIDC_CALLBACK, httpOnly: true, sameSite: 'Lax', secure: people.secureCookies, maxAge: OIDC_TRIP_MS / 1000 } as const
}

function callbackOf(context: Context<AdminEnv>, deps: Deps): string {
  return new URL(OIDC_CALLBACK, deps.console?.pageUrl ?? context.req.url).href
}

function sealed({ state, nonce, verifier }: Trip, { key, clock }: Deps): Promise<string> {
  return new EncryptJWT({ state, nonce, verifier })
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .setExpirationTime(new Date(clock.now() + OIDC_TRIP_MS))
    .encrypt(key)
}

async function opened(cookie: string | undefined, { key, clock }: Deps): Promise<Trip | undefined> {
  if (cookie === undefined) return undefined
  const options = { currentDate: new Date(clock.now()), keyManagementAlgorithms: ['dir'], requiredClaims: ['exp'] }
  const read = await jwtDecrypt(cookie, key, options).catch(() => undefined)
  return TripClaims.safeParse(read?.payload).data
}
