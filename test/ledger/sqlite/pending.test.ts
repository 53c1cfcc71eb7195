import { describe, expect, it } from 'vitest'
import { Pending } from '../../../src/ledger/sqlite/pending.ts'

function bench() {
  const told: string[] = []
  const pending = new Pending()
  for (const name of ['a', 'b']) {
    pending.join({
      write: () => told.push(`write ${name}`),
      committed: () => told.push(`committed ${name}`),
      forget: () => told.push(`forget ${name}`),
    })
  }
  return { told, pending }
}

describe('what is pending', () => {
  it('is written, kept and forgotten by all tables together', () => {
    const { told, pending } = bench()
    pending.write()
    pending.committed()
    pending.forget()
    expect(told).toEqual(['write a', 'write b', 'committed a', 'committed b', 'forget a', 'forget b'])
  })

  it('is taken back newest first, and nothing of an operation that is complete', () => {
    const { pending } = bench()
    const undone: string[] = []
    pending.onUndo(() => undone.push('complete'))
    pending.keep()
    for (const step of ['first', 'second']) pending.onUndo(() => undone.push(step))
    pending.takeBack()
    pending.takeBack()
    expect(undone).toEqual(['second', 'first'])
  })
})
