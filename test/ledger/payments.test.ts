import { describe, expect, it } from 'vitest'
import { Payments } from '../../src/ledger/payments.ts'
import { authorizationFor, CLAIMED, NEVER_SIGNED } from './fixtures.ts'
import { workbench } from './workbench.ts'

const FREE = { buckets: [], entries: [] }

function reserved() {
  const bench = workbench()
  const { payments } = bench.tables
  const session = bench.write((tx) => bench.tables.sessions.open(tx, bench.make.session()))
  const reserve = (keyDigest?: string) => {
    const request = bench.make.request(session.id, 1n, keyDigest === undefined ? {} : { keyDigest })
    bench.write((tx) => payments.reserve(tx, request, FREE))
    return request
  }
  const column = (id: string, name: string) => bench.db.prepare('SELECT * FROM payments WHERE id = ?').get(id)?.[name]
  return { bench, payments, session, reserve, column }
}

describe('the payments’ table', () => {
  it('signs by compare-and-set: once, and only for the run that reserved', () => {
    const { bench, payments, reserve } = reserved()
    const request = reserve()
    const stranger = new Payments(bench.db, 'run_2')
    expect(bench.write((tx) => stranger.sign(tx, request.paymentId, authorizationFor(request)))).toBeUndefined()
    expect(bench.write((tx) => payments.sign(tx, request.paymentId, authorizationFor(request)))?.payment.state).toBe('signed')
    expect(bench.write((tx) => payments.sign(tx, request.paymentId, authorizationFor(request)))).toBeUndefined()
  })

  it('marks as sent what was signed, and nothing else', () => {
    const { bench, payments, reserve } = reserved()
    const [fresh, unknown] = [reserve(), reserve()]
    bench.write((tx) => payments.markSent(tx, fresh.paymentId))
    expect(payments.get(fresh.paymentId).payment).toMatchObject({ state: 'reserved', sentAt: null })
    bench.write((tx) => payments.sign(tx, unknown.paymentId, authorizationFor(unknown)))
    bench.write((tx) => payments.leaveUnknown(tx, unknown.paymentId, 'why'))
    bench.write((tx) => payments.markSent(tx, unknown.paymentId))
    expect(payments.get(unknown.paymentId).payment).toMatchObject({ state: 'unknown', sentAt: bench.clock.now() })
  })

  it('keeps no authorization of what was voided', () => {
    const { bench, payments, reserve, column } = reserved()
    const request = reserve()
    bench.write((tx) => payments.sign(tx, request.paymentId, authorizationFor(request)))
    expect(payments.get(request.paymentId).authorization?.headers).toEqual(authorizationFor(request).headers)
    bench.write((tx) => payments.void(tx, request.paymentId, NEVER_SIGNED))
    expect([column(request.paymentId, 'headers'), column(request.paymentId, 'purchase_open')]).toEqual([null, 0n])
  })

  it('ends an unkeyed purchase with its delivery and keeps a keyed one open', () => {
    const { bench, payments, reserve, column } = reserved()
    const [unkeyed, keyed] = [reserve(), reserve('key')]
    const delivery = { status: 200, bytes: 1, complete: true }
    for (const { paymentId } of [unkeyed, keyed]) bench.write((tx) => payments.deliver(tx, paymentId, { delivery, delivered: true }))
    expect([unkeyed, keyed].map(({ paymentId }) => column(paymentId, 'purchase_open'))).toEqual([0n, 1n])
    expect([unkeyed, keyed].map(({ paymentId }) => column(paymentId, 'holder'))).toEqual(['none', 'none'])
  })

  it('finds what ended runs left unresolved, oldest first, by its index', () => {
    const { bench, payments, reserve } = reserved()
    const [one, two, three, four] = [reserve(), reserve(), reserve(), reserve()]
    for (const request of [two, three]) bench.write((tx) => payments.sign(tx, request.paymentId, authorizationFor(request)))
    bench.write((tx) => payments.settle(tx, three.paymentId, CLAIMED))
    const next = new Payments(bench.db, 'run_2')
    expect(next.ofEndedRuns().map(({ payment }) => payment.id)).toEqual([one, two, four].map(({ paymentId }) => paymentId))
    expect(payments.ofEndedRuns()).toEqual([])
  })

  it('finds what was reserved, never signed and left', () => {
    const { bench, payments, session, reserve } = reserved()
    const [left, signed] = [reserve(), reserve(), reserve()]
    bench.write((tx) => bench.tables.purchases.hold(tx, left.paymentId, 'none'))
    bench.write((tx) => payments.sign(tx, signed.paymentId, authorizationFor(signed)))
    bench.write((tx) => bench.tables.purchases.hold(tx, signed.paymentId, 'none'))
    expect(payments.abandoned(session.id)).toEqual([left.paymentId])
    expect(payments.abandoned('ses_none')).toEqual([])
  })

  it('has a row for whoever holds a reservation', () => {
    expect(() => reserved().payments.get('pay_none')).toThrow('has no row')
  })
})
