/**
 * Who asks: a bearer token, compared by its hash, or a browser that signed in to the console with one. An agent's session
 * token is none of these, so it opens nothing here.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { refused } from '../errors.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { hashToken, sameHash } from '../session/token.ts'
import type { AdminEnv, Caller } from './router.ts'
import type { SignedIn, SignIns } from './signin-book.ts'
import { cookieOf, refuseForged } from './signin-cookie.ts'

export interface Credentials {
  readonly ledger: Pick<Ledger, 'tokenByHash'>
  /** The token of the data folder: all roles. */
  readonly adminToken: string
  /** Absent: no browser is signed in. */
  readonly signIns?: SignIns
  /** Whether browsers reach this listener by https. */
  readonly people: { readonly secureCookies: boolean }
}

/**
 * Lets through whoever has a valid token or sign-in, and notes who it is; everyone else gets the same answer. What is sent
 * with a token is judged by that alone.
 */
export function bearer({ ledger, adminToken, signIns, people }: Credentials): MiddlewareHandler<AdminEnv> {
  const known = { ledger, master: hashToken(adminToken) }
  return async (context, next) => {
    const header = context.req.header('authorization')
    const signedIn = header === undefined ? signedInWith(context, { signIns, people }) : undefined
    const caller = signedIn ? await callerOfSignIn(signedIn, known) : await callerWith(header, known)
    if (!caller) throw refused('unauthorized', 'The request carries no valid admin token.')
    if (signedIn) refuseForged(context, signedIn)
    context.set('caller', caller)
    if (signedIn) context.set('signedIn', signedIn)
    await next()
  }
}

type Held = Pick<Credentials, 'people'> & { readonly signIns: SignIns | undefined }

/** A stream that goes on by itself, and what the page reads while nobody touches it, do not show that somebody is there. */
function signedInWith(context: Context<AdminEnv>, { signIns, people }: Held): SignedIn | undefined {
  const secret = cookieOf(context, { secure: people.secureCookies })
  const isIdle = context.req.path === '/v1/events' || context.req.header('purser-idle') !== undefined
  return secret === undefined ? undefined : signIns?.find(secret, { renew: !isIdle })
}

function callerWith(header: string | undefined, known: Known): Promise<Caller | undefined> {
  const token = /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(header ?? '')?.[1]
  return token === undefined ? Promise.resolve(undefined) : callerOf(hashToken(token), known)
}

/** Its token is looked up each time: revoked, it opens nothing here either. */
async function callerOfSignIn({ holder }: SignedIn, known: Known): Promise<Caller | undefined> {
  return holder.kind === 'person' ? holder.caller : callerOf(holder.tokenHash, known)
}

export interface Known {
  readonly ledger: Pick<Ledger, 'tokenByHash'>
  /** Hash of the token of the data folder. */
  readonly master: string
}

/** Whose token this is, by its hash; undefined for one that opens nothing. */
export async function callerOf(hash: string, { ledger, master }: Known): Promise<Caller | undefined> {
  if (sameHash(hash, master)) return { id: 'admin.token', person: 'admin.token', role: 'all' }
  const token = await ledger.tokenByHash(hash)
  return token && token.revokedAt === null ? { id: token.id, person: token.person ?? token.id, role: token.role } : undefined
}
