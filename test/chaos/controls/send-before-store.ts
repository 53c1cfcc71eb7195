/** Control: the payment leaves while its authorization is still on the way to the disk. */
import type { Ledger } from '../../../src/ledger/ledger.ts'
import type { BrokenControl } from '../campaign.ts'
import { withHandles } from './wrapped.ts'

export const sendBeforeStore: BrokenControl = { name: 'send-before-store', breaks: 'I3', ledgerOf: hasty }

function hasty(ledger: Ledger): Ledger {
  return withHandles(ledger, (reservation) => ({
    record: async (authorization) => {
      reservation.record(authorization).catch(() => undefined)
    },
  }))
}
