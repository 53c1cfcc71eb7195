import { describe, expect, it } from 'vitest'
import { openTables } from '../../../src/ledger/sqlite/tables.ts'
import type { PurchaseTable } from '../../../src/ledger/tables.ts'
import { UNDELIVERED_TTL_MS } from '../../../src/limits.ts'
import { countingIds } from '../../clock.ts'
import { authorizationFor, CLAIMED } from '../fixtures.ts'
import { workbench } from './workbench.ts'

function begun() {
  const bench = workbench()
  const { payments, purchases } = bench.tables
  const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
  const begin = () => {
    const request = bench.make.request(id, 1n, { fingerprint: 'same' })
    bench.write((tx) => payments.reserve(tx, request, { buckets: [], entries: [] }))
    return request
  }
  const open = (table: Pick<PurchaseTable, 'open'> = purchases) =>
    bench.write((tx) => table.open(tx, { sessionId: id, fingerprint: 'same', keyDigest: null }))
  return { bench, payments, purchases, begin, open }
}

describe('purchases', () => {
  it('are open from their reservation on, oldest first, held by their requester', () => {
    const { begin, open } = begun()
    const [one, two] = [begin(), begin()]
    expect(open().map(({ id, holder, keyed }) => [id, holder, keyed])).toEqual([
      [one.purchaseId, 'live', false],
      [two.purchaseId, 'live', false],
    ])
  })

  it('of another run are held by nobody, until they are claimed', () => {
    const { bench, begin, open } = begun()
    const { paymentId } = begin()
    const { purchases: next, pending } = openTables(bench.db, { ids: countingIds(), runId: 'run_2' })
    expect(open(next).map(({ holder }) => holder)).toEqual(['none'])
    bench.write((tx) => {
      next.claim(tx, paymentId)
      pending.write()
    })
    expect(open(next).map(({ holder }) => holder)).toEqual(['live'])
  })

  it('change hands as their requester goes and their attempt ends', () => {
    const { bench, purchases, begin, open } = begun()
    const { paymentId } = begin()
    for (const holder of ['orphan', 'none'] as const) {
      bench.write((tx) => purchases.hold(tx, paymentId, holder))
      expect(open().map((purchase) => purchase.holder)).toEqual([holder])
    }
  })

  it('whose time is over are ended when they are met, and cost nothing from then on', () => {
    const { bench, payments, purchases, begin, open } = begun()
    const request = begin()
    const identity = request.purchase
    bench.write((tx) => payments.sign(tx, request.paymentId, authorizationFor(request)))
    bench.write((tx) => payments.settle(tx, request.paymentId, CLAIMED))
    bench.clock.advance(UNDELIVERED_TTL_MS)
    expect(purchases.mayBeOpen(identity)).toBe(true)
    expect(open()).toEqual([])
    expect(purchases.mayBeOpen(identity)).toBe(false)
  })
})
