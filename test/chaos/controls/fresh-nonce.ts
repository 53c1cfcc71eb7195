/** Control: a repeat does not find its first attempt, and is signed anew under another nonce. */
import type { Ledger } from '../../../src/ledger/ledger.ts'
import type { BrokenControl } from '../campaign.ts'
import { wrapped } from './wrapped.ts'

export const freshNonce: BrokenControl = { name: 'fresh-nonce', breaks: 'I2', ledgerOf: forgetting }

function forgetting(ledger: Ledger): Ledger {
  return wrapped(ledger, { resume: async () => ({ kind: 'none' }) })
}
