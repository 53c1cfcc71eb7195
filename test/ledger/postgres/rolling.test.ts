import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tableBench } from './table-bench.ts'

describe('a rolling sum in a working set', () => {
  it('counts what came later than the window’s begin, in its own series, across transactions and within one', async () => {
    const bench = tableBench()
    const began = bench.clock.now()
    await bench.write(({ tx, tables }) => tables.rolling.add(tx, { series: 's', amount: 1n }))
    bench.clock.advance(10)
    const sums = await bench.write(({ tx, tables: { rolling } }) => {
      rolling.add(tx, { series: 's', amount: 2n })
      rolling.add(tx, { series: 'other', amount: 5n })
      const windows = [began - 1, began].map((after) => ({ series: 's', after }))
      return [...windows, { series: 'none', after: 0 }].map((window) => ({ sum: rolling.sum(window), oldest: rolling.oldest(window) }))
    })
    expect(sums).toEqual([
      { sum: 3n, oldest: began },
      { sum: 2n, oldest: began + 10 },
      { sum: 0n, oldest: undefined },
    ])
  })

  it('leaves out what was voided, before or in this very transaction, once', async () => {
    const bench = tableBench()
    const entry = await bench.write(({ tx, tables }) => tables.rolling.add(tx, { series: 's', amount: 3n }))
    const window = { series: 's', after: 0 }
    const sums = await bench.write(({ tx, tables: { rolling } }) => {
      const fresh = rolling.add(tx, { series: 's', amount: 4n })
      const both = rolling.sum(window)
      rolling.takeBack(tx, entry)
      rolling.takeBack(tx, entry)
      const one = rolling.sum(window)
      rolling.takeBack(tx, fresh)
      return [both, one, rolling.sum(window)]
    })
    expect(sums).toEqual([7n, 4n, 0n])
    expect(await bench.write(({ tables }) => tables.rolling.sum(window))).toBe(0n)
  })

  it('keeps entries in order where a replica’s clock is behind: they leave late, never early', async () => {
    const bench = tableBench()
    const at = bench.clock.now()
    await bench.write(({ tx, tables }) => tables.rolling.add(tx, { series: 's', amount: 1n }))
    bench.clock.advance(-50)
    await bench.write(({ tx, tables }) => tables.rolling.add(tx, { series: 's', amount: 2n }))
    expect(bench.store.rowsOf('rolling').map((row) => row.at)).toEqual([BigInt(at), BigInt(at)])
    expect(await bench.write(({ tables }) => tables.rolling.sum({ series: 's', after: at - 1 }))).toBe(3n)
  })

  it('knows when enough will have left, of what this transaction added too', async () => {
    const bench = tableBench()
    const at = bench.clock.now()
    const left = await bench.write(({ tx, tables: { rolling } }) => {
      rolling.add(tx, { series: 's', amount: 2n })
      const window = { series: 's', after: at - 10 }
      return [rolling.leaves(window, 2n), rolling.leaves(window, 3n)]
    })
    expect(left).toEqual([at, undefined])
  })

  it('forgets with an operation that is undone what that added and voided', async () => {
    const bench = tableBench()
    const entry = await bench.write(({ tx, tables }) => tables.rolling.add(tx, { series: 's', amount: 3n }))
    const undone = bench.write(({ tx, tables: { rolling } }) => {
      rolling.takeBack(tx, entry)
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(await bench.write(({ tables }) => tables.rolling.sum({ series: 's', after: 0 }))).toBe(3n)
  })

  it('equals a plain sum, whatever is added and voided in whatever transactions', async () => {
    const step = fc.record({ amount: fc.bigInt({ min: 1n, max: 9n }), void: fc.boolean(), wait: fc.nat(5), alone: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.nat(30), async (steps, back) => {
        const bench = tableBench()
        const model: { at: number; amount: bigint }[] = []
        for (const { amount, void: voided, wait } of steps) {
          bench.clock.advance(wait)
          await bench.write(({ tx, tables: { rolling } }) => {
            const entry = rolling.add(tx, { series: 's', amount })
            if (voided) rolling.takeBack(tx, entry)
          })
          if (!voided) model.push({ at: bench.clock.now(), amount })
        }
        const after = bench.clock.now() - back
        const plain = model.filter(({ at }) => at > after).reduce((sum, { amount }) => sum + amount, 0n)
        expect(await bench.write(({ tables }) => tables.rolling.sum({ series: 's', after }))).toBe(plain)
      }),
      { numRuns: 60 },
    )
  })
})
