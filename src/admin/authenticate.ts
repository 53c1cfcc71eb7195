/** Who asks: a bearer token, compared by its hash. An agent's session token is none of these, so it opens nothing here. */
import type { MiddlewareHandler } from 'hono'
import { refused } from '../errors.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { hashToken, sameHash } from '../session/token.ts'
import type { AdminEnv, Caller } from './router.ts'

export interface Credentials {
  readonly ledger: Pick<Ledger, 'tokenByHash'>
  /** The token of the data folder: all roles. */
  readonly adminToken: string
}

/** Lets through whoever has a valid token, and notes who it is; everyone else gets the same answer. */
export function bearer({ ledger, adminToken }: Credentials): MiddlewareHandler<AdminEnv> {
  const master = hashToken(adminToken)
  return async (context, next) => {
    const token = tokenOf(context.req.header('authorization'))
    const caller = token === undefined ? undefined : await callerOf(hashToken(token), { ledger, master })
    if (!caller) throw refused('unauthorized', 'The request carries no valid admin token.')
    context.set('caller', caller)
    await next()
  }
}

function tokenOf(header: string | undefined): string | undefined {
  return /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(header ?? '')?.[1]
}

interface Known {
  readonly ledger: Pick<Ledger, 'tokenByHash'>
  readonly master: string
}

async function callerOf(hash: string, { ledger, master }: Known): Promise<Caller | undefined> {
  if (sameHash(hash, master)) return { id: 'admin.token', person: 'admin.token', role: 'all' }
  const token = await ledger.tokenByHash(hash)
  return token && token.revokedAt === null ? { id: token.id, person: token.person ?? token.id, role: token.role } : undefined
}
