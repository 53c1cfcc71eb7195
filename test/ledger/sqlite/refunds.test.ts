import { describe, expect, it } from 'vitest'
import { usd } from '../fixtures.ts'
import { workbench } from './workbench.ts'

function reserved() {
  const bench = workbench()
  const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
  const request = bench.make.request(id, usd(1))
  bench.write((tx) => bench.reserving.reserve(tx, request))
  return { bench, paymentId: request.paymentId }
}

describe('refunds', () => {
  it('are one for each source, and add up beyond 64 bits', () => {
    const { bench, paymentId } = reserved()
    const { refunds } = bench.tables
    const refund = { paymentId, source: 'a', amountAtomic: 2n ** 200n, evidence: 'e', by: 'chain', at: 1 }
    for (const source of ['a', 'b']) bench.write((tx) => refunds.insert(tx, { ...refund, source }))
    expect(() => bench.write((tx) => refunds.insert(tx, refund))).toThrow('UNIQUE')
    expect(refunds.find('b')).toEqual({ paymentId, amountAtomic: 2n ** 200n })
    expect([refunds.find('c'), refunds.total(paymentId), refunds.total('pay_none')]).toEqual([undefined, 2n ** 201n, 0n])
  })
})

describe('corrections', () => {
  it('are the last that was said of each payment, until they are taken away', () => {
    const { bench, paymentId } = reserved()
    const { corrections } = bench.tables
    const said = { paymentId, outcome: 'settled', transaction: '0x1', evidence: 'e', by: 'ann', at: 1 } as const
    bench.write((tx) => corrections.put(tx, said))
    bench.write((tx) => corrections.put(tx, { ...said, outcome: 'void', transaction: null, by: 'bob' }))
    expect(corrections.find(paymentId)).toEqual({ ...said, outcome: 'void', transaction: null, by: 'bob' })
    bench.write((tx) => corrections.remove(tx, paymentId))
    expect(corrections.find(paymentId)).toBeUndefined()
  })
})
