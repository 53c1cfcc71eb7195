/** Control: what nobody heard of in time is taken as not paid, and its money is free again. */
import type { Ledger } from '../../../src/ledger/ledger.ts'
import type { BrokenControl } from '../campaign.ts'
import { withHandles } from './wrapped.ts'

export const releaseOnTimeout: BrokenControl = { name: 'release-on-timeout', breaks: 'I3', ledgerOf: freeing }

function freeing(ledger: Ledger): Ledger {
  return withHandles(ledger, (reservation) => ({
    leaveUnknown: async (reason) => {
      await reservation.leaveUnknown(reason)
      await ledger.resolve(reservation.paymentId, { kind: 'dead', evidence: 'confirmed', block: 0n, reason: 'No answer came in time.' })
    },
  }))
}
