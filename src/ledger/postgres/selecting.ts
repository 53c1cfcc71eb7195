/** Selecting: the statements of reads that no write depends on. */
import { COUNTED_MS } from '../../limits.ts'
import { IS_VOUCHER } from '../charges.ts'
import type { Span } from '../insight.ts'
import { type ColumnTypes, hexOf, parameterOf, quoted, type Statement, typeOf } from './statement.ts'
import type { Claim, DealtWanted, Filter, Selection } from './store.ts'

export function selectStatement({ table, columns, where, order, limit }: Selection, types: ColumnTypes): Statement {
  const { sql, values } = filtered({ table, where }, types)
  const falling = order?.falling ? ' DESC' : ''
  const ordered = order ? ` ORDER BY ${order.by.map((column) => `${quoted(column)}${falling}`).join(', ')}` : ''
  const limited = limit === undefined ? '' : ` LIMIT $${values.length + 1}::bigint`
  return {
    sql: `SELECT ${columns?.map(quoted).join(', ') ?? '*'} FROM ${table}${sql}${ordered}${limited}`,
    values: limit === undefined ? values : [...values, String(limit)],
  }
}

/** One row, `count`. */
export function countStatement(selection: Pick<Selection, 'table' | 'where'>, types: ColumnTypes): Statement {
  const { sql, values } = filtered(selection, types)
  return { sql: `SELECT count(*) AS count FROM ${selection.table}${sql}`, values }
}

