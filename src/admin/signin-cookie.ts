/** The cookie of the console, and the proof that a call made with it comes from the console's own page. */
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { refused } from '../errors.ts'
import type { AdminEnv } from './router.ts'
import type { SignedIn } from './signin-book.ts'

/** With https the browser itself sees to it that no other host or path sets this cookie. */
const SECURE = '__Host-purser'
const PLAIN = 'purser'

export interface Jar {
  /** Whether browsers reach this listener by https. */
  readonly secure: boolean
}

/** Sent by the page with every call: `1`, or the proof of its sign-in. The answer to a sign-in brings the proof in it. */
export const PAGE_HEADER = 'purser-console'

/** The secret that the browser sent, whatever it is worth. With https the plain cookie, which other hosts can set, is none. */
export function cookieOf(context: Context<AdminEnv>, { secure }: Jar): string | undefined {
  return getCookie(context, secure ? SECURE : PLAIN)
}

export function giveCookie(context: Context<AdminEnv>, secret: string, { secure }: Jar): void {
  setCookie(context, secure ? SECURE : PLAIN, secret, { path: '/', httpOnly: true, sameSite: 'Strict', secure })
}

export function takeCookie(context: Context<AdminEnv>, { secure }: Jar): void {
  deleteCookie(context, secure ? SECURE : PLAIN, { path: '/', secure })
}

/**
 * A browser sends its cookie with whatever a page makes it ask. Only a script of our own page can send this header, and
 * only a page of this origin gives this origin; pages of other sites have been turned away at the door already. Who has
 * the cookie without being a browser can write both, but does not know the proof of the sign-in.
 * @throws PurserError `forbidden`
 */
export function refuseForged(context: Context<AdminEnv>, signedIn?: SignedIn): void {
  const { method } = context.req
  if (method === 'GET' || method === 'HEAD') return
  const ownPage = context.req.header('sec-fetch-site') === 'same-origin' || context.req.header('origin') !== undefined
  const proof = context.req.header(PAGE_HEADER)
  if (!ownPage || !proof || signedIn?.isProof(proof) === false) {
    throw refused('forbidden', 'With the console’s cookie only the console’s own page may change anything.')
  }
}
