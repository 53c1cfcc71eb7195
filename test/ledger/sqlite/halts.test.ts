import { describe, expect, it } from 'vitest'
import { workbench } from './workbench.ts'

describe('halts', () => {
  it('are one for each scope and value, oldest first, the last reason told', () => {
    const { tables, write } = workbench()
    const { halts } = tables
    write((tx) => halts.set(tx, { scope: 'agent', value: 'a', reason: 'first', at: 2 }))
    write((tx) => halts.set(tx, { scope: 'all', value: '', reason: 'all', at: 1 }))
    write((tx) => halts.set(tx, { scope: 'agent', value: 'a', reason: 'second', at: 3 }))
    expect(halts.all()).toEqual([
      { scope: 'all', value: '', reason: 'all', at: 1 },
      { scope: 'agent', value: 'a', reason: 'second', at: 3 },
    ])
    write((tx) => halts.lift(tx, { scope: 'all', value: '' }))
    write((tx) => halts.lift(tx, { scope: 'all', value: '' }))
    expect(halts.all().map(({ scope }) => scope)).toEqual(['agent'])
  })

  it('are as they were where their change was undone', () => {
    const { tables, db, clock } = workbench()
    const { halts, pending } = tables
    expect(halts.all()).toEqual([])
    const tx = { now: clock.now(), afterCommit: () => undefined }
    db.exec('SAVEPOINT operation')
    halts.set(tx, { scope: 'all', value: '', reason: 'all', at: 1 })
    expect(halts.all()).toHaveLength(1)
    db.exec('ROLLBACK TO operation')
    pending.takeBack()
    expect(halts.all()).toEqual([])
  })
})
