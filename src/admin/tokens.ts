/** Tokens for people, each with one role. Only their hashes are kept, and only the data folder's token makes them. */
import { createRoute, z } from '@hono/zod-openapi'
import { plain } from '../approval/text.ts'
import { refused } from '../errors.ts'
import type { AdminToken } from '../ledger/administration.ts'
import { MAX_HINT_CHARS, MAX_NAME_CHARS } from '../limits.ts'
import { hashToken } from '../session/token.ts'
import type { AdminDeps } from './deps.ts'
import { listOf } from './pages.ts'
import { type AdminApp, allow, body, IdParam, json, PROBLEMS } from './router.ts'
import { isoTime } from './views.ts'

const TokenView = z
  .object({
    id: z.string(),
    role: z.enum(['all', 'operator', 'approver', 'auditor']),
    person: z.string().nullable().openapi({ description: 'Whose it is: approvals with two tokens of one person count once' }),
    label: z.string(),
    createdAt: z.iso.datetime(),
    revokedAt: z.iso.datetime().nullable(),
  })
  .openapi('Token')
const NewToken = TokenView.extend({ token: z.string() }).openapi('NewToken')
const Wanted = z.strictObject({
  role: z.enum(['operator', 'approver', 'auditor']),
  person: z
    .string()
    .trim()
    .min(1)
    .max(MAX_NAME_CHARS)
    .refine((person) => plain(person, MAX_NAME_CHARS) === person, 'printable characters in one line')
    .refine((person) => !isTokenName(person), 'this is the name of a token')
    .nullable()
    .default(null),
  label: z.string().max(MAX_HINT_CHARS).default(''),
})

/** A token that is nobody's speaks under its own id; a person of that name would be the same voice. */
function isTokenName(person: string): boolean {
  return /^(tok_.*|admin\.token)$/i.test(person)
}

const create = createRoute({
  method: 'post',
  path: '/v1/tokens',
  summary: 'Make a token; it is shown only here',
  ...allow(),
  request: { body: body(Wanted) },
  responses: { 201: json(NewToken, 'The token'), ...PROBLEMS },
})

const list = createRoute({
  method: 'get',
  path: '/v1/tokens',
  summary: 'Tokens that were made, without the secrets',
  ...allow(),
  responses: { 200: json(listOf(TokenView), 'All of them'), ...PROBLEMS },
})

const revoke = createRoute({
  method: 'post',
  path: '/v1/tokens/{id}/revoke',
  summary: 'Make a token worthless, at once and for good',
  ...allow(),
  request: { params: IdParam },
  responses: { 200: json(z.object({ id: z.string(), revoked: z.literal(true) }), 'It opens nothing any more'), ...PROBLEMS },
})

export function registerTokens(app: AdminApp, { ledger, clock, ids }: Pick<AdminDeps, 'ledger' | 'clock' | 'ids'>): void {
  app.openapi(create, async (context) => {
    const made: AdminToken = { id: ids('tok'), ...context.req.valid('json'), createdAt: clock.now(), revokedAt: null }
    const token = ids('pat')
    await ledger.createToken(made, hashToken(token))
    return context.json({ ...tokenView(made), token }, 201)
  })
  app.openapi(list, async (context) => context.json({ items: (await ledger.tokens()).map(tokenView), next: null }, 200))
  app.openapi(revoke, async (context) => {
    const { id } = context.req.valid('param')
    const known = (await ledger.tokens()).some((token) => token.id === id)
    if (!known) throw refused('not_found', `There is no token ${id}.`)
    await ledger.revokeToken(id)
    return context.json({ id, revoked: true as const }, 200)
  })
}

function tokenView({ id, role, person, label, createdAt, revokedAt }: AdminToken): z.infer<typeof TokenView> {
  return { id, role, person, label, createdAt: isoTime(createdAt), revokedAt: revokedAt === null ? null : isoTime(revokedAt) }
}
