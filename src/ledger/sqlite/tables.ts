/** All tables of the file, put together. */
import type { DatabaseSync } from 'node:sqlite'
import type { Ids } from '../../clock.ts'
import type { Tables } from '../tables.ts'
import { AdminKeys } from './admin-keys.ts'
import { Answers } from './answers.ts'
import { Checkpoints } from './checkpoints.ts'
import { Halts } from './halts.ts'
import { Identity } from './identity.ts'
import { Memory } from './memory.ts'
import { PaymentLists } from './payment-lists.ts'
import { Payments } from './payments.ts'
import { PolicyInForce } from './policy.ts'
import { Purchases } from './purchases.ts'
import { Receipts } from './receipts.ts'
import { Recipients } from './recipients.ts'
import { Corrections, Refunds } from './refunds.ts'
import { RefusalRuns } from './refusal-runs.ts'
import { Rolling } from './rolling.ts'
import { Scans } from './scans.ts'
import { Sessions } from './sessions.ts'
import { Spending } from './spending.ts'
import { Tokens } from './tokens.ts'
import { Summary } from './totals.ts'
import { Watchers } from './watchers.ts'

export type SqliteTables = ReturnType<typeof openTables>

/** The tables over an open, migrated database, for this run. */
export function openTables(db: DatabaseSync, { ids, runId }: { readonly ids: Ids; readonly runId: string }) {
  const rolling = new Rolling(db)
  const tables = {
    sessions: new Sessions(db),
    adminKeys: new AdminKeys(db),
    payments: new Payments(db, runId),
    purchases: new Purchases(db, runId),
    spending: new Spending(db),
    rolling,
    memory: new Memory(db, rolling),
    receipts: new Receipts(db, ids),
    refusalRuns: new RefusalRuns(db),
    refunds: new Refunds(db),
    corrections: new Corrections(db),
    halts: new Halts(db),
    policy: new PolicyInForce(db),
    changes: new Watchers(),
  } satisfies Tables
  return {
    ...tables,
    lists: new PaymentLists(db, runId),
    recipients: new Recipients(db),
    scans: new Scans(db),
    tokens: new Tokens(db),
    summary: new Summary(db),
    answers: new Answers(db),
    checkpoints: new Checkpoints(db),
    identity: new Identity(db, ids),
  }
}
