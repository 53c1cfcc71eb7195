import { describe, expect, it } from 'vitest'
import { recover, voidAbandoned } from '../../src/ledger/recovery.ts'
import { authorizationFor, CLAIMED, usd } from './fixtures.ts'
import { workbench } from './workbench.ts'

/** One payment in each state that a crash can leave behind. */
function crashed() {
  const bench = workbench('run_1')
  const { id } = bench.write((tx) => bench.tables.sessions.open(tx, bench.make.session()))
  const requests = [1, 2, 3, 4].map((dollars) => bench.make.request(id, usd(dollars)))
  const [reserved, signed, sent, settled] = requests.map(({ paymentId }) => paymentId)
  for (const request of requests) bench.write((tx) => bench.reserving.reserve(tx, request))
  for (const request of requests.slice(1)) bench.write((tx) => bench.transitions.sign(tx, request.paymentId, authorizationFor(request)))
  bench.write((tx) => bench.transitions.markSent(tx, sent ?? ''))
  bench.write((tx) => bench.transitions.settle(tx, settled ?? '', CLAIMED))
  return { bench, id, ids: [reserved, signed, sent, settled].map((one) => one ?? '') }
}

describe('recovery', () => {
  it('frees what was never signed, keeps what may have been sent, and leaves the rest alone', () => {
    const { bench, id, ids } = crashed()
    const next = workbench('run_2', bench.db)
    const { payments, sessions } = next.tables
    next.write((tx) => recover(tx, { payments, transitions: next.transitions }))
    expect(ids.map((one) => payments.get(one).payment.state)).toEqual(['void', 'unknown', 'unknown', 'settled'])
    expect(sessions.get(id)).toMatchObject({ spent: usd(4), held: usd(5), payments: 3 })
  })

  it('changes nothing of its own run', () => {
    const { bench, ids } = crashed()
    const { payments } = bench.tables
    bench.write((tx) => recover(tx, { payments, transitions: bench.transitions }))
    expect(ids.map((one) => payments.get(one).payment.state)).toEqual(['reserved', 'signed', 'sent', 'settled'])
  })

  it('voids what a session left unsigned only where nobody works on it', () => {
    const { bench, id, ids } = crashed()
    const { payments, purchases } = bench.tables
    const abandon = () => bench.write((tx) => voidAbandoned(tx, id, { payments, transitions: bench.transitions }))
    abandon()
    expect(payments.get(ids[0] ?? '').payment.state).toBe('reserved')
    for (const one of ids) bench.write((tx) => purchases.hold(tx, one, 'none'))
    abandon()
    expect(ids.map((one) => payments.get(one).payment.state)).toEqual(['void', 'signed', 'sent', 'settled'])
  })
})
