/** All tables of the file, put together. */
import type { DatabaseSync } from 'node:sqlite'
import type { Ids } from '../../clock.ts'
import type { Tables } from '../tables.ts'
import type { ChainSource } from '../verification.ts'
import { AdminKeys } from './admin-keys.ts'
import { Answers } from './answers.ts'
import { ChannelRows } from './channel-rows.ts'
import { Checkpoints } from './checkpoints.ts'
import { Conducts } from './conducts.ts'
import { Dealings } from './dealings.ts'
import { Halts } from './halts.ts'
import { Identity } from './identity.ts'
import { Memory } from './memory.ts'
import { PaymentLists } from './payment-lists.ts'
import { PaymentRows } from './payment-rows.ts'
import { Payments } from './payments.ts'
import { Pending } from './pending.ts'
import { Pins } from './pins.ts'
import { PolicyInForce } from './policy.ts'
import { Prices } from './prices.ts'
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

export interface TablesOptions {
  readonly ids: Ids
  readonly runId: string
  readonly pending?: Pending | undefined
}

/** The tables over an open, migrated database, for this run. */
export function openTables(db: DatabaseSync, { ids, runId, pending = new Pending() }: TablesOptions) {
  const rolling = new Rolling(db, pending)
  const sessions = new Sessions(db, pending)
  const prices = new Prices(db, pending)
  const rows = new PaymentRows({ db, pending, prices })
  const conducts = new Conducts(db, pending)
  const payments = new Payments({ db, runId, rows, conducts, pending })
  const purchases = new Purchases({ db, runId, rows })
  const tables = {
    sessions,
    adminKeys: new AdminKeys(db),
    payments,
    purchases,
    spending: new Spending(db, pending),
    rolling,
    memory: new Memory({ rolling, conducts, prices, dealings: new Dealings(db, pending), pins: new Pins(db, pending) }),
    receipts: new Receipts({ db, ids, pending, heads: sessions }),
    refusalRuns: new RefusalRuns(db),
    refunds: new Refunds(db),
    corrections: new Corrections(db),
    halts: new Halts(db, pending),
    policy: new PolicyInForce(db),
    changes: new Watchers(),
    channels: new ChannelRows(db, (run) => run === runId || purchases.workers.has(run)),
  } satisfies Tables
  return {
    ...tables,
    pending,
    prices,
    lists: new PaymentLists({ db, runId, pending, payments }),
    recipients: new Recipients(db),
    scans: new Scans(db),
    tokens: new Tokens(db),
    summary: new Summary(db),
    answers: new Answers(db),
    checkpoints: new Checkpoints(db),
    identity: new Identity(db, ids),
  }
}

/** Where the chains are, each look through `read`. */
export function chainsIn({ receipts, checkpoints }: SqliteTables, read: <T>(operation: () => T) => T): ChainSource {
  return {
    chainAfter: (id) => read(() => receipts.chainAfter(id)),
    entriesAfter: (id, place) => read(() => receipts.entriesAfter(id, place)),
    head: (id) => read(() => receipts.storedHead(id)),
    checkpointsAfter: (number, limit) => read(() => checkpoints.storedAfter(number, limit)),
    hashAt: (id, number) => read(() => receipts.hashAt(id, number)),
  }
}
