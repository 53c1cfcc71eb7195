import { describe, expect, it } from 'vitest'
import { Watchers } from '../../../src/ledger/sqlite/watchers.ts'
import { workbench } from './workbench.ts'

describe('watchers', () => {
  it('are told once a write is durable, and never of one that was undone', () => {
    const { write } = workbench()
    const watchers = new Watchers()
    const told: string[] = []
    watchers.watch(({ kind }) => told.push(kind))
    write((tx) => {
      watchers.add(tx, { kind: 'halts' })
      expect(told).toEqual([])
    })
    const undone = () =>
      write((tx) => {
        watchers.add(tx, { kind: 'tokens' })
        throw new Error('undone')
      })
    expect(undone).toThrow('undone')
    expect(told).toEqual(['halts'])
  })

  it('watch each for themselves, the same listener twice too, until they stop', () => {
    const { write } = workbench()
    const watchers = new Watchers()
    let heard = 0
    const listener = () => {
      heard += 1
    }
    const [stop] = [watchers.watch(listener), watchers.watch(listener)]
    write((tx) => watchers.add(tx, { kind: 'halts' }))
    stop?.()
    write((tx) => watchers.add(tx, { kind: 'halts' }))
    expect(heard).toBe(3)
  })
})
