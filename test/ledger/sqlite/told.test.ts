/** What every store does is in the conformance suite; here is what only this one has to. */
import { describe, expect, it } from 'vitest'
import { SqliteApprovals } from '../../../src/ledger/sqlite/approvals.ts'
import { Batch } from '../../../src/ledger/sqlite/batch.ts'
import { SqliteTold } from '../../../src/ledger/sqlite/told.ts'
import { Watchers } from '../../../src/ledger/sqlite/watchers.ts'
import { testClock } from '../../clock.ts'
import { emptyDatabase } from './workbench.ts'

describe('how far receivers were told, in the file', () => {
  it('moves only when it is on the disk, and not at all where the notices beside it cannot be written', async () => {
    const db = emptyDatabase()
    const ends: (() => void)[] = []
    const schedule = (run: () => void) => {
      ends.push(run)
      return () => undefined
    }
    const ignore = () => undefined
    const batch = new Batch({ db, clock: testClock(), onCommit: ignore, onFault: ignore, schedule })
    const told = new SqliteTold({ db, batch, approvals: new SqliteApprovals({ db, batch, changes: new Watchers() }) })
    const heard: string[] = []
    const moving = told.tell({ receiver: 'r', from: undefined, to: 3n, notices: [] }).then((is) => heard.push(`moved ${is}`))
    await new Promise((resolve) => setImmediate(resolve))
    expect(heard).toEqual([])
    for (const end of ends.splice(0)) end()
    await moving
    expect(heard).toEqual(['moved true'])
    const broken = {
      id: 'ntc_1',
      approvalId: 'apr_unknown',
      type: 't',
      person: '',
      channel: 'webhook',
      target: 't',
      payload: '{}',
    } as const
    const notice = { ...broken, state: 'waiting', attempts: 0, dueAt: 0, createdAt: 0, deliveredAt: null, lastError: null } as const
    await expect(told.tell({ receiver: 'r', from: 3n, to: 4n, notices: [notice] })).rejects.toThrow(/constraint/i)
    expect(await told.toldUpTo('r')).toBe(3n)
    for (const end of ends.splice(0)) end()
  })
})
