import { describe, expect, it } from 'vitest'
import { usd } from './fixtures.ts'
import { workbench } from './sqlite/workbench.ts'

function opened(cap = usd(10), thresholds = [50, 100]) {
  const bench = workbench('run_1', undefined, { thresholds })
  const refill = { amount: usd(5), every_ms: 1_000, max: usd(10) }
  const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session({ cap, refill })))
  const hold = (amount: bigint) => bench.write((tx) => bench.budget.hold(tx, bench.budget.lineage(tx, id), amount))
  return { bench, id, hold }
}

describe('a budget', () => {
  it('is told of at the very amount of a threshold, and of several that one payment passes', () => {
    const { bench, id, hold } = opened()
    hold(usd(5) - 1n)
    expect(bench.told).toEqual([])
    hold(1n)
    expect(bench.told).toEqual([`50 % ${id}`])
    const other = opened()
    other.hold(usd(10))
    expect(other.bench.told).toEqual([`50 % ${other.id}`, `100 % ${other.id}`])
  })

  it('of nothing passes no threshold, and one without thresholds neither', () => {
    const empty = opened(0n)
    empty.hold(0n)
    const silent = opened(usd(10), [])
    silent.hold(usd(10))
    expect([empty.bench.told, silent.bench.told]).toEqual([[], []])
  })

  it('writes a refill down before what remains changes, and once', () => {
    const { bench, id, hold } = opened()
    hold(usd(8))
    bench.clock.advance(1_000)
    bench.write((tx) => bench.budget.giveBack(tx, id, { amount: usd(8), from: 'held' }))
    expect(bench.tables.sessions.get(id)).toMatchObject({ cap: usd(15), held: 0n, refills: 1 })
    bench.write((tx) => bench.budget.lineage(tx, id))
    expect(bench.tables.sessions.get(id)).toMatchObject({ cap: usd(15), refills: 1 })
  })

  it('forgets an announced threshold only where the cap grew beyond it', () => {
    const { bench, id, hold } = opened()
    hold(usd(6))
    const session = bench.tables.sessions.get(id)
    const adjust = (cap: bigint) => bench.write((tx) => bench.budget.adjust(tx, session, { ...session, cap }))
    adjust(usd(11))
    expect(bench.tables.sessions.announced(id)).toBe(50)
    adjust(usd(13))
    expect(bench.tables.sessions.announced(id)).toBe(0)
  })
})
