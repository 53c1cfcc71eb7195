/** How rows of sums become what people look at. Pure. */
import { uniformAddress } from '../address.ts'
import type { Activity, Dealt } from './insight.ts'
import type { Page } from './ledger.ts'
import { cursorAfter, readCursor } from './paging.ts'
import { STATES } from './payment-row.ts'
import { int, maybeText, money, type Row, text, word } from './rows.ts'

const ONE = 1_000_000n

/** Sums come as wholes and rests, because millionths may not fit into 64 bits. */
export function readActivity(row: Row, at: number): Activity {
  return {
    ...{ at, tier: text(row, 'tier'), state: word(row, 'state', STATES), code: maybeText(row, 'code') },
    ...{ currency: maybeText(row, 'currency'), count: int(row, 'payments') },
    amount: money(row, 'whole') * ONE + money(row, 'rest'),
  }
}

export function readDealt(row: Row): Dealt {
  const pinned = maybeText(row, 'pinned')
  return {
    ...{ origin: text(row, 'origin'), network: text(row, 'network'), payTo: text(row, 'pay_to') },
    ...{ agents: int(row, 'agents'), lastPaymentId: maybeText(row, 'payment_id') },
    pin: pinned === null ? null : { payTo: pinned, at: int(row, 'pinned_at'), uses: int(row, 'uses') },
  }
}

/** The name behind which a page begins. @throws PurserError `request_invalid`. */
export function dealtAfter(cursor: string | undefined): string {
  return cursor === undefined ? '' : readCursor('dealing', cursor)
}

/** @param rows one more than `limit`, where there are so many */
export function pageOfDealt(rows: readonly Row[], limit: number): Page<Dealt> {
  const last = rows.length > limit ? rows[limit - 1] : undefined
  return { items: rows.slice(0, limit).map(readDealt), next: last ? cursorAfter('dealing', text(last, 'name')) : null }
}

/** No origin, network or address has a line break. */
export function nameOfDealt({ origin, network, payTo }: Pick<Dealt, 'origin' | 'network' | 'payTo'>): string {
  return [origin, network, uniformAddress(payTo)].join('\n')
}
