import { describe, expect, it } from 'vitest'
import { seqIn } from '../../../src/ledger/postgres/receipts.ts'
import { usd } from '../fixtures.ts'
import { tableBench } from './table-bench.ts'

describe('receipts in a working set', () => {
  it('are chained in their session’s row, with an id that says where they stand', async () => {
    const bench = tableBench()
    const session = bench.make.session()
    const request = bench.make.request(session.id, usd(1))
    await bench.write(({ tx, tables, rules }) => {
      tables.sessions.insert(tx, session)
      tables.payments.reserve(tx, request, { buckets: [], entries: [] })
      for (const kind of ['conclusion', 'amendment'] as const) rules.chronicle.append(tx, kind, tables.payments.get(request.paymentId))
    })
    const [first, second] = bench.store.rowsOf('receipts')
    expect([first, second]).toMatchObject([{ number: 1n }, { number: 2n }])
    expect([first, second].map((row) => BigInt(seqIn(String(row?.id))))).toEqual([first?.seq, second?.seq])
    expect(await bench.write(({ tables }) => tables.receipts.head(session.id))).toEqual({ number: 2, hash: second?.hash })
    expect(await bench.write(({ tables }) => tables.receipts.head('ses_none'))).toMatchObject({ number: 0 })
  })

  it.each(['rcp_x', 'rcp-', 'rcp-!', 'rcp-zzzzzzzzzzzz'])('finds no place in %s', (id) => expect(seqIn(id)).toBe(0))
})
