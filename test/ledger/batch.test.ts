import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { refused } from '../../src/errors.ts'
import { Batch } from '../../src/ledger/batch.ts'
import { testClock } from '../clock.ts'

function bench() {
  const db = new DatabaseSync(':memory:', { readBigInts: true })
  db.exec('CREATE TABLE owners (id INTEGER PRIMARY KEY) STRICT')
  db.exec('CREATE TABLE notes (text TEXT NOT NULL UNIQUE, owner INTEGER REFERENCES owners (id) DEFERRABLE INITIALLY DEFERRED) STRICT')
  const commits: number[] = []
  const faults: string[] = []
  const onCommit = (duration_ms: number) => commits.push(duration_ms)
  const batch = new Batch({ db, clock: testClock(), onCommit, onFault: (sentence) => faults.push(sentence) })
  const note = (text: string, owner: number | null = null) =>
    batch.write(() => db.prepare('INSERT INTO notes VALUES (?, ?)').run(text, owner))
  const notes = () =>
    db
      .prepare('SELECT text FROM notes ORDER BY text')
      .all()
      .map(({ text }) => text)
  return { db, batch, commits, faults, note, notes }
}

const UNAVAILABLE = { refusal: { code: 'ledger_unavailable' } }

describe('group commit', () => {
  it('makes all writes of one turn durable by one commit, and those of the next by another', async () => {
    const { commits, note } = bench()
    await Promise.all([note('a').durable, note('b').durable, Promise.resolve().then(() => note('c').durable)])
    expect(commits).toHaveLength(1)
    await note('d').durable
    expect(commits).toHaveLength(2)
  })

  it('lets a note ride with the next commit, and gives it one of its own where none comes', async () => {
    const { batch, db, commits, note, notes } = bench()
    const jot = (text: string) => batch.note(() => db.prepare('INSERT INTO notes VALUES (?, NULL)').run(text))
    jot('a')
    await setImmediate()
    expect(commits).toHaveLength(0)
    expect(notes()).toEqual(['a'])
    await note('b').durable
    expect(commits).toHaveLength(1)
    const alone = jot('c')
    await alone.durable
    expect(commits).toHaveLength(2)
    jot('d')
    batch.close()
    expect(commits).toHaveLength(3)
  })

  it('decides at once and is durable later', async () => {
    const { batch, db, note } = bench()
    let durable = false
    const written = note('a')
    const noted = written.durable.then(() => {
      durable = true
    })
    expect(batch.read(() => db.prepare('SELECT count(*) AS notes FROM notes').get())).toEqual({ notes: 1n })
    await Promise.resolve()
    expect(durable).toBe(false)
    await noted
    expect(db.isTransaction).toBe(false)
  })

  it('undoes what failed, and nothing of its neighbours', async () => {
    const { batch, db, note, notes, faults } = bench()
    const first = note('a')
    expect(() =>
      batch.write(() => {
        db.exec(`INSERT INTO notes VALUES ('half', NULL)`)
        throw refused('conflict', 'no')
      }),
    ).toThrow('conflict')
    expect(() => note('a')).toThrow('UNIQUE')
    const last = note('b')
    await Promise.all([first.durable, last.durable])
    expect(notes()).toEqual(['a', 'b'])
    expect([batch.fault, faults]).toEqual([undefined, []])
  })

  it('tells of a write only once it is durable, and never of one that failed', async () => {
    const { batch, note } = bench()
    const told: string[] = []
    const written = batch.write((tx) => tx.afterCommit(() => told.push('kept')))
    expect(() =>
      batch.write((tx) => {
        tx.afterCommit(() => told.push('undone'))
        throw new Error('no')
      }),
    ).toThrow('no')
    expect(told).toEqual([])
    await written.durable
    await note('b').durable
    expect(told).toEqual(['kept'])
  })

  it('takes everything of a failed commit back, and writes nothing any more', async () => {
    const { batch, note, notes, faults, commits } = bench()
    const told: string[] = []
    const writes = [note('a'), note('b', 404), batch.write((tx) => tx.afterCommit(() => told.push('told')))]
    for (const { durable } of writes) await expect(durable).rejects.toMatchObject(UNAVAILABLE)
    expect(notes()).toEqual([])
    expect([told, commits]).toEqual([[], []])
    expect(batch.fault).toMatch(/^The ledger could not be committed .*started again\.$/)
    expect(faults).toEqual([batch.fault])
    expect(() => note('c')).toThrow('ledger_unavailable')
    expect(batch.read(() => notes())).toEqual([])
  })

  it('takes the whole batch back where the storage failed within it', async () => {
    const { batch, db, note, notes } = bench()
    const first = note('a')
    const pages = db.prepare('PRAGMA page_count').get()
    db.exec(`PRAGMA max_page_count = ${pages?.page_count}`)
    expect(() => note('x'.repeat(100_000))).toThrow('ledger_unavailable')
    await expect(first.durable).rejects.toMatchObject(UNAVAILABLE)
    expect(notes()).toEqual([])
    expect(batch.fault).toContain('full')
  })

  it('lets nobody who waits for nothing bring the process down', async () => {
    const { note, batch } = bench()
    note('b', 404)
    await setImmediate()
    await setImmediate()
    expect(batch.fault).toBeDefined()
  })

  it('commits what is open when it is closed, and refuses everything afterwards', async () => {
    const { batch, db, note, commits } = bench()
    const written = note('a')
    batch.close()
    await written.durable
    expect([commits.length, db.isOpen]).toEqual([1, false])
    expect(() => note('b')).toThrow('ledger_unavailable')
    expect(() => batch.read(() => 1)).toThrow('ledger_unavailable')
    batch.close()
  })
})
