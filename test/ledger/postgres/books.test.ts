import { describe, expect, it } from 'vitest'
import { tableBench } from './table-bench.ts'

describe('the books in a working set', () => {
  it('sum what is spent in a bucket, and give back', async () => {
    const bench = tableBench()
    const bucket = { sessionId: 's', bucket: 'tool:search' }
    await bench.write(({ tx, tables }) => tables.spending.add(tx, bucket, 5n))
    const used = await bench.write(({ tx, tables: { spending } }) => {
      spending.add(tx, bucket, 2n)
      spending.takeBack(tx, bucket, 3n)
      return [spending.used(bucket), spending.used({ ...bucket, bucket: 'tool:none' })]
    })
    expect(used).toEqual([4n, 0n])
  })

  it('know a key by its request, and refuse it for another', async () => {
    const bench = tableBench()
    const key = { key: 'k', digest: 'd' }
    expect(await bench.write(({ tables }) => tables.adminKeys.used('open', key))).toBeUndefined()
    await bench.write(({ tx, tables }) => tables.adminKeys.claim(tx, 'open', { key, sessionId: 's' }))
    expect(await bench.write(({ tables }) => tables.adminKeys.used('open', key))).toBe('s')
    expect(await bench.write(({ tables }) => tables.adminKeys.used('open', undefined))).toBeUndefined()
    for (const other of [
      { operation: 'topup', key },
      { operation: 'open', key: { key: 'k', digest: 'x' } },
    ] as const) {
      const used = bench.write(({ tables }) => tables.adminKeys.used(other.operation, other.key))
      await expect(used).rejects.toMatchObject({ refusal: { code: 'conflict' } })
    }
  })

  it('keep a run of refusals as it was put last', async () => {
    const bench = tableBench()
    const run = { sessionId: 's', digest: 'd', paymentId: 'p', beganAt: 5, count: 1, recorded: 1 }
    await bench.write(({ tx, tables }) => tables.refusalRuns.put(tx, run))
    await bench.write(({ tx, tables }) => tables.refusalRuns.put(tx, { ...run, count: 2 }))
    expect(await bench.write(({ tables }) => tables.refusalRuns.find('s', 'd'))).toEqual({ ...run, count: 2 })
    expect(await bench.write(({ tables }) => tables.refusalRuns.find('s', 'x'))).toBeUndefined()
  })

  it('know each refund by its source, and what came back in all', async () => {
    const bench = tableBench()
    const refund = { paymentId: 'p', source: 'a', amountAtomic: 2n ** 200n, evidence: 'e', by: 'chain', at: 5 }
    await bench.write(({ tx, tables }) => tables.refunds.insert(tx, refund))
    const known = await bench.write(({ tx, tables: { refunds } }) => {
      refunds.insert(tx, { ...refund, source: 'b', amountAtomic: 1n })
      return [refunds.find('a'), refunds.find('c'), refunds.total('p'), refunds.total('q')]
    })
    expect(known).toEqual([{ paymentId: 'p', amountAtomic: 2n ** 200n }, undefined, 2n ** 200n + 1n, 0n])
  })

  it('keep a correction until it is removed', async () => {
    const bench = tableBench()
    const correction = { paymentId: 'p', outcome: 'void', transaction: null, evidence: 'e', by: 'tok_1', at: 5 } as const
    await bench.write(({ tx, tables }) => tables.corrections.put(tx, { ...correction, by: 'tok_2' }))
    await bench.write(({ tx, tables }) => tables.corrections.put(tx, correction))
    expect(await bench.write(({ tables }) => tables.corrections.find('p'))).toEqual(correction)
    await bench.write(({ tx, tables }) => tables.corrections.remove(tx, 'p'))
    expect(await bench.write(({ tables }) => tables.corrections.find('p'))).toBeUndefined()
  })

  it('list halts oldest first, replace and lift them, and know the policy in force', async () => {
    const bench = tableBench()
    const halt = { scope: 'agent', value: 'a', reason: 'drill', at: 5 } as const
    await bench.write(({ tables: { halts } }) => {
      halts.set(halt)
      halts.set({ ...halt, value: 'b', at: 4 })
      halts.set({ ...halt, reason: 'again' })
    })
    const listed = await bench.write(({ tables }) => tables.halts.all())
    expect(listed).toEqual([
      { ...halt, value: 'b', at: 4 },
      { ...halt, reason: 'again' },
    ])
    await bench.write(({ tables }) => tables.halts.lift(halt))
    expect(await bench.write(({ tables }) => tables.halts.all())).toHaveLength(1)
    expect(await bench.write(({ tables }) => tables.policy.inForce())).toBeUndefined()
    bench.store.rowsOf('meta').push({ key: 'policy', value: 'v1' })
    expect(await bench.write(({ tables }) => tables.policy.inForce())).toBe('v1')
  })
})
