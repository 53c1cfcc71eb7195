import { describe, expect, it } from 'vitest'
import { MAX_CAP } from '../../src/limits.ts'
import { authorizationFor, CLAIMED, usd } from './fixtures.ts'
import { workbench } from './sqlite/workbench.ts'

const SETTLED = { kind: 'settled', evidence: 'confirmed', transaction: '0xabc', block: 1n, reason: 'Seen.' } as const

function unknown(amountAtomic = usd(2)) {
  const bench = workbench()
  const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
  const request = bench.make.request(id, usd(2), { terms: { amountAtomic } })
  bench.write((tx) => bench.reserving.reserve(tx, request))
  bench.write((tx) => bench.transitions.sign(tx, request.paymentId, authorizationFor(request)))
  bench.write((tx) => bench.transitions.leaveUnknown(tx, request.paymentId, { reason: 'why', denied: false }))
  return { bench, session: id, paymentId: request.paymentId }
}

describe('resolving', () => {
  it('that fails half-way moves nothing', () => {
    const { bench, session, paymentId } = unknown()
    const resolveAndFail = () =>
      bench.write((tx) => {
        bench.resolving.resolve(tx, paymentId, SETTLED)
        throw new Error('the disk')
      })
    expect(resolveAndFail).toThrow('the disk')
    expect(bench.tables.sessions.get(session)).toMatchObject({ spent: 0n, held: usd(2) })
    expect(bench.tables.payments.get(paymentId).payment.state).toBe('unknown')
  })

  it('takes a transaction for the same whatever the case of its letters, and no other', () => {
    const { bench, paymentId } = unknown()
    const resolve = (transaction: string) => bench.write((tx) => bench.resolving.resolve(tx, paymentId, { ...SETTLED, transaction }))
    resolve('0xabc')
    expect(resolve('0xABC').transaction).toBe('0xabc')
    expect(() => resolve('0xabd')).toThrow('conflict')
  })

  it('of what our own end left open holds nothing against the recipient while somebody works on it', () => {
    const { bench, paymentId } = unknown()
    expect(bench.write((tx) => bench.resolving.resolve(tx, paymentId, SETTLED)).dispute).toBeNull()
  })

  it('counts a refund in 64 bits, however much a stranger sends back', () => {
    const { bench, paymentId } = unknown(1n)
    bench.write((tx) => bench.resolving.resolve(tx, paymentId, { ...SETTLED, transaction: CLAIMED.transaction ?? '' }))
    const refund = { paymentId, source: 's', amountAtomic: 2n ** 255n, evidence: 'e', by: 'chain', at: 0 }
    expect(bench.write((tx) => bench.resolving.refund(tx, refund))?.refunded).toBe(MAX_CAP)
    expect(bench.write((tx) => bench.resolving.refund(tx, { ...refund, source: 't' }))?.refunded).toBe(MAX_CAP)
  })
})
