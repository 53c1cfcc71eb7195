/** Signing in to the console with an OpenID provider. Null: with tokens alone. */
import { z } from 'zod'
import { MAX_OIDC_ROLES } from '../people-limits.ts'
import { oneOf } from '../policy/tiers.ts'
import { name, section, wanted } from '../session/values.ts'
import type { Environment } from './environment.ts'
import { secret, webUrl } from './places.ts'
import { resolveSecret, type SecretRef } from './secrets.ts'

export interface OidcConfig {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: SecretRef
  /** In order: the first that fits counts. Who fits none has no role. */
  readonly roles: readonly {
    readonly claim: string
    readonly value: string
    readonly role: 'operator' | 'approver' | 'auditor'
    readonly person?: string
  }[]
}

/** What a provider vouches for must not be changed on the way. */
const issuer = webUrl.refine((text) => !URL.canParse(text) || new URL(text).protocol === 'https:', { error: 'write https://' })

/** A token that is nobody's speaks under its own name: nobody else may. */
const person = name.refine((id) => !/^(tok_.*|admin\.token)$/i.test(id), { error: 'this is the name of a token' })

/** @param folder the folder that relative paths start from */
export function oidcSchema(folder: string) {
  const rule = section({ claim: name, value: name, role: oneOf('operator', 'approver', 'auditor'), person: person.exactOptional() })
  const roles = z
    .array(rule, { error: wanted('write a list') })
    .min(1, { error: 'gives nobody a role: write at least one' })
    .max(MAX_OIDC_ROLES, { error: `at most ${MAX_OIDC_ROLES} entries` })
  return section({ issuer, clientId: name, clientSecret: secret(folder), roles }).nullable()
}

/** The provider's settings with the secret itself; undefined where there is none. @throws SecretError */
export async function resolveOidc(oidc: OidcConfig | null, env: Environment) {
  return oidc ? { ...oidc, clientSecret: await resolveSecret(oidc.clientSecret, env) } : undefined
}
