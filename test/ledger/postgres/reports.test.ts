/** What every store does is in the conformance suite; here is what only this one has to. */
import { describe, expect, it } from 'vitest'
import { Batch } from '../../../src/ledger/postgres/batch.ts'
import { readingFrom } from '../../../src/ledger/postgres/reading.ts'
import { PostgresReports } from '../../../src/ledger/postgres/reports.ts'
import { memoryBench } from './workbench.ts'

describe('reports of several processes', () => {
  it('are one for each day, whoever makes it first', async () => {
    const { store, clock, compose } = memoryBench()
    const process = () => new PostgresReports({ reading: readingFrom(store), batch: new Batch({ store, clock, compose }) })
    const [one, other] = [process(), process()]
    const kept = await Promise.all([one, other].map((each, n) => each.keep({ date: '2026-06-27', final: true, madeAt: n, text: `${n}` })))
    expect(kept.filter((won) => won)).toHaveLength(1)
    expect(await one.kept('2026-06-27')).toEqual(await other.kept('2026-06-27'))
  })
})
