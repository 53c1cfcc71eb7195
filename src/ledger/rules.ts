/** The rules of a ledger over its tables, put together: the same for every adapter. */
import { Accounts } from './accounts.ts'
import { Budget, type BudgetEvents } from './budget.ts'
import { Channeling } from './channeling.ts'
import { Chronicle, type ChronicleEvents } from './chronicle.ts'
import { Endings } from './endings.ts'
import { Refusals } from './refusals.ts'
import { Reserving } from './reserving.ts'
import { Resolving } from './resolving.ts'
import type { Tables } from './tables.ts'
import { Transitions } from './transitions.ts'

export interface RulesOptions {
  readonly tables: Tables
  /** Names this start of the process: only the run that signed may take back. */
  readonly runId: string
  /** Percent of a cap, rising, at which operators are told. */
  readonly thresholds: readonly number[]
  /** Networks (CAIP-2) whose chain can be asked. */
  readonly confirmable: ReadonlySet<string>
  readonly events: (ChronicleEvents & BudgetEvents) | undefined
}

export interface Rules {
  readonly tables: Tables
  readonly budget: Budget
  readonly chronicle: Chronicle
  readonly endings: Endings
  readonly transitions: Transitions
  readonly resolving: Resolving
  readonly accounts: Accounts
  readonly refusals: Refusals
  readonly reserving: Reserving
  readonly channeling: Channeling
}

export function composeRules({ tables, runId, thresholds, confirmable, events }: RulesOptions): Rules {
  const budget = new Budget({ sessions: tables.sessions, thresholds, events })
  const chronicle = new Chronicle(tables.receipts, events)
  const endings = new Endings({ tables, budget, chronicle, confirmable })
  const transitions = new Transitions({ tables, endings, chronicle, runId })
  const refusals = new Refusals({ tables, budget, chronicle })
  return {
    tables,
    budget,
    chronicle,
    endings,
    transitions,
    refusals,
    resolving: new Resolving({ tables, endings, chronicle }),
    accounts: new Accounts({ tables, budget, transitions }),
    reserving: new Reserving({ tables, budget, chronicle, refusals }),
    channeling: new Channeling({ tables, budget, endings, chronicle, runId }),
  }
}
