/** Recipients against whom something is held: what was paid and not delivered, what is under dispute, what came back. */
import type { DatabaseSync } from 'node:sqlite'
import type { RecipientRecord } from '../findings.ts'
import type { Page, PageRequest } from '../ledger.ts'
import { cursorAfter, limitOf, readCursor } from '../paging.ts'
import { addRow, emptyRecord } from '../recipient-row.ts'
import { text } from '../rows.ts'

export class Recipients {
  readonly #sql: ReturnType<typeof prepare>

  constructor(db: DatabaseSync) {
    this.#sql = prepare(db)
  }

  /** By host, address and network. @throws PurserError `request_invalid`. */
  page(page: PageRequest): Page<RecipientRecord> {
    const limit = limitOf(page)
    const after = page.cursor === undefined ? '' : readCursor('recipient', page.cursor)
    const found: RecipientRecord[] = []
    for (const row of this.#sql.troubled.iterate(after)) {
      const last = found.at(-1)
      if (last && keyOf(last) === text(row, 'name')) found[found.length - 1] = addRow(last, row)
      else if (found.length > limit) break
      else found.push(addRow(emptyRecord(row), row))
    }
    const items = found.slice(0, limit)
    const last = items.at(-1)
    return { items, next: found.length > limit && last ? cursorAfter('recipient', keyOf(last)) : null }
  }
}

/** No host, network or address has a line break. */
function keyOf({ host, payTo, network }: Pick<RecipientRecord, 'host' | 'payTo' | 'network'>): string {
  return [host, payTo.toLowerCase(), network].join('\n')
}

/** Sums are made of wholes and rests, because a sum of millionths may not fit into 64 bits. */
function prepare(db: DatabaseSync) {
  const sums = (name: string, value: string) => `sum((${value}) / 1000000) AS ${name}_whole, sum((${value}) % 1000000) AS ${name}_rest`
  return {
    troubled: db.prepare(`
      WITH troubled (seq) AS (
        SELECT seq FROM payments INDEXED BY payments_owed WHERE state = 'settled' AND delivered = 0 AND dispute IS NULL
        UNION SELECT seq FROM payments INDEXED BY payments_disputed WHERE dispute IS NOT NULL
        UNION SELECT seq FROM payments INDEXED BY payments_refunded WHERE refunded > 0)
      SELECT host || char(10) || lower(pay_to) || char(10) || network AS name, host, pay_to, network, currency,
        sum(state = 'settled' AND delivered = 0) AS undelivered, sum(dispute IS NOT NULL) AS disputes,
        ${sums('disputed', 'iif(dispute IS NULL, 0, CAST(amount AS INTEGER))')}, ${sums('refunded', 'refunded')}
      FROM payments JOIN troubled USING (seq) GROUP BY name, currency HAVING name > ? ORDER BY name, currency`),
  }
}
