/** What every store does is in the conformance suite; here is what only this one has to. */
import { describe, expect, it } from 'vitest'
import { SqliteApprovals } from '../../../src/ledger/sqlite/approvals.ts'
import { Batch } from '../../../src/ledger/sqlite/batch.ts'
import { Watchers } from '../../../src/ledger/sqlite/watchers.ts'
import { approvalOf } from '../../approval/facts.ts'
import { countingIds, testClock } from '../../clock.ts'
import { emptyDatabase } from './workbench.ts'

function stage() {
  const db = emptyDatabase()
  const clock = testClock()
  const ends: (() => void)[] = []
  const schedule = (run: () => void, delay_ms: number) => {
    if (delay_ms === 0) ends.push(run)
    return () => undefined
  }
  const ignore = () => undefined
  const batch = new Batch({ db, clock, onCommit: ignore, onFault: ignore, schedule })
  const store = new SqliteApprovals({ db, batch, changes: new Watchers() })
  const commit = () => {
    for (const end of ends.splice(0)) end()
  }
  return { db, batch, store, commit, basis: { ids: countingIds(), now: clock.now() } }
}

describe('approvals in the file', () => {
  it('are told only when they are on the disk', async () => {
    const { store, commit, basis } = stage()
    const told: string[] = []
    store.watchApprovals((id) => told.push(`told ${id}`))
    const approval = approvalOf(basis)
    const inserted = store.insertApproval(approval).then((is) => told.push(`inserted ${is}`))
    await new Promise((resolve) => setImmediate(resolve))
    expect(told).toEqual([])
    commit()
    await inserted
    expect(told).toEqual([`told ${approval.id}`, 'inserted true'])
  })

  it('of one commit are decided in their order: the second claim loses before the first is durable', async () => {
    const { store, commit, basis } = stage()
    const approval = approvalOf(basis, { state: 'approved' })
    const used = { ...approval, state: 'used', version: 2 } as const
    const all = Promise.all([store.insertApproval(approval), store.replaceApproval(used), store.replaceApproval(used)])
    commit()
    expect(await all).toEqual([true, true, false])
  })

  it('are refused as unavailable where the file cannot be written', async () => {
    const { store, batch, basis } = stage()
    await batch.close()
    const unavailable = { refusal: { code: 'ledger_unavailable' } }
    await expect(store.insertApproval(approvalOf(basis))).rejects.toMatchObject(unavailable)
    await expect(store.approval('apr_1')).rejects.toMatchObject(unavailable)
    await expect(store.useOnce('mark', 1)).rejects.toMatchObject(unavailable)
  })
})
