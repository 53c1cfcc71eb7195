import { describe, expect, it } from 'vitest'
import type { PaymentFilter } from '../../../src/ledger/ledger.ts'
import { openTables } from '../../../src/ledger/sqlite/tables.ts'
import { countingIds } from '../../clock.ts'
import { authorizationFor, PAY_TO, usd } from '../fixtures.ts'
import { workbench } from './workbench.ts'

const FILTERS: readonly PaymentFilter[] = [
  { session: 's' },
  { agent: 'a' },
  { tool: 't' },
  { task: 't' },
  { session: 's', task: 't' },
  { session: 's', tool: 't' },
  { tier: 't' },
  { recipient: PAY_TO },
  { state: 'unknown' },
  { state: 'void' },
  { state: 'expired' },
  { state: 'denied' },
  { disputed: true },
  { since: 1 },
  { agent: 'a', until: 1 },
  { recipient: PAY_TO, since: 1 },
]

describe('lists of payments', () => {
  it.each(FILTERS)('by %j look at no payment that is not in them', (filter) => {
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
    const { lists } = openTables(spied, { ids: countingIds(), runId: 'run_1' })
    asked.length = 0
    lists.page(filter, { limit: 10 })
    const plans = asked.flatMap((sql) => db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all())
    for (const { detail } of plans)
      expect(detail).toMatch(
        /^(CO-ROUTINE|SCAN \(subquery|SEARCH payments USING (COVERING )?INDEX|SCAN payments USING INDEX payments_disputed|USE TEMP B-TREE)/,
      )
    expect(asked.length).toBeGreaterThan(0)
  })

  it('by recipient name each payment once, newest first, though host and address both match', () => {
    const bench = workbench()
    const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
    const ids = ['one.example', PAY_TO, 'two.example'].map((host) => {
      const request = bench.make.request(id, usd(1), { attempt: { host } })
      bench.write((tx) => bench.reserving.reserve(tx, request))
      return request.paymentId
    })
    const first = bench.tables.lists.page({ recipient: PAY_TO.toLowerCase() }, { limit: 2 })
    expect(first.items.map((one) => one.id)).toEqual([ids[2], ids[1]])
    const second = bench.tables.lists.page({ recipient: PAY_TO }, { limit: 2, cursor: first.next ?? '' })
    expect([second.items.map((one) => one.id), second.next]).toEqual([[ids[0]], null])
  })

  it('of what nobody works on name what other runs held, and nothing of this run’s that is being worked on', () => {
    const bench = workbench()
    const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
    const [reserved, signed] = [bench.make.request(id, usd(1)), bench.make.request(id, usd(1))]
    for (const request of [reserved, signed]) bench.write((tx) => bench.reserving.reserve(tx, request))
    bench.write((tx) => bench.transitions.sign(tx, signed.paymentId, authorizationFor(signed)))
    expect(bench.tables.lists.unattended(bench.clock.now())).toEqual([])
    expect(openTables(bench.db, { ids: countingIds(), runId: 'run_2' }).lists.unattended(bench.clock.now())).toEqual([
      reserved.paymentId,
      signed.paymentId,
    ])
  })

  it('know no other states than there are', () => {
    const state: unknown = 'nonsense'
    const filter = JSON.parse(JSON.stringify({ state }))
    expect(() => workbench().tables.lists.page(filter, { limit: 1 })).toThrow('request_invalid')
  })
})
