/** Payments of a session whose money is on its way wait for it a little, and are told so where that is not enough. */
import type { Clock, Pause } from '../clock.ts'
import { FUNDING_GLANCE_MS, FUNDING_PATIENCE_MS } from '../funding-limits.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Covered, Funds } from './balance.ts'

export interface FundedCoverOptions {
  readonly funds: Funds
  readonly ledger: Pick<Ledger, 'fundings'>
  readonly clock: Pick<Clock, 'monotonic'>
  readonly pause: Pause
}

/** The same funds; only a refusal for too little money is looked into. */
export function withArrivals({ funds, ledger, clock, pause }: FundedCoverOptions): Funds {
  const patience = new AbortController().signal
  return {
    ...funds,
    async cover(terms) {
      const began = clock.monotonic()
      for (;;) {
        const covered = await funds.cover(terms)
        if (!isShort(covered) || !(await isArriving(ledger, terms.payer))) return covered
        if (clock.monotonic() - began >= FUNDING_PATIENCE_MS) return arriving(covered)
        await pause(FUNDING_GLANCE_MS, patience)
      }
    },
  }
}

type Refused = Extract<Covered, { kind: 'refused' }>

function isShort(covered: Covered): covered is Refused {
  return covered.kind === 'refused' && covered.refusal.code === 'wallet_insufficient'
}

/** Nothing was moved yet, or something is under way. */
async function isArriving({ fundings: journal }: Pick<Ledger, 'fundings'>, payer: string): Promise<boolean> {
  const account = await journal.accountAt(payer)
  if (!account || account.endedAt !== null) return false
  const rows = await journal.fundings(account.sessionId)
  return rows.length === 0 || rows.some(({ kind, state }) => kind !== 'sweep' && (state === 'planned' || state === 'sent'))
}

function arriving({ refusal }: Refused): Covered {
  const detail = `${refusal.detail} The session is being funded: its money is on the way from the treasury. Nothing was paid; repeat the request in a few seconds.`
  return { kind: 'refused', refusal: { ...refusal, detail } }
}
