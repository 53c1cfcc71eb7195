/** Authorizing ahead: what the policy would say to a payment that is only described. It spends nothing; people may be asked. */

import { randomBytes } from 'node:crypto'
import { createRoute, z } from '@hono/zod-openapi'
import { refused } from '../errors.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { MAX_CAP, MAX_HINT_CHARS, MAX_NAME_CHARS, MAX_PAGE, MAX_TTL_MS } from '../limits.ts'
import { aheadRowName } from '../session/ahead-row.ts'
import type { Trust } from '../session/history.ts'
import { type Session, stateOf } from '../session/session.ts'
import { hashToken } from '../session/token.ts'
import { amount, category, name, network, text, wanted } from '../session/values.ts'
import { isSolanaAddress } from '../solana-address.ts'
import { describedBody, readBody } from './body.ts'
import type { AdminDeps } from './deps.ts'
import { type AdminApp, allow, type Caller, json, PROBLEMS } from './router.ts'

/** A payment that is only described. The amount in millionths of the session's currency. */
export interface Described {
  readonly session: Session
  readonly amount: bigint
  readonly category: string
  /** A host or an address, in lower case; of Solana to the letter. */
  readonly recipient: string
  readonly recipientTrust?: Trust
  readonly justification: string | null
  /** CAIP-2. */
  readonly network: string
  /** The person who asks in the agent’s name. */
  readonly requester?: string
  readonly dryRun?: boolean
}

export interface AuthorizeAnswer {
  /** Empty where none applies. */
  readonly tier: string
  readonly status: 'approved' | 'awaiting_veto' | 'awaiting_approval' | 'blocked' | 'refused'
  /** Null for a dry run. */
  readonly auditId: string | null
  readonly reason: string
  readonly code?: string
  readonly approvalId?: string
  readonly policyVersion: string
}

/** Judges it, writes the attempt down, and asks people where the tier wants them. */
export type Authorize = (described: Described) => Promise<AuthorizeAnswer>

const ADDRESS = /^0x[0-9a-f]{40}$/

/** A host, or a URL of it, or an address, as one text, in lower case where case says nothing: so that the payment that follows is known again. */
export const recipient = z
  .string({ error: wanted('write a host like api.example.com or an address') })
  .trim()
  .min(1)
  .max(MAX_NAME_CHARS)
  .transform((text, context) => {
    if (isSolanaAddress(text)) return text
    const low = text.toLowerCase()
    const host = ADDRESS.test(low) ? low : hostIn(low)
    if (host !== undefined) return host
    context.addIssue('write a host like api.example.com or an address, 0x and 40 hex digits or one of Solana')
    return z.NEVER
  })

function hostIn(low: string): string | undefined {
  const url = /^https?:\/\//.test(low) ? low : `https://${low}`
  if (!URL.canParse(url)) return undefined
  const { hostname, username, search, pathname } = new URL(url)
  const isPlain = username === '' && (url === low || (search === '' && pathname === '/'))
  return isPlain && hostname !== '' ? hostname : undefined
}

const DescribedBody = z.strictObject({
  agent: name,
  sessionId: z.string().min(1).max(MAX_NAME_CHARS).optional(),
  amount,
  category,
  recipient,
  recipientTrust: z.enum(['verified', 'known', 'unknown']).optional(),
  justification: text(MAX_HINT_CHARS).nullable().default(null),
  network: network.optional(),
  dryRun: z.boolean().default(false),
})

const Authorized = z
  .object({
    tier: z.string().openapi({ description: 'Empty where none applies' }),
    status: z.enum(['approved', 'awaiting_veto', 'awaiting_approval', 'blocked', 'refused']),
    auditId: z.string().nullable().openapi({ example: 'aud-2026-06-27-001', description: 'Null for a dry run' }),
    reason: z.string(),
    code: z.string().optional(),
    approvalId: z.string().optional(),
    sessionId: z.string().nullable(),
    policyVersion: z.string(),
  })
  .openapi('Authorized')

const authorize = createRoute({
  method: 'post',
  path: '/v1/authorize',
  summary: 'What the policy says to a payment that is only described; opens the approval that the payment claims, and spends nothing',
  ...allow('operator'),
  request: { body: describedBody(DescribedBody) },
  responses: { 200: json(Authorized, 'The tier, what follows, and why'), ...PROBLEMS },
})

