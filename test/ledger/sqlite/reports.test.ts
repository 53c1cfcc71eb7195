/** What every store does is in the conformance suite; here is what only this one has to. */
import { describe, expect, it } from 'vitest'
import { Batch } from '../../../src/ledger/sqlite/batch.ts'
import { SqliteReports } from '../../../src/ledger/sqlite/reports.ts'
import { testClock } from '../../clock.ts'
import { emptyDatabase } from './workbench.ts'

describe('reports in the file', () => {
  it('are told to be kept only when they are on the disk', async () => {
    const db = emptyDatabase()
    const ends: (() => void)[] = []
    const schedule = (run: () => void) => {
      ends.push(run)
      return () => undefined
    }
    const ignore = () => undefined
    const store = new SqliteReports({ db, batch: new Batch({ db, clock: testClock(), onCommit: ignore, onFault: ignore, schedule }) })
    const told: string[] = []
    const kept = store.keep({ date: '2026-06-27', final: true, madeAt: 1, text: '{}' }).then((is) => told.push(`kept ${is}`))
    await new Promise((resolve) => setImmediate(resolve))
    expect(told).toEqual([])
    for (const end of ends) end()
    await kept
    expect(told).toEqual(['kept true'])
  })
})
