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

  it('tells two people’s evidence apart', () => {
    const { bench, paymentId } = unknown()
    const say = (by: string) => ({ paymentId, outcome: 'settled', transaction: null, evidence: `seen by ${by}`, by, at: 0 }) as const
    bench.write((tx) => bench.resolving.correct(tx, say('ann')))
    expect(bench.write((tx) => bench.resolving.correct(tx, say('bob')))).toMatchObject({
      payment: { settlement: 'ann: “seen by ann”; bob: “seen by bob”' },
    })
  })

  it('says of what is settled that it is settled already', () => {
    const { bench, paymentId } = unknown()
    bench.write((tx) => bench.resolving.resolve(tx, paymentId, SETTLED))
    const again = { paymentId, outcome: 'settled', transaction: null, evidence: 'e', by: 'ann', at: 0 } as const
    expect(() => bench.write((tx) => bench.resolving.correct(tx, again))).toThrow(`conflict: Payment ${paymentId} is settled already.`)
  })

  it('names what two refunds have in common in the words of whoever entered them', () => {
    const { bench, paymentId } = unknown()
    bench.write((tx) => bench.resolving.resolve(tx, paymentId, SETTLED))
    const refund = { paymentId, source: 'entry:0a1b', amountAtomic: 1n, evidence: 'e', by: 'ops', at: 0 }
    const enter = (changes: Partial<typeof refund>) => bench.write((tx) => bench.resolving.refund(tx, { ...refund, ...changes }))
    enter({})
    enter({ source: 'chain:tx:1', by: 'chain' })
    expect(() => enter({ amountAtomic: 2n })).toThrow('conflict: This Idempotency-Key stands for a refund of another amount already.')
    const moved = { source: 'chain:tx:1', by: 'chain', amountAtomic: 2n }
    expect(() => enter(moved)).toThrow('conflict: The transfer chain:tx:1 stands for a refund of another amount already.')
  })
})
