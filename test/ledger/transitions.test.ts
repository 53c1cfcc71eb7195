import { describe, expect, it } from 'vitest'
import { authorizationFor, CLAIMED, NEVER_SENT, usd } from './fixtures.ts'
import { type Workbench, workbench } from './sqlite/workbench.ts'

function signed(bench: Workbench = workbench()) {
  const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
  const request = bench.make.request(id, usd(1))
  bench.write((tx) => bench.reserving.reserve(tx, request))
  bench.write((tx) => bench.transitions.sign(tx, request.paymentId, authorizationFor(request)))
  return { bench, request, sessionId: id }
}

describe('a transition', () => {
  it('to void is refused to a run that did not sign, whatever it claims to know', () => {
    const { bench, request, sessionId } = signed()
    const stranger = workbench('run_2', bench.db)
    expect(() => bench.write((tx) => stranger.transitions.void(tx, request.paymentId, NEVER_SENT))).toThrow('conflict')
    expect(bench.tables.sessions.get(sessionId).held).toBe(usd(1))
  })

  it('that fails half-way leaves nothing behind', () => {
    const { bench, request, sessionId } = signed()
    const settleAndFail = () =>
      bench.write((tx) => {
        bench.transitions.settle(tx, request.paymentId, CLAIMED)
        throw new Error('the disk')
      })
    expect(settleAndFail).toThrow('the disk')
    expect(bench.tables.sessions.get(sessionId)).toMatchObject({ spent: 0n, held: usd(1) })
    expect(bench.tables.payments.get(request.paymentId).payment.state).toBe('signed')
    expect(bench.tables.receipts.head(sessionId).number).toBe(0)
  })

  it('writes one conclusion for a payment, and amendments from then on', () => {
    const { bench, request } = signed()
    bench.write((tx) => bench.transitions.leaveUnknown(tx, request.paymentId, { reason: 'why', denied: true }))
    bench.write((tx) => bench.transitions.settle(tx, request.paymentId, CLAIMED))
    const { items } = bench.tables.receipts.page({}, { limit: 10 })
    expect(items.map(({ kind }) => kind)).toEqual(['amendment', 'conclusion'])
  })
})
