import { StatementSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { EDGES_OF_SERIES, STEPS_AHEAD } from '../../../src/hot-path-limits.ts'
import type { Entry } from '../../../src/ledger/tables.ts'
import { workbench } from './workbench.ts'

function rolled() {
  const bench = workbench()
  const { rolling } = bench.tables
  return { bench, rolling, add: (amount: bigint, series = 's') => bench.write((tx) => rolling.add(tx, { series, amount })) }
}

describe('a rolling sum', () => {
  it('counts what came later than the window’s begin, in its own series', () => {
    const { bench, rolling, add } = rolled()
    const began = bench.clock.now()
    add(1n)
    bench.clock.advance(10)
    add(2n)
    add(5n, 'other')
    expect(rolling.sum({ series: 's', after: began - 1 })).toBe(3n)
    expect(rolling.sum({ series: 's', after: began })).toBe(2n)
    expect(rolling.sum({ series: 's', after: began + 10 })).toBe(0n)
    expect(rolling.sum({ series: 'none', after: 0 })).toBe(0n)
    expect(rolling.oldest({ series: 's', after: began })).toBe(began + 10)
    expect(rolling.oldest({ series: 's', after: began + 10 })).toBeUndefined()
  })

  it('knows when enough will have left', () => {
    const { bench, rolling, add } = rolled()
    const began = bench.clock.now()
    for (const amount of [1n, 2n, 3n]) {
      add(amount)
      bench.clock.advance(10)
    }
    const window = { series: 's', after: began - 1 }
    expect([1n, 2n, 3n, 4n, 6n, 7n].map((amount) => rolling.leaves(window, amount))).toEqual([
      began,
      began + 10,
      began + 10,
      began + 20,
      began + 20,
      undefined,
    ])
  })

  it('equals a plain sum, whatever is added, taken back, undone and written in between, in windows that move on', () => {
    const step = fc.record({
      amount: fc.bigInt({ min: 1n, max: 9n }),
      wait: fc.nat(5),
      takeBack: fc.option(fc.nat(3)),
      undone: fc.boolean(),
      write: fc.constantFrom('not', 'written', 'forgotten'),
    })
    const spans = fc.array(fc.nat(60), { minLength: 1, maxLength: EDGES_OF_SERIES + 1 })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 3 * STEPS_AHEAD }), spans, (steps, windows) => {
        const { bench, rolling } = rolled()
        const { pending } = bench.tables
        let plain: readonly (Entry & { readonly at: number; readonly amount: bigint })[] = []
        bench.db.exec('BEGIN')
        for (const { amount, wait, takeBack, undone, write } of steps) {
          bench.clock.advance(wait)
          const tx = { now: bench.clock.now(), afterCommit: () => undefined }
          pending.keep()
          bench.db.exec('SAVEPOINT operation')
          const entry = rolling.add(tx, { series: 's', amount })
          const before = plain
          plain = [...plain, { ...entry, at: tx.now, amount }]
          const taken = takeBack === null ? undefined : plain.at(-1 - takeBack)
          if (taken) rolling.takeBack(tx, taken)
          plain = plain.filter((one) => one !== taken)
          if (write !== 'not') pending.write()
          if (undone) {
            bench.db.exec('ROLLBACK TO operation')
            pending.takeBack()
            plain = before
          } else if (write === 'forgotten') pending.forget()
          bench.db.exec('RELEASE operation')
          for (const span of windows) {
            const window = { series: 's', after: tx.now - span }
            const within = plain.filter(({ at }) => at > window.after)
            expect(rolling.sum(window)).toBe(within.reduce((sum, one) => sum + one.amount, 0n))
            expect(rolling.oldest(window)).toBe(within[0]?.at)
          }
        }
      }),
      { numRuns: 50 },
    )
  })

  it('looks into the file once for many payments, however full the window', () => {
    const { bench, rolling, add } = rolled()
    for (let n = 0; n < 3 * STEPS_AHEAD; n++) {
      add(1n)
      bench.clock.advance(10)
    }
    const looks = [vi.spyOn(StatementSync.prototype, 'get'), vi.spyOn(StatementSync.prototype, 'all')]
    for (let n = 0; n < 2 * STEPS_AHEAD; n++) {
      bench.clock.advance(10)
      rolling.sum({ series: 's', after: bench.clock.now() - 2 * STEPS_AHEAD * 10 })
    }
    expect(looks.reduce((sum, { mock }) => sum + mock.calls.length, 0)).toBeLessThan(20)
    vi.restoreAllMocks()
  })

  it('keeps counting what was added before the clock stepped back', () => {
    const { bench, rolling, add } = rolled()
    add(1n)
    bench.clock.advance(-1_000)
    add(2n)
    expect(rolling.sum({ series: 's', after: bench.clock.now() - 10 })).toBe(3n)
  })
})
