import { describe, expect, it } from 'vitest'
import type { ReceiptFilter } from '../../../src/audit/receipt.ts'
import { openTables } from '../../../src/ledger/sqlite/tables.ts'
import { type ChainSource, verifyStored } from '../../../src/ledger/verification.ts'
import { countingIds } from '../../clock.ts'
import { type Workbench, workbench } from './workbench.ts'

function written() {
  const bench = workbench()
  const { receipts } = bench.tables
  const open = () => bench.write((tx) => bench.accounts.open(tx, bench.make.session())).id
  const refuse = (sessionId: string, url: string) => {
    const attempt = bench.make.attempt(sessionId, { url })
    bench.write((tx) => bench.refusals.write(tx, { attempt, refusal: { code: 'vetoed', detail: 'no' }, paymentId: bench.ids('pay') }))
  }
  const [one, two] = [open(), open()]
  for (const url of ['a', 'b', 'c']) for (const id of [one, two]) refuse(id, url)
  const list = (session: string) => [...receipts.page({ session }, { limit: 10 }).items].reverse()
  return { bench, receipts, one, two, list }
}

function source({ tables: { receipts, checkpoints } }: Workbench): ChainSource {
  return {
    chainAfter: (id) => receipts.chainAfter(id),
    entriesAfter: (id, place) => receipts.entriesAfter(id, place),
    head: (id) => receipts.storedHead(id),
    hashAt: (id, number) => receipts.hashAt(id, number),
    checkpointsAfter: (number, limit) => checkpoints.storedAfter(number, limit),
  }
}

const FILTERS: readonly ReceiptFilter[] = [
  { session: 's' },
  { session: 's', agent: 'a' },
  { payment: 'p' },
  { agent: 'a' },
  { agent: 'a', kind: 'conclusion' },
  { kind: 'refusal' },
  { tool: 't' },
  { tier: 't' },
  { recipient: 'r' },
  { trace: 't' },
  { since: 1 },
  { agent: 'a', until: 1 },
]

describe('receipts', () => {
  it.each(FILTERS)('by %j are found without looking at those of others', (filter) => {
    const { db } = workbench()
    const asked: string[] = []
    const spied = new Proxy(db, {
      get(target, name) {
        if (name !== 'prepare') return Reflect.get(target, name)
        return (sql: string) => {
          asked.push(sql)
          return target.prepare(sql)
        }
      },
    })
    const { receipts } = openTables(spied, { ids: countingIds(), runId: 'run_1' })
    asked.length = 0
    expect(receipts.page(filter, { limit: 10 }).items).toEqual([])
    const [page = '', ...counts] = asked.toReversed()
    const [plan] = db.prepare(`EXPLAIN QUERY PLAN ${page}`).all()
    expect(plan?.detail).toMatch(/^(SEARCH receipts USING INDEX|SCAN receipts USING INDEX receipts_refused)/)
    for (const { detail } of counts.flatMap((sql) => db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all())) {
      expect(detail).toMatch(/^(CO-ROUTINE|SCAN \(subquery|SEARCH (receipts|payments) USING (COVERING )?INDEX)/)
    }
  })

  it('advance the head in the session’s row', () => {
    const { receipts, one, list } = written()
    const last = list(one).at(-1)
    expect(receipts.head(one)).toEqual({ number: 3, hash: last?.hash })
  })

  it('are told of only once they are durable', () => {
    const { bench } = written()
    expect(bench.told.filter((word) => word === 'receipt')).toHaveLength(6)
  })

  it('are found by an id that carries their place, and by no other', () => {
    const { receipts, two, list } = written()
    const [first] = list(two)
    expect(first?.id).toMatch(/^rcp_.*-2$/)
    expect(receipts.find(first?.id ?? '')).toEqual(first)
    for (const id of ['rcp_forged-2', 'rcp_1', '', `${first?.id}0`]) expect(receipts.find(id)).toBeUndefined()
  })

  it.each([
    ['a body', `UPDATE receipts SET body = replace(body, '"denied"', '"settled"') WHERE number = 2`],
    ['a hash', `UPDATE receipts SET hash = '${'0'.repeat(64)}' WHERE number = 2`],
    ['a number', 'UPDATE receipts SET number = 9 WHERE number = 2'],
    ['the text’s form', `UPDATE receipts SET body = 'x' WHERE number = 2`],
    ['a deletion', 'DELETE FROM receipts WHERE number = 2'],
    ['a cut end', 'DELETE FROM receipts WHERE number = 3'],
    ['a cut end of everything', 'DELETE FROM receipts'],
    ['a head', `UPDATE sessions SET chain_hash = '${'0'.repeat(64)}'`],
    ['a head set back with its entry', 'DELETE FROM receipts WHERE number = 3; UPDATE sessions SET chain_number = 2'],
    ['a swap', `UPDATE receipts SET number = -number; UPDATE receipts SET number = CASE number WHEN -1 THEN 2 WHEN -2 THEN 1 ELSE 3 END`],
    [
      'an entry of another session',
      'UPDATE receipts SET session_id = (SELECT max(id) FROM sessions), number = number + 3 WHERE session_id = (SELECT min(id) FROM sessions)',
    ],
  ])('show that the store was changed: %s', async (_, sql) => {
    const { bench } = written()
    expect(await verifyStored(source(bench))).toMatchObject({ ok: true, count: 6, chains: 2, brokenAt: null })
    bench.db.exec(sql)
    const verdict = await verifyStored(source(bench))
    expect(verdict).toMatchObject({ ok: false, brokenAt: { why: expect.any(String) } })
  })

  it('are missed where their session was taken away with them', async () => {
    const { bench, one } = written()
    bench.db.exec('PRAGMA foreign_keys = OFF')
    bench.db.prepare('DELETE FROM sessions WHERE id = ?').run(one)
    expect(await verifyStored(source(bench))).toMatchObject({ ok: false, brokenAt: { sessionId: one } })
  })
})
