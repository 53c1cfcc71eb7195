/**
 * Filling: many rows at once, copied from real ones with names and numbers of their own. Nonces are spread over all that
 * there could be, as real ones are, so that what is written next falls anywhere among them; they rise with the rows, so
 * that filling does not take hours. Names of payments stand before all that are given from now on, as names of old ones do.
 */
import { COUNTED_MS } from '../../src/limits.ts'
import type { Bed, Kind } from './ledger-contenders.ts'
import { buy, openSessions, type Payer, rest } from './ledger-load.ts'

/** Rows of one statement; more would keep too much in one transaction. */
const CHUNK = 250_000
/** A payment that was settled and delivered has so many. */
const RECEIPTS_EACH = 2
const AGENTS = 50
/** Their numbers have three digits from `HOSTS` on. */
const HOSTS = 200

export interface Amounts {
  readonly sessions: number
  readonly receipts: number
}

/** A session that was filled in. */
export function bulkSession(n: number): Payer {
  return { sessionId: `ses_bulk_${n}`, agent: `agent-${n % AGENTS}` }
}

/** Has so many sessions and receipts more afterwards; every receipt is of a payment that was settled and delivered. */
export async function fill(bed: Bed, { sessions, receipts }: Amounts): Promise<void> {
  const [template] = await openSessions(bed.ledger, 1)
  if (template === undefined) throw new Error('no session was opened')
  await buy(bed.ledger, template)
  await rest(bed.ledger)
  const count = Math.ceil(receipts / RECEIPTS_EACH)
  const scale = { payments: count, perSession: Math.max(1, Math.ceil(count / sessions)) }
  await bed.bulk(async () => {
    const make = (table: string, rows: number, changes: Changes, where: string) => copies(bed, { table, rows, changes, where, scale })
    await make('sessions', sessions, { ...SESSION, ...(receipts > 0 && CHAIN) }, `id = '${template.sessionId}'`)
    await bed.execute(COUNTS[bed.kind])
    if (receipts > 0) {
      await make('payments', count, PAYMENT, `session_id = '${template.sessionId}'`)
      await make('rolling', count, ROLLING, '1 = 1')
      if (bed.kind === 'postgres') await bed.execute(HEADS)
      await make('receipts', count * RECEIPTS_EACH, RECEIPT, `session_id = '${template.sessionId}' AND number = 1`)
    }
  })
}

type Changes = Readonly<Record<string, string>>

/**
 * What makes each copy its own: `$n` is its number from 0, `$payment` that of its payment, `$session` of its session, `$r`
 * 32 random hex digits, `$place` its place in the table, `$id` and `$nonce` what is spread by the payment's number.
 */
const SESSION: Changes = { id: "'ses_bulk_' || $n", token_hash: "$r || '-' || $n", seq: '$place', agent: `'agent-' || ($n % ${AGENTS})` }
/** As if each session had written the receipts that it gets. */
const CHAIN: Changes = { chain_number: '$perSession * 2' }
const PAYMENT: Changes = {
  ...{ id: '$id', seq: '$place', purchase_id: "'pur_' || $r", nonce: '$nonce', session_id: "'ses_bulk_' || $session" },
  ...{ agent: `'agent-' || ($session % ${AGENTS})`, host: `'api-' || ($n % ${HOSTS}) || '.example.com'` },
  pay_to: `'0x${'a'.repeat(37)}' || (${HOSTS} + $n % ${HOSTS})`,
}
/** The series of each agent in the one tier that there is. */
const ROLLING: Changes = {
  ...{ series: `'uses ["agent-' || ($n % ${AGENTS}) || '","autonomous"]'` },
  ...{ ordinal: `2 + $n / ${AGENTS}`, total: `2 + $n / ${AGENTS}` },
}
/** Only there does a series have a head of its own. */
const HEADS = `DELETE FROM rolling_heads;
INSERT INTO rolling_heads SELECT series, max(ordinal), max(total), max(at) FROM rolling GROUP BY series`
const RECEIPT: Changes = {
  ...{ id: "'rcp_bulk_' || $n", seq: '$place', payment_id: '$id', hash: '$r || $r' },
  ...{ session_id: "'ses_bulk_' || $session", number: `1 + $n - $session * $perSession * ${RECEIPTS_EACH}` },
}

interface Scale {
  readonly payments: number
  /** Payments of each session. */
  readonly perSession: number
}

interface Copying {
  readonly table: string
  readonly where: string
  readonly rows: number
  readonly changes: Changes
  readonly scale: Scale
}

