import { describe, expect, it } from 'vitest'
import { Answers } from '../../../src/ledger/sqlite/answers.ts'
import { emptyDatabase } from './workbench.ts'

/** A store of 100 bytes; payments need not exist. */
function bench() {
  const db = emptyDatabase()
  db.exec('PRAGMA foreign_keys = OFF')
  const answers = new Answers(db, 100)
  const keep = (id: string, bytes: number, { expiresAt = 1_000, now = 0 } = {}) =>
    answers.keep({ now, afterCommit: () => undefined }, id, { sealed: Buffer.alloc(bytes, id), expiresAt })
  const kept = (...ids: string[]) => ids.filter((id) => answers.find(id, 0) !== undefined)
  return { db, answers, keep, kept }
}

describe('kept answers', () => {
  it('come back as they were kept, until they expire', () => {
    const { answers, keep } = bench()
    keep('a', 3)
    expect(answers.find('a', 999)).toEqual({ sealed: new Uint8Array(Buffer.from('aaa')), expiresAt: 1_000 })
    expect(answers.find('a', 1_000)).toBeUndefined()
    expect(answers.find('b', 0)).toBeUndefined()
  })

  it('are bounded in all, and the oldest go first', () => {
    const { keep, kept } = bench()
    for (const id of ['a', 'b', 'c']) keep(id, 40)
    expect(kept('a', 'b', 'c')).toEqual(['b', 'c'])
    keep('d', 100)
    expect(kept('a', 'b', 'c', 'd')).toEqual(['d'])
  })

  it('larger than all together are not kept', () => {
    const { keep, kept } = bench()
    keep('a', 101)
    expect(kept('a')).toEqual([])
  })

  it('make room once they have expired', () => {
    const { db, keep, kept } = bench()
    keep('a', 50, { expiresAt: 10 })
    keep('b', 40)
    keep('c', 50, { now: 10 })
    expect(kept('a', 'b', 'c')).toEqual(['b', 'c'])
    expect(db.prepare('SELECT count(*) AS rows FROM kept_answers').get()).toEqual({ rows: 2n })
  })

  it('are one for each payment, the latest, and only that one counts', () => {
    const { answers, keep, kept } = bench()
    keep('a', 90)
    keep('a', 5)
    keep('b', 95)
    expect(answers.find('a', 0)?.sealed).toHaveLength(5)
    expect(kept('a', 'b')).toEqual(['a', 'b'])
  })

  it('are counted again after a restart', () => {
    const { db, keep } = bench()
    keep('a', 60)
    const again = new Answers(db, 100)
    again.keep({ now: 0, afterCommit: () => undefined }, 'b', { sealed: Buffer.alloc(60), expiresAt: 1_000 })
    expect([again.find('a', 0), again.find('b', 0)?.sealed.length]).toEqual([undefined, 60])
  })
})
