/** Budgets of the configuration: durable sessions that others are minted from, and that pay nothing by themselves. */
import { refused } from '../errors.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Session } from '../session/session.ts'
import type { SessionSpec } from '../session/spec.ts'
import type { AdminDeps } from './deps.ts'
import { newSession } from './open-session.ts'

export type BudgetDeps = Pick<AdminDeps, 'clock' | 'ids' | 'tokenSecret' | 'wallet' | 'defaults' | 'assets'> & {
  readonly ledger: Pick<Ledger, 'session' | 'sessionByName' | 'openSession'>
}

/**
 * The session behind a name of the configuration, opened once and never refilled by a restart (rule R10), or behind the id
 * of a session that an operator opened.
 * @throws PurserError `not_found`, and what opening throws
 */
export function createBudgets(budgets: Readonly<Record<string, SessionSpec>>, deps: BudgetDeps): (name: string) => Promise<Session> {
  return async (name) => {
    const spec = Object.hasOwn(budgets, name) ? budgets[name] : undefined
    if (!spec) return known(await deps.ledger.session(name), name)
    const named = `budget:${name}`
    const found = await deps.ledger.sessionByName(named)
    return found ?? open(deps, { spec, named })
  }
}

/** Two processes may open it at the same time: the name is given once, and whoever was later takes that one. */
async function open(deps: BudgetDeps, { spec, named }: { readonly spec: SessionSpec; readonly named: string }): Promise<Session> {
  try {
    return await deps.ledger.openSession({ ...(await newSession(spec, deps)), name: named })
  } catch (cause) {
    const other = await deps.ledger.sessionByName(named)
    if (other) return other
    throw cause
  }
}

function known(session: Session | undefined, name: string): Session {
  if (!session)
    throw refused('not_found', `There is no session ${name} to mint from; the operator of this proxy has to correct identity.issuers.`)
  return session
}
