/** What every store does is in the conformance suite; here is what only this one has to. */
import { describe, expect, it } from 'vitest'
import { Batch } from '../../../src/ledger/sqlite/batch.ts'
import { SqliteFundings } from '../../../src/ledger/sqlite/fundings.ts'
import { testClock } from '../../clock.ts'
import { planned } from '../../conformance/ledger-fundings.ts'
import { emptyDatabase } from './workbench.ts'

describe('fundings in the file', () => {
  it('are told to be planned only when they are on the disk', async () => {
    const db = emptyDatabase()
    const ends: (() => void)[] = []
    const schedule = (run: () => void) => {
      ends.push(run)
      return () => undefined
    }
    const ignore = () => undefined
    const store = new SqliteFundings({ db, batch: new Batch({ db, clock: testClock(), onCommit: ignore, onFault: ignore, schedule }) })
    const told: string[] = []
    const kept = store.plan(planned('ses_a')).then((is) => told.push(`planned ${is}`))
    await new Promise((resolve) => setImmediate(resolve))
    expect(told).toEqual([])
    for (const end of ends) end()
    await kept
    expect(told).toEqual(['planned true'])
  })
})
