import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PRICES_AHEAD } from '../../../src/hot-path-limits.ts'
import { Pending } from '../../../src/ledger/sqlite/pending.ts'
import { Prices } from '../../../src/ledger/sqlite/prices.ts'
import { PRICE_SAMPLES } from '../../../src/limits.ts'
import { authorizationFor, CLAIMED, usd } from '../fixtures.ts'
import { workbench } from './workbench.ts'

function buying() {
  const bench = workbench()
  const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session({ cap: usd(10_000) })))
  const { prices } = bench.tables
  const request = (cents: number) => bench.make.request(id, usd(cents / 100))
  const reserve = (cents: number) => {
    const asked = request(cents)
    bench.write((tx) => bench.reserving.reserve(tx, asked))
    bench.write((tx) => bench.transitions.sign(tx, asked.paymentId, authorizationFor(asked)))
    return asked.paymentId
  }
  const key = () => String(bench.db.prepare('SELECT price_key FROM payments LIMIT 1').get()?.price_key)
  /** In memory only: what was known before stays known. */
  const settle = (paymentId: string) =>
    bench.transitions.settle({ now: bench.clock.now(), afterCommit: () => undefined }, paymentId, CLAIMED)
  return { ...bench, prices, reserve, settle, key }
}

describe('past prices', () => {
  it('are looked up once, and follow what settles', () => {
    const { prices, reserve, settle, key } = buying()
    const ids = [1, 2, 3].map(reserve)
    expect(prices.knows(key(), 0)).toBe(false)
    expect(prices.of(key(), 0)).toEqual({ latest: [], earliest: [] })
    expect(prices.knows(key(), 0)).toBe(true)
    for (const id of ids) settle(id)
    expect(prices.of(key(), 0).earliest.toSorted()).toEqual([usd(0.01), usd(0.02), usd(0.03)])
    expect(prices.knows(key(), -1)).toBe(false)
  })

  it('are read anew after a settlement was taken back, or turned out to be none', () => {
    const { prices, reserve, settle, key, tables } = buying()
    const [one = '', two = ''] = [1, 2].map(reserve)
    prices.of(key(), 0)
    tables.pending.keep()
    settle(one)
    tables.pending.takeBack()
    expect(prices.of(key(), 0).latest).toEqual([])
    settle(two)
    expect(prices.of(key(), 0).latest).toEqual([usd(0.02)])
    tables.payments.void({ now: 0, afterCommit: () => undefined }, two, { reason: 'dead', code: null, evidence: 'confirmed', block: 1n })
    expect(prices.knows(key(), 0)).toBe(false)
  })

  it('are the same from memory as from the file, whatever settles in whatever order, as the span moves on', () => {
    const step = fc.record({ at: fc.nat(300), moves: fc.nat(9) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 3 * PRICES_AHEAD }), (steps) => {
        const db = new DatabaseSync(':memory:', { readBigInts: true })
        db.exec('CREATE TABLE payments (price_key TEXT, state TEXT, reserved_at INTEGER, amount TEXT)')
        const insert = db.prepare("INSERT INTO payments VALUES ('key', 'settled', ?, ?)")
        const prices = new Prices(db, new Pending())
        const plain: { readonly at: number; readonly amount: bigint }[] = []
        let after = -1
        for (const [index, { at, moves }] of steps.entries()) {
          const paid = { at: at * 1_000 + index, amount: BigInt(index) }
          plain.push(paid)
          insert.run(paid.at, paid.amount.toString())
          prices.add('key', paid)
          if (moves === 0) after += 20_000
          const within = plain.filter((one) => one.at > after).sort((a, b) => a.at - b.at)
          expect(prices.of('key', after)).toEqual({
            latest: amounts(within.slice(-PRICE_SAMPLES).reverse()),
            earliest: amounts(within.slice(0, PRICE_SAMPLES)),
          })
        }
      }),
      { numRuns: 30 },
    )
  })
})

function amounts(paid: readonly { readonly amount: bigint }[]): bigint[] {
  return paid.map(({ amount }) => amount)
}
