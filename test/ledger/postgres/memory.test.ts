import { describe, expect, it } from 'vitest'
import { dealingOf } from '../../../src/ledger/postgres/memory.ts'
import { usd } from '../fixtures.ts'
import { tableBench } from './table-bench.ts'

async function remembered() {
  const bench = tableBench()
  const request = bench.make.request('ses_1', usd(1))
  await bench.write(({ tx, tables }) => tables.payments.reserve(tx, request, { buckets: [], entries: [] }))
  return { bench, request, attempt: request.attempt }
}

describe('memory in a working set', () => {
  it('pins the first recipient, counts its payments, and lets go with the last of them', async () => {
    const { bench, attempt } = await remembered()
    const other = { ...attempt, terms: { ...attempt.terms, payTo: `0x${'9'.repeat(40)}` } }
    const upper = { ...attempt, terms: { ...attempt.terms, payTo: attempt.terms.payTo.toUpperCase().replace('X', 'x') } }
    const { origin, terms } = attempt
    const pinned = () => bench.write(({ tables }) => tables.memory.pinned(origin, terms.network))
    await bench.write(({ tx, tables: { memory } }) => {
      for (const one of [attempt, upper, other]) memory.pin(tx, one)
    })
    expect(await pinned()).toBe(terms.payTo)
    await bench.write(({ tx, tables }) => tables.memory.unpin(tx, other))
    await bench.write(({ tx, tables }) => tables.memory.unpin(tx, attempt))
    expect(await pinned()).toBe(terms.payTo)
    await bench.write(({ tx, tables }) => tables.memory.unpin(tx, upper))
    expect(await pinned()).toBeUndefined()
    await bench.write(({ tx, tables }) => tables.memory.unpin(tx, { origin, terms: null }))
  })

  it('remembers the newest of an agent’s dealings, and forgets it with that payment only', async () => {
    const { bench, request } = await remembered()
    const later = bench.make.request('ses_1', usd(1))
    const [first, second] = await bench.write(({ tx, tables: { payments, memory } }) => {
      payments.reserve(tx, later, { buckets: [], entries: [] })
      const records = [payments.get(request.paymentId), payments.get(later.paymentId)] as const
      for (const record of [records[1], records[0]]) memory.remember(tx, record)
      return records
    })
    expect(bench.store.rowsOf('dealings')).toMatchObject([{ agent: 'researcher', last: second.seq }])
    await bench.write(({ tx, tables }) => tables.memory.forget(tx, first))
    expect(bench.store.rowsOf('dealings')).toHaveLength(1)
    await bench.write(({ tx, tables }) => tables.memory.forget(tx, second))
    expect(bench.store.rowsOf('dealings')).toEqual([])
  })

  it('counts an agent’s payments in a tier', async () => {
    const { bench } = await remembered()
    const bound = { tier: 'autonomous', max: 5, per_ms: 1_000 }
    await bench.write(({ tx, tables }) => tables.rolling.add(tx, { series: 'uses ["researcher","autonomous"]', amount: 1n }))
    const frequency = await bench.write(({ tx, tables }) =>
      tables.memory.frequency({ agent: 'researcher', sessionId: 'ses_1', payTo: '0x1' }, bound, tx.now),
    )
    expect(frequency).toEqual({ count: 1, oldestAt: bench.clock.now() })
  })

  it('knows no dealing without terms', () => {
    expect(dealingOf({ agent: 'a', origin: 'o', terms: null })).toBeUndefined()
  })
})
