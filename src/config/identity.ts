/** Who may prove what it is, and what it then gets: issuers of workload identities, and the budgets that sessions are minted from. */
import { z } from 'zod'
import { ALGORITHMS, type TokenIssuer } from '../identity/identity.ts'
import type { WorkloadRule } from '../identity/mapping.ts'
import { MAX_HINT_CHARS } from '../limits.ts'
import { MAX_IDENTITY_ISSUERS, MAX_SUBJECT_CHARS, MAX_WORKLOAD_TTL_MS } from '../people-limits.ts'
import { oneOf } from '../policy/tiers.ts'
import { defaultSessionSchema, limitsSchema, type SessionSpec, scopeSchema } from '../session/spec.ts'
import { amount, listOf, mapOf, name, positiveDuration, section, text } from '../session/values.ts'
import { filePath, hookUrl } from './places.ts'

/** The issuer under which client certificates are mapped. */
export const CERTIFICATE = 'certificate'
const MAX_STARS = 4

export interface IdentityConfig {
  readonly issuers: readonly TokenIssuer[]
  readonly rules: readonly WorkloadRule[]
  /** By name. Each is one durable session, opened at the first start and resumed by every later one. */
  readonly budgets: Readonly<Record<string, SessionSpec>>
}

const subject = text(MAX_SUBJECT_CHARS).refine((glob) => glob.split('*').length <= MAX_STARS + 1, { error: `at most ${MAX_STARS} stars` })

const minted = section({
  cap: amount,
  ttl: positiveDuration
    .refine((ttl_ms) => ttl_ms <= MAX_WORKLOAD_TTL_MS, { error: `at most ${MAX_WORKLOAD_TTL_MS / 3_600_000}h: they are short-lived` })
    .prefault('15m'),
  purpose: text(MAX_HINT_CHARS).exactOptional(),
  limits: limitsSchema.exactOptional(),
  scope: scopeSchema.exactOptional(),
  singleUse: z.boolean({ error: 'write true or false' }).exactOptional(),
}).transform(({ ttl, ...terms }) => ({ ...terms, ttl_ms: ttl }))

const agents = z
  .array(section({ subject, agent: name, parent: name, session: minted }), { error: 'write a list' })
  .min(1, { error: 'name at least one: nobody else is let in' })
  .max(1_000, { error: 'at most 1000 entries' })

const trustDomain = z
  .string({ error: 'write a trust domain like spiffe://example.org' })
  .regex(/^spiffe:\/\/[a-z0-9._-]{1,255}$/, { error: 'write a trust domain like spiffe://example.org, without a path' })

function keysOf(folder: string) {
  return {
    jwks: hookUrl.exactOptional(),
    jwksFile: filePath(folder).exactOptional(),
    tokenReview: hookUrl.exactOptional(),
    /** Our own credential where keys or reviews are asked for, as Kubernetes wants it. */
    tokenFile: filePath(folder).exactOptional(),
    caFile: filePath(folder).exactOptional(),
  }
}

const algorithms = listOf(oneOf(...ALGORITHMS))
  .min(1, { error: 'name at least one' })
  .default([...ALGORITHMS])

function tokenIssuer(folder: string) {
  const shared = { audience: text(MAX_HINT_CHARS), algorithms, ...keysOf(folder), agents }
  return z.discriminatedUnion(
    'kind',
    [
      section({ kind: z.literal('kubernetes'), issuer: text(MAX_HINT_CHARS), ...shared }),
      section({ kind: z.literal('oidc'), issuer: text(MAX_HINT_CHARS), ...shared }),
      section({ kind: z.literal('spiffe'), issuer: trustDomain, ...shared }),
      section({ kind: z.literal(CERTIFICATE), agents }),
    ],
    { error: 'kind is kubernetes, oidc, spiffe or certificate' },
  )
}

type Written = z.output<ReturnType<typeof tokenIssuer>>

/** Absent means no: without issuers, sessions are opened by operators and their agents only. */
export function identitySchema(folder: string) {
  return section({
    issuers: z
      .array(tokenIssuer(folder), { error: 'write a list' })
      .max(MAX_IDENTITY_ISSUERS, { error: `at most ${MAX_IDENTITY_ISSUERS} issuers` })
      .default([]),
    budgets: mapOf(name, defaultSessionSchema).default({}),
  })
    .superRefine(({ issuers, budgets }, context) => {
      for (const [at, issuer] of issuers.entries()) {
        for (const message of faultsOf(issuer)) context.addIssue({ code: 'custom', path: ['issuers', at], message })
        for (const [place, { parent }] of issuer.agents.entries()) {
          if (Object.hasOwn(budgets, parent) || parent.startsWith('ses_')) continue
          const message = 'is neither one of identity.budgets nor the id of a session'
          context.addIssue({ code: 'custom', path: ['issuers', at, 'agents', place, 'parent'], message })
        }
      }
    })
    .transform(({ issuers, budgets }): IdentityConfig => ({ issuers: issuers.flatMap(issuerOf), rules: issuers.flatMap(rulesOf), budgets }))
}

function faultsOf(issuer: Written): string[] {
  if (issuer.kind === CERTIFICATE) return []
  const { jwks, jwksFile, tokenReview, tokenFile, kind } = issuer
  const given = [jwks, jwksFile, tokenReview].filter((one) => one !== undefined).length
  return [
    ...(given === 1 ? [] : ['name one of jwks, jwksFile and tokenReview']),
    ...(tokenReview !== undefined && kind !== 'kubernetes' ? ['tokenReview is for kind kubernetes'] : []),
    ...(tokenReview !== undefined && tokenFile === undefined
      ? ['tokenReview needs a tokenFile: our own credential at the API server']
      : []),
  ]
}

function issuerOf(written: Written): TokenIssuer[] {
  if (written.kind === CERTIFICATE) return []
  const { kind, issuer, audience, algorithms: allowed } = written
  return [{ kind: kind === 'spiffe' ? 'spiffe' : 'oidc', issuer, audience, algorithms: allowed, keys: sourceOf(written) }]
}

function sourceOf({ jwks, jwksFile, tokenReview, tokenFile, caFile }: Exclude<Written, { kind: typeof CERTIFICATE }>): TokenIssuer['keys'] {
  const credentials = { ...(tokenFile !== undefined && { tokenFile }), ...(caFile !== undefined && { caFile }) }
  if (jwksFile !== undefined) return { from: 'file', path: jwksFile }
  if (tokenReview !== undefined) return { from: 'review', url: tokenReview, ...credentials, tokenFile: tokenFile ?? '' }
  return { from: 'url', url: jwks ?? '', ...credentials }
}

function rulesOf(written: Written): WorkloadRule[] {
  const issuer = written.kind === CERTIFICATE ? CERTIFICATE : written.issuer
  return written.agents.map((rule) => ({ ...rule, issuer }))
}
