import { describe, expect, it } from 'vitest'
import { attemptColumns, deniedColumns, readRecord, reservedColumns } from '../../src/ledger/payment-row.ts'
import { RowError } from '../../src/ledger/rows.ts'
import { countingIds } from '../clock.ts'
import { fixtures } from './fixtures.ts'
import { workbench } from './sqlite/workbench.ts'

const make = fixtures(countingIds(), () => 5)

function stored() {
  const bench = workbench()
  const session = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
  const attempt = { tool: 't', task: 'k', user: 'u', justification: 'j', wouldBe: 'w', categories: ['a', 'b'], trust: 'known' } as const
  const request = bench.make.request(session.id, 2n ** 80n, { attempt, keyDigest: 'key' })
  const charges = { buckets: [{ sessionId: session.id, bucket: 'tool:t' }], entries: [{ series: 's', ordinal: 3 }] }
  bench.write((tx) => bench.tables.payments.reserve(tx, request, charges))
  return { bench, request, charges, row: bench.db.prepare('SELECT * FROM payments').get() ?? {} }
}

describe('a payment’s row', () => {
  it('gives back the attempt, its terms and its charges as they were', () => {
    const { request, charges, row } = stored()
    const record = readRecord(row)
    expect(record.payment).toMatchObject({
      ...request.attempt,
      id: request.paymentId,
      purchaseId: request.purchaseId,
      nonce: request.nonce,
    })
    expect(record).toMatchObject({ charges, runId: 'run_1', authorization: undefined, signature: null, concluded: false })
  })

  it('of a refusal has no purchase, no nonce and no time of reservation', () => {
    const denied = deniedColumns(make.attempt('ses_1'), { id: 'pay_1', code: 'vetoed', runId: 'run_1' })
    expect(denied).toMatchObject({ state: 'denied', purchase_id: null, nonce: null, reserved_at: null, rail: null, purchase_open: 0 })
    const request = make.request('ses_1', 1n)
    const reserved = reservedColumns(request, { runId: 'run_1', charges: { buckets: [], entries: [] }, now: 7 })
    expect(Object.keys(denied).sort()).toEqual([...Object.keys(reserved)].sort())
    expect(Object.keys(attemptColumns(request.attempt)).every((name) => name in denied)).toBe(true)
  })

  it.each([
    ['state', 'paid'],
    ['code', 'because'],
    ['amount', '-1'],
    ['amount', '1e3'],
    ['charges', '[]'],
    ['categories', '{}'],
    ['trust', 'blind'],
    ['delivery', '{"status":200}'],
  ])('whose %s is %j is an error, not a guess', (column, value) => {
    const { row } = stored()
    expect(() => readRecord({ ...row, [column]: value })).toThrow(RowError)
  })
})
