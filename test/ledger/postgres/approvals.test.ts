/** What every store does is in the conformance suite; here is what only this one has to. */
import { describe, expect, it } from 'vitest'
import { PostgresApprovals } from '../../../src/ledger/postgres/approvals.ts'
import { Batch } from '../../../src/ledger/postgres/batch.ts'
import { readingFrom } from '../../../src/ledger/postgres/reading.ts'
import { approvalOf } from '../../approval/facts.ts'
import { memoryBench } from './workbench.ts'

function stage() {
  const { store, clock, compose, ids } = memoryBench()
  const batch = new Batch({ store, clock, compose })
  const process = () => new PostgresApprovals({ reading: readingFrom(store), batch, clock, watch: (listener) => store.watch(listener) })
  return { approvals: process(), process, clock, store, basis: { ids, now: clock.now() } }
}

describe('approvals of several processes', () => {
  it('are changed by one of those who saw the same version', async () => {
    const { process, basis } = stage()
    const approval = approvalOf(basis, { state: 'approved' })
    await process().insertApproval(approval)
    const used = { ...approval, state: 'used', version: 2 } as const
    const claims = await Promise.all(Array.from({ length: 8 }, () => process().replaceApproval(used)))
    expect(claims.filter((won) => won)).toHaveLength(1)
  })

  it('are heard of by all, and nothing else is heard of here', async () => {
    const { approvals, process, store, basis } = stage()
    const told: string[] = []
    const stop = process().watchApprovals((id) => told.push(id))
    const approval = approvalOf(basis)
    await approvals.insertApproval(approval)
    expect(told).toEqual([approval.id])
    stop()
    await approvals.replaceApproval({ ...approval, state: 'denied', version: 2 })
    expect(told).toEqual([approval.id])
    expect(store.readiness()).toEqual([])
  })

  it('leave no single-use mark behind that has expired', async () => {
    const { approvals, clock, store, basis } = stage()
    for (let count = 0; count < 5; count++) await approvals.useOnce(`mark ${count}`, basis.now + 10)
    clock.advance(11)
    await approvals.useOnce('fresh', basis.now + 100)
    expect(await store.count({ table: 'marks', where: [] })).toBe(1)
  })
})