export type AuthorizeDeps = Pick<AdminDeps, 'ledger' | 'clock' | 'ids' | 'defaults' | 'authorize'>

export function registerAuthorize(app: AdminApp, deps: AuthorizeDeps): void {
  app.openapi(authorize, async (context) => {
    const { agent, sessionId, recipientTrust, network: chain, ...asked } = await readBody(context.req, DescribedBody)
    const session = await sessionFor(deps, { agent, sessionId, dryRun: asked.dryRun })
    const [first = ''] = session.networks.length > 0 ? session.networks : deps.defaults.networks
    const described = { ...asked, ...requesterOf(context.get('caller')), session, network: chain ?? first }
    const answer = await deps.authorize({ ...described, ...(recipientTrust && { recipientTrust }) })
    return context.json({ ...answer, sessionId: session.id === '' ? null : session.id }, 200)
  })
}

/** The token of the data folder is nobody’s in particular, so it hinders nobody. */
function requesterOf({ person, role }: Caller): Pick<Described, 'requester'> {
  return role === 'all' ? {} : { requester: person }
}

interface Asker {
  readonly agent: string
  readonly sessionId: string | undefined
  readonly dryRun: boolean
}

/** The session that is named, else the agent's newest open one, else a row that carries the record. */
async function sessionFor(deps: AuthorizeDeps, { agent, sessionId, dryRun }: Asker): Promise<Session> {
  const { ledger, clock } = deps
  if (sessionId === undefined) return (await openSessionOf(agent, deps)) ?? recordRow(agent, { ...deps, dryRun })
  const session = await ledger.session(sessionId)
  if (!session) throw refused('not_found', `There is no session ${sessionId}.`)
  if (session.agent !== agent) throw refused('request_invalid', `agent: session ${sessionId} belongs to ${session.agent}.`)
  const state = stateOf(session, clock.now())
  if (state !== 'open' && state !== 'exhausted') throw refused('conflict', `Session ${sessionId} is ${state}.`)
  return session
}

/** Among the newest sessions: agents that ask ahead have opened theirs a moment ago. */
async function openSessionOf(agent: string, { ledger, clock }: Pick<AuthorizeDeps, 'ledger' | 'clock'>): Promise<Session | undefined> {
  const { items } = await ledger.sessions({ limit: MAX_PAGE })
  return items.find((one) => one.agent === agent && one.name !== aheadRowName(agent, clock.now()) && stateOf(one, clock.now()) === 'open')
}

/**
 * The agent's row for what is asked without a session. It has no network, no asset and a token that nobody knows, so that
 * nothing can ever be paid by it; its cap therefore bounds nothing, and the tiers bound each payment.
 */
async function recordRow(agent: string, deps: AuthorizeDeps & { readonly dryRun: boolean }): Promise<Session> {
  const { ledger, clock, ids, defaults, dryRun } = deps
  const rowName = aheadRowName(agent, clock.now())
  const known = await ledger.sessionByName(rowName)
  if (known && stateOf(known, clock.now()) === 'open') return known
  if (known)
    throw refused('conflict', `Somebody has ended ${known.id}, which carries what ${agent} asks without a session; name a session.`)
  const id = dryRun ? '' : ids('ses')
  const row = {
    ...{ id, name: rowName, tokenHash: hashToken(randomBytes(32).toString('hex')), agent },
    ...{ purpose: 'Asked ahead, without a session; it can pay nothing', currency: defaults.currency, cap: MAX_CAP },
    ...{ createdAt: clock.now(), expiresAt: clock.now() + MAX_TTL_MS, limits: {}, scope: {}, networks: [], assets: [] },
    ...{ wallet: null, owner: defaults.owner, parent: null, singleUse: false, labels: { kind: 'authorize' }, refill: null },
  }
  return dryRun ? { ...row, ...UNUSED } : openRow(ledger, row)
}

/** Of a row that is only looked at. */
const UNUSED = { spent: 0n, held: 0n, payments: 0, status: 'open', refills: 0 } as const

type Row = Parameters<Ledger['openSession']>[0]

/** Two who ask for the agent's first time at once make one row. */
async function openRow(ledger: Pick<Ledger, 'openSession' | 'sessionByName'>, row: Row): Promise<Session> {
  try {
    return await ledger.openSession(row)
  } catch (cause) {
    const made = row.name === null ? undefined : await ledger.sessionByName(row.name)
    if (made) return made
    throw cause
  }
}
