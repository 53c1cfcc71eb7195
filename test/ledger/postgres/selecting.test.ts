import { describe, expect, it } from 'vitest'
import { GENESIS_HASH } from '../../../src/audit/chain.ts'
import { reservedColumns } from '../../../src/ledger/payment-row.ts'
import * as selecting from '../../../src/ledger/postgres/selecting.ts'
import type { Filter, RowChange } from '../../../src/ledger/postgres/store.ts'
import { columnsOf } from '../../../src/ledger/session-row.ts'
import { PURCHASE_LEASE_MS } from '../../../src/limits.ts'
import { type Session, stateOf } from '../../../src/session/session.ts'
import { countingIds } from '../../clock.ts'
import { connectionTo } from '../../postgres/bench.ts'
import { fixtures, OTHER_PAY_TO, PAY_TO, usd } from '../fixtures.ts'
import { type Database, putting, sharedDatabase } from './server-stage.ts'

const database = sharedDatabase()
const NOW = 1_000_000
const make = fixtures(countingIds(), () => NOW)

/** A payment's row, as if `run` had reserved it, with some columns as they are told. */
function payment(id: string, columns: RowChange['row'] = {}, amount = 1n): RowChange {
  const request = make.request('ses_1', amount, { paymentId: id })
  const reserved = reservedColumns(request, { runId: 'run_1', charges: { buckets: [], entries: [] }, now: NOW })
  return putting('payments', { ...UNCONCLUDED, ...reserved, ...columns })
}

/** Rows that are inserted together have the same columns. */
const UNCONCLUDED = { delivered: 0n, dispute: null, refunded: 0n, check_at: null }

const runs = (here: Database, ...ids: [id: string, ended: number | null][]) =>
  Promise.all(
    ids.map(([id, ended]) =>
      here.connection.sql.unsafe('INSERT INTO runs (id, started_at, heartbeat_at, ended_at) VALUES ($1, 0, 0, $2)', [id, ended]),
    ),
  )

const where = (column: string, is: Filter['is'], ...values: Filter['values']): Filter => ({ columns: [column], is, values })

describe('a selection', () => {
  async function found(...filters: Filter[]) {
    const here = await database()
    const mixed = [
      payment('a'),
      payment('b', { pay_to: OTHER_PAY_TO, host: 'B.example', tool: 't' }),
      payment('c', { state: 'sent', decided_at: 5n }),
    ]
    await here.write(...mixed)
    const selection = { table: 'payments', where: filters, order: { by: ['id'] } } as const
    const rows = await here.ask(selecting.selectStatement(selection, here.types))
    const [count] = await here.ask(selecting.countStatement(selection, here.types))
    expect(count?.count).toBe(BigInt(rows.length))
    return rows.map(({ id }) => id)
  }

  it.each([
    ['all', [], ['a', 'b', 'c']],
    ['equal to one of several', [where('id', '=', 'a', 'c')], ['a', 'c']],
    ['alike, whatever the case', [where('pay_to', 'like', PAY_TO.toUpperCase())], ['a', 'c']],
    ['alike in either of two columns', [{ columns: ['pay_to', 'host'], is: 'like', values: ['b.EXAMPLE'] }], ['b']],
    ['present', [where('tool', 'present')], ['b']],
    ['absent', [where('tool', 'absent')], ['a', 'c']],
    ['a flag', [where('purchase_open', '=', 1n)], ['a', 'b', 'c']],
    ['not a flag', [where('delivered', '=', 1n)], []],
    ['less', [where('decided_at', '<', 6)], ['c']],
    ['more', [where('id', '>', 'a')], ['b', 'c']],
    ['at least', [where('decided_at', '>=', NOW)], ['a', 'b']],
    ['before others together', [{ columns: ['decided_at', 'id'], is: 'before', values: [NOW, 'b'] }], ['a', 'c']],
    ['all of several', [where('decided_at', '>=', NOW), where('tool', 'absent')], ['a']],
    ['a stranger’s text', [where('host', '=', "' OR true --")], []],
  ] satisfies [string, Filter[], string[]][])('finds what is %s', async (_name, filters, ids) => {
    expect(await found(...filters)).toEqual(ids)
  })

  it('is ordered and bounded', async () => {
    const here = await database()
    await here.write(payment('a'), payment('b'), payment('c'))
    const selection = { table: 'payments', where: [], order: { by: ['seq'], falling: true }, limit: 2 } as const
    expect((await here.ask(selecting.selectStatement(selection, here.types))).map(({ id }) => id)).toEqual(['c', 'b'])
  })

  it('of a column that is not there is a mistake', async () => {
    const here = await database()
    expect(() => selecting.selectStatement({ table: 'meta', where: [where('1; --', '=', 'x')] }, here.types)).toThrow('has no column')
  })
})

