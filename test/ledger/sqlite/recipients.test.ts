import { describe, expect, it } from 'vitest'
import { MAX_CAP } from '../../../src/limits.ts'
import { authorizationFor, CLAIMED, PAY_TO } from '../fixtures.ts'
import { workbench } from './workbench.ts'

describe('recipients', () => {
  it('are one whatever the case of their address, with the sum of each currency, larger than 64 bits hold', () => {
    const bench = workbench()
    const pay = (currency: string, payTo: string) => {
      const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session({ cap: MAX_CAP, currency })))
      const request = bench.make.request(id, MAX_CAP, { terms: { currency, payTo } })
      bench.write((tx) => bench.reserving.reserve(tx, request))
      bench.write((tx) => bench.transitions.sign(tx, request.paymentId, authorizationFor(request)))
      bench.write((tx) => bench.transitions.settle(tx, request.paymentId, CLAIMED))
      bench.write((tx) => bench.transitions.hold(tx, request.paymentId, 'none'))
    }
    for (let count = 0; count < 10; count++) pay('USD', count % 2 ? PAY_TO : PAY_TO.toLowerCase())
    pay('EUR', PAY_TO)
    const { items } = bench.tables.recipients.page({ limit: 10 })
    expect(items).toHaveLength(1)
    expect(items[0]).toMatchObject({
      undelivered: 11,
      disputed: 11,
      disputedAmount: { USD: MAX_CAP * 10n, EUR: MAX_CAP },
      refundedAmount: {},
    })
  })
})