async function copies(bed: Bed, { table, where, rows, changes, scale }: Copying): Promise<void> {
  const columns = await columnsOf(bed, table)
  const names = columns.map((column) => `"${column}"`).join(', ')
  const values = columns.map((column) => columnValue(changes[column] ?? `t."${column}"`, bed.kind, { table, scale })).join(', ')
  for (let from = 0; from < rows; from += CHUNK) {
    const numbers = NUMBERS[bed.kind](from, Math.min(rows, from + CHUNK) - 1)
    const template = `(SELECT * FROM ${table} WHERE ${where} LIMIT 1) AS t`
    await bed.execute(`INSERT INTO ${table} (${names}) SELECT ${values} FROM ${numbers}, ${template}`)
  }
}

/** In the order of bytes. */
const NAMING = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'
const HEX = '0123456789abcdef'

/** The SQL of a column's value, with what stands for numbers and names put in. */
function columnValue(change: string, kind: Kind, { table, scale }: Pick<Copying, 'table' | 'scale'>): string {
  const payment = table === 'receipts' ? `(n.n / ${RECEIPTS_EACH})` : 'n.n'
  const filling = `substr($r || $r, 1, 56)`
  const words: readonly (readonly [string, string])[] = [
    ['$id', `('pay_-' || ${spread(payment, { alphabet: NAMING, bits: 6, digits: 5, of: scale.payments })} || '0123456789abcdefg')`],
    ['$nonce', `('0x' || ${spread('n.n', { alphabet: HEX, bits: 4, digits: 8, of: scale.payments })} || ${filling})`],
    ['$session', `(${payment} / ${scale.perSession})`],
    ['$perSession', String(scale.perSession)],
    ['$place', PLACES[kind](table)],
    ['$r', RANDOM[kind]],
    ['$n', 'n.n'],
  ]
  return words.reduce((sql, [word, value]) => sql.replaceAll(word, value), change)
}

interface Spread {
  /** As many signs as fit into `bits`, rising. */
  readonly alphabet: string
  readonly bits: number
  readonly digits: number
  readonly of: number
}

/** The SQL of a number below `of`, written in `digits` of the alphabet, as a share of all that can be written so. */
export function spread(number: string, { alphabet, bits, digits, of }: Spread): string {
  const step = Math.max(1, Math.floor(2 ** (bits * digits) / Math.max(1, of)))
  const shifts = Array.from({ length: digits }, (_, digit) => bits * (digits - 1 - digit))
  const digit = (shift: number) =>
    `substr('${alphabet}', CAST(1 + ((CAST(${number} AS bigint) * ${step} >> ${shift}) & ${alphabet.length - 1}) AS integer), 1)`
  return `(${shifts.map(digit).join(' || ')})`
}

async function columnsOf({ kind, rows }: Bed, table: string): Promise<readonly string[]> {
  const sql =
    kind === 'sqlite'
      ? `SELECT name FROM pragma_table_info('${table}')`
      : `SELECT column_name AS name FROM information_schema.columns WHERE table_schema = 'purser' AND table_name = '${table}'
          AND is_generated = 'NEVER'`
  return (await rows(sql)).map(({ name }) => String(name))
}

const COUNTED = `SELECT status, expires_at / ${COUNTED_MS} AS hour, count(*) AS sessions FROM sessions GROUP BY 1, 2`
const COUNTS: Record<Kind, string> = {
  sqlite: `DELETE FROM session_counts; INSERT INTO session_counts (status, hour, sessions) ${COUNTED}`,
  postgres: `DELETE FROM session_counts; INSERT INTO session_counts (status, hour, slot, sessions) SELECT status, hour, 0, sessions FROM (${COUNTED}) AS c`,
}

const NUMBERS: Record<Kind, (from: number, upTo: number) => string> = {
  sqlite: (from, upTo) => `(WITH RECURSIVE c(n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM c WHERE n < ${upTo}) SELECT n FROM c) AS n`,
  postgres: (from, upTo) => `generate_series(${from}::bigint, ${upTo}::bigint) AS n(n)`,
}

const RANDOM: Record<Kind, string> = { sqlite: 'lower(hex(randomblob(16)))', postgres: 'md5(random()::text || n.n)' }

const PLACES: Record<Kind, (table: string) => string> = {
  sqlite: () => '1000 + n.n',
  postgres: (table) => `nextval('${table}_seq')`,
}