describe('a claim', () => {
  const claim = { networks: ['eip155:84532'], limit: 10, now: NOW, until: NOW + 60 }
  const ids = async (here: Database, changes: Partial<typeof claim> = {}, runId = 'run_1') =>
    (await here.ask(selecting.claimStatement({ ...claim, ...changes }, runId))).map(({ id }) => id).sort()

  it('takes what is due: unknown ones, and on networks whose chain can be asked expired ones and those settled on a word', async () => {
    const here = await database()
    await runs(here, ['run_1', null])
    const due = { check_at: BigInt(NOW) }
    await here.write(
      payment('unknown', { ...due, state: 'unknown', network: 'other' }),
      payment('expired', { ...due, state: 'expired' }),
      payment('settled', { ...due, state: 'settled' }),
      payment('elsewhere', { ...due, state: 'settled', network: 'other' }),
      payment('later', { state: 'unknown', check_at: BigInt(NOW + 1) }),
      payment('certain', { state: 'settled' }),
    )
    expect(await ids(here)).toEqual(['expired', 'settled', 'unknown'])
  })

  it('is one run’s until it ends by time or with its run', async () => {
    const here = await database()
    await runs(here, ['run_1', null], ['run_2', null])
    await here.write(payment('a', { state: 'unknown', check_at: BigInt(NOW) }))
    expect(await ids(here)).toEqual(['a'])
    expect(await ids(here, {}, 'run_2')).toEqual([])
    expect(await ids(here, { now: NOW + 60, until: NOW + 120 }, 'run_2')).toEqual(['a'])
    await here.connection.sql.unsafe("UPDATE runs SET ended_at = 1 WHERE id = 'run_2'")
    expect(await ids(here, { now: NOW + 61 })).toEqual(['a'])
  })

  it('takes the oldest due first, no more than it may', async () => {
    const here = await database()
    await runs(here, ['run_1', null])
    await here.write(payment('b', { state: 'unknown', check_at: 2n }), payment('a', { state: 'unknown', check_at: 3n }))
    expect(await ids(here, { limit: 1 })).toEqual(['b'])
  })

  it('passes over what another looks at in this moment, and waits for nobody', async () => {
    const here = await database()
    const other = await connectionTo(here.url)
    await runs(here, ['run_1', null])
    await here.write(payment('a', { state: 'unknown', check_at: 2n }), payment('b', { state: 'unknown', check_at: 3n }))
    await other.sql.unsafe("BEGIN; SELECT 1 FROM payments WHERE id = 'a' FOR UPDATE")
    expect(await ids(here)).toEqual(['b'])
    await other.sql.unsafe('ROLLBACK')
    await other.close()
  })
})

describe('kept answers', () => {
  const keep = (here: Database, paymentId: string, bytes: number, expiresAt = NOW + 1) =>
    here.ask(selecting.keepStatement({ paymentId, sealed: new Uint8Array(bytes).fill(7), expiresAt }))
  const kept = async (here: Database) =>
    (await here.ask({ sql: 'SELECT payment_id, bytes, sealed FROM kept_answers ORDER BY seq', values: [] })).map(
      ({ payment_id, bytes }) => [payment_id, bytes],
    )

  it('replace an earlier one of the same payment, and count as the newest then', async () => {
    const here = await database()
    for (const [id, bytes] of [
      ['a', 1],
      ['b', 2],
      ['a', 3],
    ] as const)
      await keep(here, id, bytes)
    // The place of a replaced answer must be a fresh one.
    expect(await kept(here)).toEqual([
      ['b', 2n],
      ['a', 3n],
    ])
  })

  it('are pruned when they have expired, and the oldest beyond the bound', async () => {
    const here = await database()
    await keep(here, 'expired', 1, NOW)
    for (const id of ['oldest', 'older', 'newest']) await keep(here, id, 10)
    await here.ask(selecting.pruneStatement(NOW, 20))
    expect(await kept(here)).toEqual([
      ['older', 10n],
      ['newest', 10n],
    ])
    await here.ask(selecting.pruneStatement(NOW, 19))
    expect(await kept(here)).toEqual([['newest', 10n]])
  })
})

