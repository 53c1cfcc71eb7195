/** All tables over one working set: what the rules of the ledger see of a transaction. */
import type { Ids } from '../../clock.ts'
import type { Tables } from '../tables.ts'
import { AdminKeys, Corrections, Halts, Refunds, RefusalRuns, Spending } from './books.ts'
import { ChannelRows } from './channel-rows.ts'
import { Memory } from './memory.ts'
import { Payments } from './payments.ts'
import { Purchases } from './purchases.ts'
import { Receipts } from './receipts.ts'
import { Rolling } from './rolling.ts'
import { Sessions, type Terms } from './sessions.ts'
import type { Work } from './transact.ts'

export interface WorkingTables extends Tables {
  readonly halts: Halts
}

export function workingTables({ set, runId, announce }: Work, { terms, ids }: { readonly terms: Terms; readonly ids: Ids }): WorkingTables {
  const rolling = new Rolling(set)
  const halts = new Halts(set)
  return {
    sessions: new Sessions(set, terms),
    adminKeys: new AdminKeys(set),
    payments: new Payments(set, runId),
    purchases: new Purchases(set, runId),
    spending: new Spending(set),
    rolling,
    memory: new Memory(set, rolling),
    receipts: new Receipts(set, ids),
    refusalRuns: new RefusalRuns(set),
    refunds: new Refunds(set),
    corrections: new Corrections(set),
    halts,
    policy: halts,
    changes: { add: (_tx, change) => announce(change) },
    channels: new ChannelRows(set, runId),
  }
}
