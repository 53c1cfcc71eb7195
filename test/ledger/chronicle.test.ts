import { describe, expect, it } from 'vitest'
import { factsOf } from '../../src/ledger/chronicle.ts'
import { authorizationFor, usd } from './fixtures.ts'
import { workbench } from './sqlite/workbench.ts'

function signed() {
  const bench = workbench()
  const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
  const request = bench.make.request(id, usd(1))
  bench.write((tx) => bench.reserving.reserve(tx, request))
  bench.write((tx) => bench.transitions.sign(tx, request.paymentId, authorizationFor(request)))
  bench.told.length = 0
  return { bench, request, id }
}

describe('the chronicle', () => {
  it('tells nothing of a write that was undone', () => {
    const { bench, request, id } = signed()
    const leaveAndFail = () =>
      bench.write((tx) => {
        bench.transitions.leaveUnknown(tx, request.paymentId, { reason: 'why', denied: true })
        throw new Error('the disk')
      })
    expect(leaveAndFail).toThrow('the disk')
    expect(bench.told).toEqual([])
    expect(bench.tables.receipts.head(id).number).toBe(0)
  })

  it('concludes once and amends from then on, and tells of each', () => {
    const { bench, request } = signed()
    const record = bench.tables.payments.get(request.paymentId)
    bench.write((tx) => bench.chronicle.conclude(tx, record, { concluded: false }))
    bench.write((tx) => bench.chronicle.conclude(tx, record, { concluded: true }))
    expect(bench.tables.receipts.page({}, { limit: 9 }).items.map(({ kind }) => kind)).toEqual(['amendment', 'conclusion'])
    const once = ['receipt', `signed ${request.paymentId}`]
    expect(bench.told).toEqual([...once, ...once])
  })

  it('has nothing to tell of a payment without terms', () => {
    const { bench, request } = signed()
    const { payment } = bench.tables.payments.get(request.paymentId)
    expect(factsOf(payment)).toMatchObject({ paymentId: request.paymentId, amount: usd(1), currency: 'USD' })
    expect(() => factsOf({ ...payment, terms: null })).toThrow('without terms')
  })
})
