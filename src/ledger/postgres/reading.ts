/** Reading: what the store answers outside of transactions, with its faults in the words of the port. */
import { type PurserError, refused } from '../../errors.ts'
import { type Store, StoreFault } from './store.ts'

export type Reading = Omit<Store, 'runId' | 'lanes' | 'begin' | 'watch' | 'readiness' | typeof Symbol.asyncDispose>

/** The same reads; each rejects with PurserError `ledger_unavailable` where the store cannot answer. */
export function readingFrom(store: Store): Reading {
  return {
    select: (selection) => asked(store.select(selection)),
    count: (selection) => asked(store.count(selection)),
    windows: (keys) => asked(store.windows(keys)),
    claim: (claim) => asked(store.claim(claim)),
    keepAnswer: (answer) => asked(store.keepAnswer(answer)),
    pruneAnswers: (now, bytes) => asked(store.pruneAnswers(now, bytes)),
    exposure: () => asked(store.exposure()),
    states: (now) => asked(store.states(now)),
    unattended: (now) => asked(store.unattended(now)),
    activity: (span) => asked(store.activity(span)),
    dealings: (wanted) => asked(store.dealings(wanted)),
    troubled: (after, limit) => asked(store.troubled(after, limit)),
    prices: (past) => asked(store.prices(past)),
    conduct: (of) => asked(store.conduct(of)),
    heads: (places) => asked(store.heads(places)),
    settledReceipts: () => asked(store.settledReceipts()),
    refresh: () => asked(store.refresh()),
  }
}

async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    throw cause instanceof StoreFault ? unreadable(cause) : cause
  }
}

/** Agents read this: what the store says, with its host, is for the log. */
function unreadable(fault: StoreFault): PurserError {
  return refused('ledger_unavailable', 'The ledger cannot be read now; nothing was paid.', fault)
}
