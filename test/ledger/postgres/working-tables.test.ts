import { describe, expect, it } from 'vitest'
import { tableBench } from './table-bench.ts'

describe('the tables of a transaction', () => {
  it('tell the other processes of a change only where it is committed', async () => {
    const bench = tableBench()
    const heard: unknown[] = []
    bench.store.watch((change) => heard.push(change))
    const undone = bench.write(({ tx, tables }) => {
      tables.changes.add(tx, { kind: 'tokens' })
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    await bench.write(({ tx, tables }) => tables.changes.add(tx, { kind: 'session_ended', sessionId: 's' }))
    expect(heard).toEqual([{ kind: 'session_ended', sessionId: 's' }])
  })
})
