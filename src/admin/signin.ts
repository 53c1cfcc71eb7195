/** Signing in to the console with an admin token, and out again. Wrong tokens are told nothing, and noted nowhere. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { refused } from '../errors.ts'
import { MAX_HINT_CHARS } from '../limits.ts'
import { hashToken } from '../session/token.ts'
import { bearer, callerOf } from './authenticate.ts'
import type { AdminDeps } from './deps.ts'
import { type AdminApp, type AdminEnv, allow, body, type Caller, json, PROBLEMS, READERS } from './router.ts'
import { createAttempts } from './signin-attempts.ts'
import type { SignedIn, SignIns } from './signin-book.ts'
import { cookieOf, giveCookie, PAGE_HEADER, refuseForged, takeCookie } from './signin-cookie.ts'
import { isoTime } from './views.ts'

const MeView = z
  .object({
    person: z.string(),
    role: z.enum(['all', 'operator', 'approver', 'auditor']),
    expiresAt: z.iso.datetime().nullable().openapi({ description: 'When the sign-in ends if nobody uses it; null for a bearer token' }),
    version: z.string(),
    mode: z.enum(['open', 'report', 'enforce']),
  })
  .openapi('Me')

const door = createRoute({
  method: 'get',
  path: '/console/door',
  summary: 'How one can sign in to the console; no token needed',
  responses: { 200: json(z.object({ oidc: z.boolean(), oidcName: z.string().nullable(), version: z.string() }), 'The ways in') },
})

const signIn = createRoute({
  method: 'post',
  path: '/console/sign-in',
  summary: 'Sign a browser in with an admin token; the answer sets a cookie',
  request: { body: body(z.strictObject({ token: z.string().trim().min(1).max(MAX_HINT_CHARS) })) },
  responses: { 200: json(MeView, 'Who is signed in'), ...PROBLEMS },
})

const me = createRoute({
  method: 'get',
  path: '/console/me',
  summary: 'Who asks, and for how long',
  ...allow(...READERS),
  responses: { 200: json(MeView, 'Who is signed in'), ...PROBLEMS },
})

const signOut = createRoute({
  method: 'post',
  path: '/console/sign-out',
  summary: 'Sign this browser out; no token needed',
  responses: { 204: { description: 'It is' }, ...PROBLEMS },
})

type SignInDeps = Pick<AdminDeps, 'ledger' | 'adminToken' | 'clock' | 'policy' | 'people' | 'console'> & { readonly signIns: SignIns }

export function registerSignIn(app: AdminApp, deps: SignInDeps): void {
  const { signIns, people, console: page } = deps
  const jar = { secure: people.secureCookies }
  const version = page?.version ?? ''
  const view = (caller: Caller, signedIn: SignedIn | undefined) => ({
    ...{ person: caller.person, role: caller.role, version, mode: deps.policy().mode },
    expiresAt: signedIn ? isoTime(signedIn.expiresAt) : null,
  })
  const enter = gate(deps)
  app.openapi(door, (context) => context.json({ oidc: page?.oidc !== undefined, oidcName: page?.oidc?.name ?? null, version }, 200))
  app.openapi(signIn, async (context) => {
    refuseForged(context)
    const { caller, secret, proof, signedIn } = await enter(context, context.req.valid('json').token)
    giveCookie(context, secret, jar)
    context.header(PAGE_HEADER, proof)
    return context.json(view(caller, signedIn), 200)
  })
  app.use('/console/me', bearer(deps))
  app.openapi(me, (context) => {
    const signedIn = context.get('signedIn')
    // A page that lost its proof could change nothing: it is asked to sign in again.
    if (signedIn?.isProof(context.req.header(PAGE_HEADER) ?? '') === false)
      throw refused('unauthorized', 'This page does not hold the proof of its sign-in. Sign in again.')
    return context.json(view(context.get('caller'), signedIn), 200)
  })
  app.openapi(signOut, (context) => {
    const secret = cookieOf(context, jar)
    if (secret !== undefined) {
      refuseForged(context)
      signIns.end(secret)
    }
    takeCookie(context, jar)
    return context.body(null, 204)
  })
}

interface Entered {
  readonly caller: Caller
  readonly secret: string
  readonly proof: string
  readonly signedIn: SignedIn | undefined
}

function gate({ ledger, adminToken, clock, signIns, people }: SignInDeps): (context: Context<AdminEnv>, token: string) => Promise<Entered> {
  const known = { ledger, master: hashToken(adminToken) }
  const attempts = createAttempts(clock)
  return async (context, token) => {
    const address = context.env?.incoming?.socket.remoteAddress ?? ''
    attempts.check(address)
    const tokenHash = hashToken(token)
    const caller = await callerOf(tokenHash, known)
    if (!caller) {
      attempts.failed(address)
      throw refused('unauthorized', 'This is no valid admin token.')
    }
    const old = cookieOf(context, { secure: people.secureCookies })
    if (old !== undefined) signIns.end(old)
    const begun = signIns.begin({ kind: 'token', tokenHash })
    return { caller, ...begun, signedIn: signIns.find(begun.secret, { renew: false }) }
  }
}
