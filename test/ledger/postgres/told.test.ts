/** What every store does is in the conformance suite; here is what only this one has to. */
import { describe, expect, it } from 'vitest'
import { Batch } from '../../../src/ledger/postgres/batch.ts'
import { readingFrom } from '../../../src/ledger/postgres/reading.ts'
import { PostgresTold } from '../../../src/ledger/postgres/told.ts'
import { memoryBench } from './workbench.ts'

describe('how far receivers were told, with others who write', () => {
  it('ends where all who drew an earlier place have committed, and waits for nobody where nothing is new', async () => {
    const { store, clock, compose } = memoryBench()
    const reading = readingFrom(store)
    let waits = 0
    const rows: { seq: bigint }[] = []
    const told = new PostgresTold({
      batch: new Batch({ store, clock, compose }),
      reading: {
        count: reading.count,
        select: async (selection) => (selection.table === 'receipts' ? rows : reading.select(selection)),
        settledReceipts: async () => {
          waits += 1
          return 7n
        },
      },
    })
    expect([await told.settledPlace(5n), waits]).toEqual([5n, 0])
    // The ninth can be seen already; the eighth is not committed yet.
    rows.push({ seq: 9n })
    expect([await told.settledPlace(5n), waits]).toEqual([7n, 1])
  })

  it('moves once, whoever is first', async () => {
    const { store, clock, compose } = memoryBench()
    const process = () => new PostgresTold({ reading: readingFrom(store), batch: new Batch({ store, clock, compose }) })
    const [one, other] = [process(), process()]
    const moved = await Promise.all([one, other].map((each) => each.tell({ receiver: 'r', from: undefined, to: 3n, notices: [] })))
    expect(moved.filter((won) => won)).toHaveLength(1)
    expect(await other.toldUpTo('r')).toBe(3n)
  })
})
