import { describe, expect, it } from 'vitest'
import { composeRules } from '../../src/ledger/rules.ts'
import { authorizationFor, usd } from './fixtures.ts'
import { workbench } from './sqlite/workbench.ts'

describe('the rules of a ledger', () => {
  it('work without anybody who listens', () => {
    const bench = workbench()
    const options = { tables: bench.tables, runId: 'run_1', thresholds: [50], confirmable: new Set<string>(), events: undefined }
    const { accounts, reserving, transitions } = composeRules(options)
    const { id } = bench.write((tx) => accounts.open(tx, bench.make.session({ cap: usd(1) })))
    const request = bench.make.request(id, usd(1))
    expect(bench.write((tx) => reserving.reserve(tx, request))).toEqual({ kind: 'reserved' })
    bench.write((tx) => transitions.sign(tx, request.paymentId, authorizationFor(request)))
    expect(bench.tables.sessions.get(id).held).toBe(usd(1))
    expect(bench.told).toEqual([])
  })
})
