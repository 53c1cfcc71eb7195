import { describe, expect, it } from 'vitest'
import type { Holder } from '../../src/ledger/purchase-row.ts'
import { resume } from '../../src/ledger/resuming.ts'
import { authorizationFor, usd } from './fixtures.ts'
import { workbench } from './sqlite/workbench.ts'

function purchases(...holders: Holder[]) {
  const bench = workbench()
  const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
  const requests = holders.map((holder) => {
    const request = bench.make.request(id, usd(1), { fingerprint: 'same' })
    bench.write((tx) => bench.reserving.reserve(tx, request))
    bench.write((tx) => bench.transitions.sign(tx, request.paymentId, authorizationFor(request)))
    bench.write((tx) => bench.tables.purchases.hold(tx, request.paymentId, holder))
    return request
  })
  const identity = { sessionId: id, fingerprint: 'same', keyDigest: null }
  const again = () => bench.write((tx) => resume(tx, identity, bench))
  return { requests, again }
}

describe('resuming', () => {
  it('buys anew while all requesters wait', () => {
    expect(purchases('live', 'live').again()).toEqual({ kind: 'none' })
  })

  it('joins the attempt that lost its requester, though others wait', () => {
    const { again, requests } = purchases('live', 'orphan')
    expect(again()).toEqual({ kind: 'in_progress', purchaseId: requests[1]?.purchaseId })
  })

  it('takes over what nobody works on before it waits for anything, oldest first, each once', () => {
    const { again, requests } = purchases('orphan', 'none', 'none')
    const taken = [again(), again(), again()].map((result) => (result.kind === 'repeat' ? result.record.payment.id : result.kind))
    expect(taken).toEqual([requests[1]?.paymentId, requests[2]?.paymentId, 'in_progress'])
  })
})
