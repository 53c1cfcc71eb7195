import { describe, expect, it } from 'vitest'
import { recover, voidUnsigned } from '../../src/ledger/recovery.ts'
import { authorizationFor, CLAIMED, usd } from './fixtures.ts'
import { workbench } from './sqlite/workbench.ts'

/** One payment in each state that a crash can leave behind. */
function crashed() {
  const bench = workbench('run_1')
  const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
  const requests = [1, 2, 3, 4].map((dollars) => bench.make.request(id, usd(dollars)))
  const [reserved, signed, sent, settled] = requests.map(({ paymentId }) => paymentId)
  for (const request of requests) bench.write((tx) => bench.reserving.reserve(tx, request))
  for (const request of requests.slice(1)) bench.write((tx) => bench.transitions.sign(tx, request.paymentId, authorizationFor(request)))
  bench.write((tx) => {
    bench.transitions.markSent(tx, sent ?? '')
    bench.tables.purchases.claim(tx, sent ?? '')
  })
  bench.write((tx) => bench.transitions.settle(tx, settled ?? '', CLAIMED))
  return { bench, id, ids: [reserved, signed, sent, settled].map((one) => one ?? '') }
}

describe('recovery', () => {
  it('frees what was never signed, keeps what may have been sent, and holds against a recipient what was paid for nothing', () => {
    const { bench, id, ids } = crashed()
    const next = workbench('run_2', bench.db)
    const done = ids.map((one) => next.write((tx) => recover(tx, one, next)))
    const { payments, sessions } = next.tables
    expect(done).toEqual([true, true, true, true])
    expect(ids.map((one) => payments.get(one).payment.state)).toEqual(['void', 'unknown', 'unknown', 'settled'])
    expect(payments.get(ids[3] ?? '').payment.dispute).toBe('settled_not_delivered')
    expect(payments.get(ids[1] ?? '')).toMatchObject({ denied: false })
    expect(sessions.get(id)).toMatchObject({ spent: usd(4), held: usd(5), payments: 3 })
    expect(ids.map((one) => next.write((tx) => recover(tx, one, next)))).toEqual([false, false, false, false])
  })

  it('changes nothing that its own run works on', () => {
    const { bench, ids } = crashed()
    expect(ids.map((one) => bench.write((tx) => recover(tx, one, bench)))).toEqual([false, false, false, false])
    expect(ids.map((one) => bench.tables.payments.get(one).payment.state)).toEqual(['reserved', 'signed', 'sent', 'settled'])
  })

  it('never voids what was signed', () => {
    const { bench, ids } = crashed()
    const free = (id: string) => bench.write((tx) => voidUnsigned(tx, id, { transitions: bench.transitions, reason: 'why' }))
    free(ids[0] ?? '')
    for (const id of ids.slice(1)) expect(() => free(id)).toThrow('conflict')
  })
})
