import { describe, expect, it } from 'vitest'
import { openTables } from '../../../src/ledger/sqlite/tables.ts'
import type { Transaction } from '../../../src/ledger/tables.ts'
import { countingIds } from '../../clock.ts'
import { authorizationFor, CLAIMED, NEVER_SIGNED } from '../fixtures.ts'
import { type Workbench, workbench } from './workbench.ts'

const FREE = { buckets: [], entries: [] }

function reserved() {
  const bench = workbench()
  const { payments } = bench.tables
  const session = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
  const reserve = (keyDigest?: string) => {
    const request = bench.make.request(session.id, 1n, keyDigest === undefined ? {} : { keyDigest })
    bench.write((tx) => payments.reserve(tx, request, FREE))
    return request
  }
  const column = (id: string, name: string) => bench.db.prepare('SELECT * FROM payments WHERE id = ?').get(id)?.[name]
  return { bench, payments, session, reserve, column }
}

function signed({ bench, payments, reserve }: Pick<ReturnType<typeof reserved>, 'bench' | 'payments' | 'reserve'>) {
  const request = reserve()
  bench.write((tx) => payments.sign(tx, request.paymentId, authorizationFor(request)))
  return request
}

/** What is sent is noted without a transaction of its own. */
function aside({ clock }: Workbench): Transaction {
  return { now: clock.now(), afterCommit: () => undefined }
}

describe('the payments’ table', () => {
  it('signs by compare-and-set: once, and only for the run that reserved', () => {
    const { bench, payments, reserve } = reserved()
    const request = reserve()
    const stranger = openTables(bench.db, { ids: countingIds(), runId: 'run_2' }).payments
    expect(bench.write((tx) => stranger.sign(tx, request.paymentId, authorizationFor(request)))).toBeUndefined()
    expect(bench.write((tx) => payments.sign(tx, request.paymentId, authorizationFor(request)))?.payment.state).toBe('signed')
    expect(bench.write((tx) => payments.sign(tx, request.paymentId, authorizationFor(request)))).toBeUndefined()
  })

  it('marks as sent what was signed, and nothing else', () => {
    const { bench, payments, reserve } = reserved()
    const [fresh, unknown] = [reserve(), reserve()]
    payments.markSent(aside(bench), fresh.paymentId)
    expect(payments.get(fresh.paymentId).payment).toMatchObject({ state: 'reserved', sentAt: null })
    bench.write((tx) => payments.sign(tx, unknown.paymentId, authorizationFor(unknown)))
    bench.write((tx) => payments.leaveUnknown(tx, unknown.paymentId, { reason: 'why', denied: true }))
    payments.markSent(aside(bench), unknown.paymentId)
    expect(payments.get(unknown.paymentId).payment).toMatchObject({ state: 'unknown', sentAt: bench.clock.now() })
  })

  it('keeps no authorization of what was voided', () => {
    const { bench, payments, reserve, column } = reserved()
    const request = reserve()
    bench.write((tx) => payments.sign(tx, request.paymentId, authorizationFor(request)))
    expect(payments.get(request.paymentId).authorization?.headers).toEqual(authorizationFor(request).headers)
    bench.write((tx) => payments.void(tx, request.paymentId, { ...NEVER_SIGNED, evidence: null, block: null }))
    expect([column(request.paymentId, 'headers'), column(request.paymentId, 'purchase_open')]).toEqual([null, 0n])
  })

  it('ends an unkeyed purchase with its delivery and keeps a keyed one open', () => {
    const { bench, payments, reserve, column } = reserved()
    const [unkeyed, keyed] = [reserve(), reserve('key')]
    const delivery = { status: 200, bytes: 1, complete: true }
    for (const request of [unkeyed, keyed]) bench.write((tx) => payments.sign(tx, request.paymentId, authorizationFor(request)))
    for (const { paymentId } of [unkeyed, keyed]) bench.write((tx) => payments.deliverOnce(tx, paymentId, { delivery, delivered: true }))
    expect([unkeyed, keyed].map(({ paymentId }) => column(paymentId, 'purchase_open'))).toEqual([0n, 1n])
    expect([unkeyed, keyed].map(({ paymentId }) => column(paymentId, 'holder'))).toEqual(['none', 'none'])
  })

  it('finds what a session reserved and never signed, whoever works on it', () => {
    const { bench, payments, session, reserve } = reserved()
    const [left, signed, working] = [reserve(), reserve(), reserve()]
    bench.write((tx) => bench.tables.purchases.hold(tx, left.paymentId, 'none'))
    bench.write((tx) => payments.sign(tx, signed.paymentId, authorizationFor(signed)))
    expect(payments.unsigned(session.id)).toEqual([left.paymentId, working.paymentId])
    expect(payments.unsigned('ses_none')).toEqual([])
  })

  it('tells of what is sent for the first time, and of nothing else', () => {
    const { bench, payments, reserve } = reserved()
    const request = reserve()
    const send = () => payments.markSent(aside(bench), request.paymentId)
    expect(send()).toBeUndefined()
    bench.write((tx) => payments.sign(tx, request.paymentId, authorizationFor(request)))
    expect(send()).toEqual({
      paymentId: request.paymentId,
      tier: 'autonomous',
      network: 'eip155:84532',
      scheme: 'exact',
      amount: 1n,
      currency: 'USD',
    })
    expect(send()).toBeUndefined()
  })

  it('is due to be looked into while its outcome is not certain, and claimed by nobody after each change', () => {
    const { bench, payments, reserve, column } = reserved()
    const { paymentId: id } = signed({ bench, payments, reserve })
    const due = () => [column(id, 'check_at'), column(id, 'resolver_run'), column(id, 'resolver_until')]
    const claimed = () => bench.db.prepare(`UPDATE payments SET resolver_run = 'run', resolver_until = 1 WHERE id = ?`).run(id)
    const now = BigInt(bench.clock.now())
    expect(due()).toEqual([null, null, null])
    const steps = [
      ['unknown', () => bench.write((tx) => payments.leaveUnknown(tx, id, { reason: 'why', denied: true })), now],
      ['expired', () => bench.write((tx) => payments.expire(tx, id, 'why')), now],
      ['settled', () => bench.write((tx) => payments.settle(tx, id, CLAIMED)), now],
      ['put off', () => bench.write((tx) => payments.putOff(tx, id, 7)), 7n],
      [
        'confirmed',
        () => bench.write((tx) => payments.confirm(tx, id, { evidence: 'confirmed', transaction: null, block: 1n, reason: 'r' })),
        null,
      ],
      ['put off for nothing', () => bench.write((tx) => payments.putOff(tx, id, 9)), null],
    ] as const
    for (const [step, act, at] of steps) {
      claimed()
      act()
      expect([step, ...due()]).toEqual(step === 'put off for nothing' ? [step, at, 'run', 1n] : [step, at, null, null])
    }
    expect(payments.get(id).payment).toMatchObject({ transaction: CLAIMED.transaction, evidence: 'confirmed', block: '1' })
  })

  it('has a row for whoever holds a reservation', () => {
    expect(() => reserved().payments.get('pay_none')).toThrow('has no row')
  })
})
