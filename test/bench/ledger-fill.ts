/** Filling: many rows at once, copied from real ones with names and numbers of their own. */
import type { Bed, Kind } from './ledger-contenders.ts'
import { openSessions, pay } from './ledger-load.ts'

/** Rows of one statement; more would keep too much in one transaction. */
const CHUNK = 250_000

export interface Amounts {
  readonly sessions: number
  readonly receipts: number
}

/** Has at least so many sessions and receipts afterwards; every receipt has a payment that is settled and delivered. */
export async function fill(bed: Bed, { sessions, receipts }: Amounts): Promise<void> {
  const [template] = await openSessions(bed.ledger, 1)
  if (template === undefined) throw new Error('no session was opened')
  await pay(bed.ledger, template)
  await bed.ledger.session(template)
  await copies(bed, { table: 'sessions', where: `id = '${template}'`, count: sessions, changes: SESSION })
  if (receipts === 0) return
  const [payment] = await bed.rows(`SELECT id FROM payments WHERE session_id = '${template}'`)
  const chains = Math.max(1, Math.min(sessions, receipts))
  const spread = (sql: string) => sql.replaceAll('$chains', String(chains))
  const of = { payments: `id = '${String(payment?.id)}'`, receipts: `session_id = '${template}' AND number = 1` }
  await copies(bed, { table: 'payments', where: of.payments, count: receipts, changes: mapped(PAYMENT, spread) })
  await copies(bed, { table: 'receipts', where: of.receipts, count: receipts, changes: mapped(RECEIPT, spread) })
  await bed.execute('ANALYZE')
}

type Changes = Readonly<Record<string, string>>

/** What makes each copy its own, with `$n` for its number, `$r` for 32 random hex digits and `$place` for its place. */
const SESSION: Changes = { id: "'ses_bulk_' || $n", token_hash: '$r || $r', seq: '$place' }
const PAYMENT: Changes = {
  ...{ id: "'pay_bulk_' || $n", seq: '$place', purchase_id: "'pur_' || $r", fingerprint: '$r || $r', nonce: "'0x' || $r || $r" },
  session_id: "'ses_bulk_' || ($n % $chains)",
}
const RECEIPT: Changes = {
  ...{ id: "'rcp_' || $n || '-' || $place", seq: '$place', payment_id: "'pay_bulk_' || $n", hash: '$r || $r' },
  ...{ session_id: "'ses_bulk_' || ($n % $chains)", number: '1000 + $n / $chains' },
}

function mapped(changes: Changes, change: (sql: string) => string): Changes {
  return Object.fromEntries(Object.entries(changes).map(([column, sql]) => [column, change(sql)]))
}

interface Copying {
  readonly table: string
  readonly where: string
  readonly count: number
  readonly changes: Changes
}

async function copies(bed: Bed, { table, where, count, changes }: Copying): Promise<void> {
  const columns = await columnsOf(bed, table)
  const { random, numbers, place } = DIALECTS[bed.kind](table)
  const value = (column: string) => {
    const change = changes[column]
    return change === undefined ? `t."${column}"` : change.replaceAll('$place', place).replaceAll('$r', random).replaceAll('$n', 'n.n')
  }
  const names = columns.map((column) => `"${column}"`).join(', ')
  for (let from = 0; from < count; from += CHUNK) {
    const upTo = Math.min(count, from + CHUNK) - 1
    const values = columns.map(value).join(', ')
    await bed.execute(
      `INSERT INTO ${table} (${names}) SELECT ${values} FROM ${numbers(from, upTo)}, (SELECT * FROM ${table} WHERE ${where}) AS t`,
    )
  }
}

async function columnsOf({ kind, rows }: Bed, table: string): Promise<readonly string[]> {
  const sql =
    kind === 'sqlite'
      ? `SELECT name FROM pragma_table_info('${table}')`
      : `SELECT column_name AS name FROM information_schema.columns WHERE table_schema = 'purser' AND table_name = '${table}'`
  return (await rows(sql)).map(({ name }) => String(name))
}

interface Dialect {
  readonly random: string
  readonly numbers: (from: number, upTo: number) => string
  readonly place: string
}

const DIALECTS: Record<Kind, (table: string) => Dialect> = {
  sqlite: (table) => ({
    random: 'lower(hex(randomblob(16)))',
    numbers: (from, upTo) =>
      `(WITH RECURSIVE c(n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM c WHERE n < ${upTo}) SELECT n FROM c) AS n`,
    place: `(SELECT max(seq) FROM ${table} AS newest) + 1 + n.n`,
  }),
  postgres: (table) => ({
    random: 'md5(random()::text || n.n)',
    numbers: (from, upTo) => `generate_series(${from}, ${upTo}) AS n(n)`,
    place: `nextval('${table}_seq')`,
  }),
}