function filtered({ table, where }: Pick<Selection, 'table' | 'where'>, types: ColumnTypes): Statement {
  const values: Statement['values'][number][] = []
  const conditions = where.map((filter) => {
    const first = values.length + 1
    values.push(...valuesOf(filter))
    const from = filter.ofPayment ? 'payments' : table
    if (filter.is === 'before') return together(filter, (column) => typeOf(types, from, column), first)
    const any = filter.columns.map((column) => condition(column, filter, { place: first, type: typeOf(types, from, column) })).join(' OR ')
    return filter.ofPayment ? `payment_id IN (SELECT id FROM payments WHERE ${any})` : `(${any})`
  })
  return { sql: conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`, values }
}

function valuesOf({ is, values }: Filter): Statement['values'] {
  if (flagIn({ is, values }) !== undefined) return []
  const texts = values.map(parameterOf)
  if (is === '=') return [texts]
  if (is === 'before') return texts
  if (is === 'like') return [texts.map((text) => text?.toLowerCase() ?? null)]
  return is === 'present' || is === 'absent' ? [] : texts.slice(0, 1)
}

function together({ columns }: Filter, typeOf: (column: string) => string, place: number): string {
  const values = columns.map((column, index) => `$${place + index}::${typeOf(column)}`)
  return `((${columns.map(quoted).join(', ')}) < (${values.join(', ')}))`
}

/** What stands in the statement itself, because no plan takes an index over raised flags for a value that comes later. */
function flagIn({ is, values }: Pick<Filter, 'is' | 'values'>): 0n | 1n | undefined {
  const [only] = values
  return is === '=' && values.length === 1 && (only === 0n || only === 1n) ? only : undefined
}

function condition(column: string, { is, values }: Filter, { place, type }: { readonly place: number; readonly type: string }): string {
  const name = quoted(column)
  const flag = flagIn({ is, values })
  if (flag !== undefined) return `${name} = ${flag}`
  switch (is) {
    case '=':
      return `${name} = ANY ($${place}::${type}[])`
    case 'like':
      return `lower(${name}) = ANY ($${place}::text[])`
    case 'holds':
      return `(${name} IS NOT NULL AND ${name}::jsonb @> $${place}::text::jsonb)`
    case 'present':
      return `${name} IS NOT NULL`
    case 'absent':
      return `${name} IS NULL`
    default:
      return `${name} ${is} $${place}::${type}`
  }
}

const LIVING = '(SELECT r.id FROM runs AS r WHERE r.ended_at IS NULL)'

/**
 * Whoever looks for work skips what another looks at in this moment, so that no two get the same. Materialized, because a
 * plan may otherwise look several times, and lock more than the limit.
 */
export function claimStatement({ networks, limit, now, until }: Claim, runId: string): Statement {
  const sql = `
    WITH due AS MATERIALIZED (
      SELECT id FROM payments
      WHERE check_at <= $3::bigint
        AND (resolver_until IS NULL OR resolver_until <= $3::bigint OR resolver_run NOT IN ${LIVING})
        AND (state = 'unknown' OR (state IN ('settled', 'expired') AND network = ANY ($4::text[])))
      ORDER BY check_at, seq LIMIT $5::bigint FOR UPDATE SKIP LOCKED)
    UPDATE payments AS t SET resolver_run = $1, resolver_until = $2::bigint FROM due WHERE t.id = due.id RETURNING t.*`
  return { sql, values: [runId, String(until), String(now), networks, String(limit)] }
}

export function keepStatement(answer: { readonly paymentId: string; readonly sealed: Uint8Array; readonly expiresAt: number }): Statement {
  const sql = `
    INSERT INTO kept_answers (payment_id, sealed, bytes, expires_at) VALUES ($1, $2::text::bytea, $3::bigint, $4::bigint)
    ON CONFLICT (payment_id) DO UPDATE
    SET sealed = excluded.sealed, bytes = excluded.bytes, expires_at = excluded.expires_at, seq = excluded.seq`
  const { paymentId, sealed, expiresAt } = answer
  return { sql, values: [paymentId, hexOf(sealed), String(sealed.length), String(expiresAt)] }
}

export function pruneStatement(now: number, bytes: number): Statement {
  const sql = `
    DELETE FROM kept_answers WHERE expires_at <= $1::bigint OR seq <= (
      SELECT coalesce(max(seq), 0) FROM (SELECT seq, sum(bytes) OVER (ORDER BY seq DESC) AS kept FROM kept_answers) AS a
      WHERE a.kept > $2::bigint)`
  return { sql, values: [String(now), String(bytes)] }
}

/** Sums are made of wholes and rests, because a sum of millionths may not fit into 64 bits. */
export const EXPOSURE: Statement = {
  sql: `
    SELECT currency, sum(amount::bigint / 1000000)::bigint AS whole, sum(amount::bigint % 1000000)::bigint AS rest
    FROM payments WHERE state IN ('reserved', 'signed', 'sent', 'unknown') AND NOT ${IS_VOUCHER} GROUP BY currency`,
  values: [],
}

/**
 * As `stateOf` tells them apart, from counts: what is closing holds something for an unresolved payment; of those that
 * expire in the present hour, each is looked at.
 */
export function statesStatement(now: number): Statement {
  return { sql: STATES, values: [String(now)] }
}

const STATES = `
WITH RECURSIVE holding (id) AS (
    SELECT session_id FROM payments WHERE state IN ('reserved', 'signed', 'sent', 'unknown') AND NOT ${IS_VOUCHER}
    UNION SELECT s.parent FROM sessions AS s JOIN holding AS h ON s.id = h.id WHERE s.parent IS NOT NULL),
  closing (status, sessions) AS (
    SELECT s.status, count(*) FROM sessions AS s JOIN holding AS h ON s.id = h.id
    WHERE s.status = 'closed' OR (s.status = 'open' AND s.expires_at <= $1::bigint) GROUP BY s.status),
  counted (status, sessions, ended) AS (
    SELECT status, sum(sessions), sum(CASE WHEN hour < $1::bigint / ${COUNTED_MS} THEN sessions ELSE 0 END) FROM session_counts GROUP BY status),
  n AS (SELECT
    (SELECT coalesce(sum(sessions), 0) FROM counted WHERE status = 'open') AS open,
    (SELECT coalesce(sum(ended), 0) FROM counted WHERE status = 'open') + (
      SELECT count(*) FROM sessions WHERE status = 'open'
        AND expires_at >= $1::bigint / ${COUNTED_MS} * ${COUNTED_MS} AND expires_at <= $1::bigint) AS expired,
    (SELECT count(*) FROM sessions WHERE exhausted = 1 AND status = 'open' AND expires_at > $1::bigint) AS exhausted,
    (SELECT coalesce(sum(sessions), 0) FROM counted WHERE status = 'closed') AS closed,
    (SELECT coalesce(sum(sessions), 0) FROM counted WHERE status = 'revoked') AS revoked,
    (SELECT coalesce(sum(sessions), 0) FROM closing WHERE status = 'closed') AS closing,
    (SELECT coalesce(sum(sessions), 0) FROM closing WHERE status = 'open') AS expiring)
SELECT v.state, v.sessions::bigint AS sessions FROM n CROSS JOIN LATERAL (VALUES
  ('open', open - expired - exhausted), ('exhausted', exhausted), ('closing', closing + expiring),
  ('closed', closed - closing), ('expired', expired - expiring), ('revoked', revoked)) AS v(state, sessions)
WHERE v.sessions <> 0`

export function unattendedStatement(now: number): Statement {
  const sql = `
    SELECT id, session_id FROM payments
    WHERE (state IN ('reserved', 'signed', 'sent')
        OR (state = 'settled' AND delivered = 0 AND dispute IS NULL AND refunded < amount::bigint))
      AND (holder = 'none' OR holder_run IS NULL OR lease_until IS NULL OR lease_until <= $1::bigint OR holder_run NOT IN ${LIVING})
    ORDER BY seq`
  return { sql, values: [String(now)] }
}

export function troubledStatement(after: string, limit: number): Statement {
  const sums = (name: string, value: string) =>
    `sum((${value}) / 1000000)::bigint AS ${name}_whole, sum((${value}) % 1000000)::bigint AS ${name}_rest`
  const sql = `
    SELECT name, min(host) AS host, min(pay_to) AS pay_to, min(network) AS network, currency,
      count(*) FILTER (WHERE state = 'settled' AND delivered = 0) AS undelivered,
      count(*) FILTER (WHERE dispute IS NOT NULL) AS disputes,
      ${sums('disputed', 'CASE WHEN dispute IS NULL THEN 0 ELSE amount::bigint END')}, ${sums('refunded', 'refunded')}
    FROM (
      SELECT (host || chr(10) || lower(pay_to) || chr(10) || network) COLLATE "C" AS name, * FROM payments
      WHERE (state = 'settled' AND delivered = 0 AND dispute IS NULL) OR dispute IS NOT NULL OR refunded > 0) AS t
    WHERE name > $1 GROUP BY name, currency ORDER BY name, currency LIMIT $2::bigint`
  return { sql, values: [after, String(limit)] }
}

/** What was refused was priced by strangers, and what a voucher moved was told with its deposit: they count without amount. */
export function activityStatement({ since, until, step_ms }: Span): Statement {
  const moved = `CASE WHEN state = 'denied' OR amount IS NULL OR ${IS_VOUCHER} THEN 0 ELSE amount::bigint END`
  const sql = `
    SELECT decided_at / $3::bigint * $3::bigint AS at, tier, state, code, currency, sum(count)::bigint AS payments,
      sum((${moved}) / 1000000)::bigint AS whole, sum((${moved}) % 1000000)::bigint AS rest
    FROM payments WHERE decided_at >= $1::bigint AND decided_at < $2::bigint
    GROUP BY 1, tier, state, code, currency ORDER BY 1`
  return { sql, values: [String(since), String(until), String(step_ms)] }
}

export function dealingsStatement({ is, name, limit }: DealtWanted): Statement {
  const named = `(origin || chr(10) || network || chr(10) || lower(pay_to)) COLLATE "C" AS name, origin, network, pay_to`
  const sql = `
    WITH met AS (
      SELECT ${named}, agent, last FROM dealings UNION ALL SELECT ${named}, NULL, NULL::bigint FROM pins),
    known AS (
      SELECT name, min(origin) AS origin, min(network) AS network, max(pay_to) AS pay_to, count(DISTINCT agent) AS agents, max(last) AS last
      FROM met WHERE name ${is} $1 GROUP BY name ORDER BY name LIMIT $2::bigint)
    SELECT known.*, payments.id AS payment_id, pins.pay_to AS pinned, pins.at AS pinned_at, pins.uses AS uses
    FROM known LEFT JOIN payments ON payments.seq = known.last
      LEFT JOIN pins ON pins.origin = known.origin AND pins.network = known.network ORDER BY name`
  return { sql, values: [name, String(limit)] }
}

export function pricesStatement({
  key,
  after,
  samples,
}: {
  readonly key: string
  readonly after: number
  readonly samples: number
}): Statement {
  const settled = "FROM payments WHERE price_key = $1 AND state = 'settled' AND reserved_at > $2::bigint ORDER BY reserved_at"
  const sql = `
    (SELECT 0::bigint AS earliest, amount ${settled} DESC LIMIT $3::bigint)
    UNION ALL (SELECT 1::bigint AS earliest, amount ${settled} LIMIT $3::bigint)`
  return { sql, values: [key, String(after), String(samples)] }
}

export function conductStatement({ sessionId, limit }: { readonly sessionId: string; readonly limit: number }): Statement {
  const made =
    "host, categories, reserved_at FROM payments WHERE session_id = $1 AND reserved_at IS NOT NULL AND state <> 'void' ORDER BY reserved_at"
  const sql = `
    (SELECT 0::bigint AS earliest, ${made} DESC LIMIT $2::bigint)
    UNION ALL (SELECT 1::bigint AS earliest, ${made} LIMIT $2::bigint)`
  return { sql, values: [sessionId, String(limit)] }
}

export function headsStatement({ from, upTo }: { readonly from: bigint; readonly upTo: bigint }): Statement {
  const sql = `
    SELECT DISTINCT ON (session_id) session_id, number, hash FROM receipts
    WHERE seq > $1::bigint AND seq <= $2::bigint ORDER BY session_id, number DESC`
  return { sql, values: [String(from), String(upTo)] }
}

/** Holds up every lane for a moment: what draws a place after that draws a later one. */
export const WAIT_FOR_LANES: Statement = { sql: 'SELECT 1 AS waited FROM lanes ORDER BY run_id, lane FOR SHARE', values: [] }
export const NEWEST_RECEIPT: Statement = { sql: 'SELECT coalesce(max(seq), 0) AS seq FROM receipts', values: [] }