describe('reports', () => {
  it('sum what unresolved payments hold, by currency, also beyond 64 bits', async () => {
    const here = await database()
    const most = 2n ** 63n - 1n
    await here.write(
      ...['reserved', 'signed', 'sent', 'unknown'].map((state, index) => payment(`p${index}`, { state }, index < 2 ? most : 3n)),
      ...['settled', 'void', 'expired', 'denied'].map((state, index) => payment(`q${index}`, { state }, most)),
      payment('euro', { currency: 'EUR' }, 2_000_001n),
    )
    const sums = (await here.ask(selecting.EXPOSURE)).map(({ currency, whole, rest }) => [
      currency,
      BigInt(String(whole)) * 1_000_000n + BigInt(String(rest)),
    ])
    expect(Object.fromEntries(sums)).toEqual({ USD: 2n * most + 6n, EUR: 2_000_001n })
  })

  it('count sessions by the state that they are in, as stateOf tells it', async () => {
    const here = await database()
    const states: Partial<Session>[] = [
      {},
      { spent: usd(25) },
      { spent: usd(24), held: usd(1) },
      { status: 'revoked', held: usd(1) },
      { status: 'closed' },
      { status: 'closed', held: usd(1) },
      { expiresAt: NOW },
      { expiresAt: NOW, held: usd(1) },
      { cap: 0n },
    ]
    const sessions = states.map((changes) => ({ opened: make.session(), changes }))
    await here.write(
      ...sessions.map(({ opened, changes: { spent = 0n, held = 0n, status = 'open', cap, expiresAt } }) =>
        putting('sessions', {
          ...columnsOf({ ...opened, ...(cap !== undefined && { cap }), ...(expiresAt !== undefined && { expiresAt }) }),
          spent,
          held,
          status,
          chain_hash: GENESIS_HASH,
        }),
      ),
      ...sessions.filter(({ changes }) => changes.held).map(({ opened }) => payment(`of ${opened.id}`, { session_id: opened.id })),
    )
    const expected: Record<string, bigint> = {}
    for (const { opened, changes } of sessions) {
      const whole: Session = { ...opened, spent: 0n, held: 0n, payments: 0, status: 'open', refills: 0, ...changes }
      const state = stateOf(whole, NOW)
      expected[state] = (expected[state] ?? 0n) + 1n
    }
    const counted = (await here.ask(selecting.statesStatement(NOW))).map(({ state, sessions: count }) => [state, count])
    expect(Object.fromEntries(counted)).toEqual(expected)
    expect(Object.keys(expected).sort()).toEqual(['closed', 'closing', 'exhausted', 'expired', 'open', 'revoked'])
  })

  it('find what nobody works on any more, and leave what a living run does', async () => {
    const here = await database()
    await runs(here, ['run_1', null], ['run_dead', 5])
    const settled = { state: 'settled' }
    await here.write(
      payment('left', { holder: 'none' }),
      payment('dead', { state: 'signed', holder_run: 'run_dead' }),
      payment('gone', { state: 'sent', holder_run: 'run_gone' }),
      payment('stale', { state: 'sent', lease_until: BigInt(NOW) }),
      payment('owed', { ...settled, holder: 'none' }),
      payment('working'),
      payment('disputed', { ...settled, holder: 'none', dispute: 'settled_not_delivered' }),
      payment('delivered', { ...settled, holder: 'none', delivered: 1n }),
      payment('unknown', { state: 'unknown', holder: 'none' }),
    )
    expect((await here.ask(selecting.unattendedStatement(NOW))).map(({ id }) => id).sort()).toEqual([
      'dead',
      'gone',
      'left',
      'owed',
      'stale',
    ])
    expect(await here.ask(selecting.unattendedStatement(NOW + PURCHASE_LEASE_MS))).toHaveLength(6)
  })

  it('gather by recipient and currency what is held against it, whatever the case of its address', async () => {
    const here = await database()
    const settled = { state: 'settled' }
    await here.write(
      payment('undelivered', { ...settled, pay_to: PAY_TO.toLowerCase() }, usd(1)),
      payment('disputed', { ...settled, delivered: 1n, dispute: 'taken_otherwise' }, usd(2)),
      payment('refunded', { ...settled, delivered: 1n, refunded: usd(3) }, usd(4)),
      payment('fine', { ...settled, delivered: 1n }, usd(9)),
      payment('other', { ...settled, pay_to: OTHER_PAY_TO }, usd(1)),
    )
    const rows = await here.ask(selecting.troubledStatement('', 10))
    expect(rows).toHaveLength(2)
    expect(rows[1]).toMatchObject({ host: 'api.example.com', undelivered: 1n, disputes: 1n, disputed_whole: 2n, refunded_whole: 3n })
    expect(await here.ask(selecting.troubledStatement(String(rows[0]?.name), 10))).toEqual([rows[1]])
    expect(await here.ask(selecting.troubledStatement('', 1))).toEqual([rows[0]])
  })
})

describe('the heads of chains', () => {
  const entry = (seq: bigint, session_id: string, number: bigint) =>
    putting('receipts', {
      session_id,
      number,
      seq,
      id: `r-${seq}`,
      payment_id: 'p',
      agent: 'a',
      kind: 'refusal',
      at: 1n,
      body: '',
      hash: `h${seq}`,
    })

  it('are the last entries among the places that are asked for, the first place excluded', async () => {
    const here = await database()
    await here.write(entry(1n, 'a', 1n), entry(2n, 'b', 1n), entry(3n, 'a', 2n), entry(4n, 'a', 3n))
    const heads = await here.ask(selecting.headsStatement({ from: 1n, upTo: 3n }))
    expect(heads.map(({ session_id, number, hash }) => [session_id, number, hash])).toEqual([
      ['a', 2n, 'h3'],
      ['b', 1n, 'h2'],
    ])
    expect(await here.ask(selecting.NEWEST_RECEIPT)).toEqual([{ seq: 4n }])
  })
})
