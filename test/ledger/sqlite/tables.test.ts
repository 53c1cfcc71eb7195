import { describe, expect, it } from 'vitest'
import { openTables } from '../../../src/ledger/sqlite/tables.ts'
import { countingIds } from '../../clock.ts'
import { usd } from '../fixtures.ts'
import { workbench } from './workbench.ts'

describe('the tables of a file', () => {
  it('are the same for every run that opens them', () => {
    const bench = workbench()
    const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
    const request = bench.make.request(id, usd(1))
    bench.write((tx) => bench.reserving.reserve(tx, request))
    const next = openTables(bench.db, { ids: countingIds(), runId: 'run_2' })
    expect(next.payments.get(request.paymentId)).toEqual(bench.tables.payments.get(request.paymentId))
    expect(next.identity.ledgerId).toBe(bench.tables.identity.ledgerId)
    expect(bench.write((tx) => next.purchases.holder(tx, request.paymentId))).toBe('none')
    expect(bench.write((tx) => bench.tables.purchases.holder(tx, request.paymentId))).toBe('live')
  })
})
