import { describe, expect, it } from 'vitest'
import { lasts, readHolder, readPurchase } from '../../src/ledger/purchase-row.ts'
import { KEYED_PURCHASE_TTL_MS, PURCHASE_LEASE_MS, UNDELIVERED_TTL_MS } from '../../src/limits.ts'
import { authorizationFor, CLAIMED, COMPLETE, usd } from './fixtures.ts'
import { workbench } from './sqlite/workbench.ts'

function row(keyDigest: string | null = null) {
  const bench = workbench()
  const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
  const request = bench.make.request(id, usd(1), keyDigest === null ? {} : { keyDigest })
  bench.write((tx) => bench.reserving.reserve(tx, request))
  const read = () => {
    const found = bench.db.prepare('SELECT * FROM payments').get()
    if (!found) throw new Error('no row')
    return found
  }
  const now = bench.clock.now()
  const look = (changes = {}) => ({ runId: 'run_1', now, alive: () => true, ...changes })
  return { bench, request, read, now, look }
}

describe('who works on a purchase', () => {
  it('is whoever reserved it, until the lease is over or its run has ended', () => {
    const { read, now, look } = row()
    expect(readHolder(read(), look())).toBe('live')
    expect(readHolder(read(), look({ now: now + PURCHASE_LEASE_MS - 1 }))).toBe('live')
    expect(readHolder(read(), look({ now: now + PURCHASE_LEASE_MS }))).toBe('none')
    expect(readHolder(read(), look({ alive: (run: string) => run !== 'run_1' }))).toBe('none')
  })

  it('is somewhere else where another living run holds it', () => {
    const { read, look } = row()
    expect(readPurchase(read(), look())).toMatchObject({ holder: 'live', elsewhere: false, keyed: false })
    expect(readPurchase(read(), look({ runId: 'run_2' }))).toMatchObject({ holder: 'live', elsewhere: true })
    expect(readPurchase(read(), look({ runId: 'run_2', alive: () => false }))).toMatchObject({ holder: 'none', elsewhere: false })
  })
})

describe('a purchase lasts', () => {
  it('while money may move, then until its time without delivery is over, counted anew when it is opened again', () => {
    const { bench, request, read, now, look } = row()
    const until = () => {
      const purchase = readPurchase(read(), look())
      const ends = [now, now + UNDELIVERED_TTL_MS, now + 2 * UNDELIVERED_TTL_MS, now + KEYED_PURCHASE_TTL_MS].filter(
        (at) => !lasts(purchase, at),
      )
      return ends[0] === undefined ? 'ever' : (ends[0] - now) / UNDELIVERED_TTL_MS
    }
    expect(until()).toBe('ever')
    bench.write((tx) => bench.transitions.sign(tx, request.paymentId, authorizationFor(request)))
    bench.write((tx) => bench.transitions.settle(tx, request.paymentId, CLAIMED))
    expect(until()).toBe(1)
    bench.write((tx) => bench.transitions.deliver(tx, request.paymentId, COMPLETE))
    expect(until()).toBe(0)
    bench.clock.advance(UNDELIVERED_TTL_MS)
    bench.write((tx) => bench.resolving.reopen(tx, request.paymentId))
    expect(until()).toBe(2)
  })

  it('for a day where it has a key, delivered or not', () => {
    const { bench, request, read, now, look } = row('key')
    bench.write((tx) => bench.transitions.sign(tx, request.paymentId, authorizationFor(request)))
    bench.write((tx) => bench.transitions.settle(tx, request.paymentId, CLAIMED))
    const day = () => [1, 0].map((before) => lasts(readPurchase(read(), look()), now + KEYED_PURCHASE_TTL_MS - before))
    expect(day()).toEqual([true, false])
    bench.write((tx) => bench.transitions.deliver(tx, request.paymentId, COMPLETE))
    expect(day()).toEqual([true, false])
  })
})
