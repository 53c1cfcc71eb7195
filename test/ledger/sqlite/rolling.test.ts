import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
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

  it('equals a plain sum, whatever is added and taken back', () => {
    const step = fc.record({ amount: fc.bigInt({ min: 1n, max: 9n }), wait: fc.nat(5), takeBack: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.nat(60), (steps, span) => {
        const { bench, rolling, add } = rolled()
        const plain: { at: number; amount: bigint }[] = []
        for (const { amount, wait, takeBack } of steps) {
          bench.clock.advance(wait)
          const entry = add(amount)
          if (takeBack) bench.write((tx) => rolling.takeBack(tx, entry))
          else plain.push({ at: bench.clock.now(), amount })
        }
        const after = bench.clock.now() - span
        const within = plain.filter(({ at }) => at > after)
        expect(rolling.sum({ series: 's', after })).toBe(within.reduce((sum, { amount }) => sum + amount, 0n))
        expect(rolling.oldest({ series: 's', after })).toBe(within[0]?.at)
      }),
      { numRuns: 50 },
    )
  })

  it('keeps counting what was added before the clock stepped back', () => {
    const { bench, rolling, add } = rolled()
    add(1n)
    bench.clock.advance(-1_000)
    add(2n)
    expect(rolling.sum({ series: 's', after: bench.clock.now() - 10 })).toBe(3n)
  })
})
