/**
 * Middleware: the proxy's engine inside a Node program, without a listener. The same ledger, policy, wallet and people; a
 * `fetch` and an undici dispatcher lead to it over connections that never leave the process.
 */
import { z } from 'zod'
import { environment } from '../config/environment.ts'
import { type Config, loadConfig } from '../config/load.ts'
import { readWith } from '../governance/options.ts'
import { defaultSessionSchema, type SessionSpec } from '../session/spec.ts'
import { section } from '../session/values.ts'

/** What the program's agent may spend, as a session is written in a configuration: `{ agent: 'researcher', cap: '5.00', ttl: '1h' }`. */
export type WrittenSession = z.input<typeof defaultSessionSchema>

export interface PaidOptions {
  /** As `loadConfig` gives it. */
  readonly config?: Config
  /** A configuration file; without it and without `config`, PURSER_CONFIG is read. */
  readonly file?: string
  /**
   * The budget of every request: either its terms, one durable session for each agent's name that a restart resumes and
   * never refills, or the token of a session that is open in this ledger.
   */
  readonly session: WrittenSession | { readonly token: string }
}

/** Terms or a token, never both. */
export type Budget = { readonly kind: 'terms'; readonly spec: SessionSpec } | { readonly kind: 'token'; readonly token: string }

export interface Settled {
  readonly config: Config
  readonly budget: Budget
}

const tokenSchema = section({ token: z.string().min(1) })

/** @throws ConfigError, or PurserError `request_invalid` with every problem of the session */
export async function readOptions({ config, file, session }: PaidOptions): Promise<Settled> {
  const budget = readBudget(session)
  return { config: config ?? (await loadConfig({ file, env: environment() })), budget }
}

function readBudget(session: PaidOptions['session']): Budget {
  if ('token' in session) return { kind: 'token', ...readWith(tokenSchema, session) }
  return { kind: 'terms', spec: readWith(defaultSessionSchema, session) }
}
