import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { refused } from '../../../src/errors.ts'
import { Batch, type BatchOptions, type Sync } from '../../../src/ledger/sqlite/batch.ts'
import { Pending } from '../../../src/ledger/sqlite/pending.ts'
import { NOTE_COMMIT_DELAY_MS } from '../../../src/limits.ts'
import { testClock } from '../../clock.ts'

function bench(options: Partial<BatchOptions> = {}) {
  const db = new DatabaseSync(':memory:', { readBigInts: true })
  db.exec('CREATE TABLE owners (id INTEGER PRIMARY KEY) STRICT')
  db.exec('CREATE TABLE notes (text TEXT NOT NULL UNIQUE, owner INTEGER REFERENCES owners (id) DEFERRABLE INITIALLY DEFERRED) STRICT')
  const commits: number[] = []
  const faults: string[] = []
  const onCommit = (duration_ms: number) => commits.push(duration_ms)
  const batch = new Batch({ db, clock: testClock(), onCommit, onFault: (sentence) => faults.push(sentence), ...options })
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

  it('lets nobody who is told of a commit break what follows', async () => {
    const { batch, faults } = bench()
    const told: string[] = []
    const fail = () => {
      throw new Error('a listener')
    }
    const first = batch.write((tx) => tx.afterCommit(fail))
    const second = batch.write((tx) => tx.afterCommit(() => told.push('second')))
    await Promise.all([first.durable, second.durable])
    expect(told).toEqual(['second'])
    expect(faults).toEqual(['What follows a commit failed.'])
    expect(batch.fault).toBeUndefined()
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
    await batch.close()
    expect(commits).toHaveLength(3)
  })

  it('opens no transaction for what is noted aside, and takes back what of it failed', async () => {
    const pending = new Pending()
    const { batch, db, commits, note } = bench({ pending })
    const told: string[] = []
    batch.aside((tx) => tx.afterCommit(() => told.push('at once')))
    expect([told, db.isTransaction]).toEqual([['at once'], false])
    const written = note('a')
    batch.aside((tx) => tx.afterCommit(() => told.push('with the commit')))
    const failing = () =>
      batch.aside((tx) => {
        tx.afterCommit(() => told.push('never'))
        pending.onUndo(() => told.push('undone'))
        throw refused('conflict', 'no')
      })
    expect(failing).toThrow('conflict')
    await written.durable
    expect([told, commits.length]).toEqual([['at once', 'undone', 'with the commit'], 1])
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
    const closed = batch.close()
    expect(() => note('b')).toThrow('ledger_unavailable')
    await written.durable
    await closed
    expect([commits.length, db.isOpen]).toEqual([1, false])
    expect(() => batch.read(() => 1)).toThrow('ledger_unavailable')
    await batch.close()
  })

  it('commits when its schedule says so, at the end of the turn for whoever waits and later for a note', async () => {
    const runs: { readonly run: () => void; readonly delay_ms: number; off: boolean }[] = []
    const schedule = (run: () => void, delay_ms: number) => {
      const one = { run, delay_ms, off: false }
      runs.push(one)
      return () => {
        one.off = true
      }
    }
    const { note, commits } = bench({ schedule })
    const written = note('a')
    expect(runs.map(({ delay_ms }) => delay_ms)).toEqual([NOTE_COMMIT_DELAY_MS, 0])
    await setImmediate()
    expect(commits).toHaveLength(0)
    runs[1]?.run()
    await written.durable
    expect(runs[0]?.off).toBe(true)
    runs[0]?.run()
    expect(commits).toHaveLength(1)
  })

  it('counts each commit within it and marks it after it', async () => {
    const told: string[] = []
    const counter = { advance: () => told.push('advance'), reached: () => told.push('reached') }
    const { note } = bench({ counter, onCommit: () => told.push('commit') })
    await note('a').durable
    expect(told).toEqual(['advance', 'reached', 'commit'])
  })

  it('stands by what it has committed where its mark cannot be written, and writes nothing more', async () => {
    const counter = {
      advance: () => undefined,
      reached: () => {
        throw new Error('the disk')
      },
    }
    const { note, notes, batch, faults } = bench({ counter })
    await note('a').durable
    expect(notes()).toEqual(['a'])
    expect([batch.fault, faults.length]).toEqual([expect.stringContaining('high-water mark'), 1])
    expect(() => note('b')).toThrow('ledger_unavailable')
  })

  it('takes back what it could not count', async () => {
    const counter = {
      advance: () => {
        throw new Error('the disk')
      },
      reached: () => undefined,
    }
    const { note, notes } = bench({ counter })
    await expect(note('a').durable).rejects.toMatchObject(UNAVAILABLE)
    expect(notes()).toEqual([])
  })

  it('that is frozen from the start reads and writes nothing, and says why', () => {
    const { batch, note, notes } = bench({ fault: 'An older copy.' })
    expect(batch.read(() => notes())).toEqual([])
    expect(() => note('a')).toThrow('An older copy.')
  })
})

/** A disk that is done when the test says so. */
function slowDisk() {
  const waiting: Parameters<Sync>[0][] = []
  return {
    waiting,
    sync: (done: Parameters<Sync>[0]) => void waiting.push(done),
    done: (fault?: unknown) => waiting.shift()?.(fault),
  }
}

/** What became of it by now: nothing else is waited for. */
async function stateOf({ durable }: { readonly durable: Promise<void> }): Promise<'waits' | 'durable' | 'lost'> {
  const settled = durable.then(
    () => 'durable' as const,
    () => 'lost' as const,
  )
  return Promise.race([settled, setImmediate('waits' as const)])
}

describe('a disk that is waited for off the event loop', () => {
  it('is done before anybody is told that something is durable, and before the mark says so', async () => {
    const disk = slowDisk()
    const told: string[] = []
    const counter = { advance: () => told.push('advance'), reached: () => told.push('reached') }
    const { batch, db } = bench({ sync: disk.sync, counter, onCommit: () => told.push('commit') })
    const written = batch.write((tx) => tx.afterCommit(() => told.push('effect')))
    expect(await stateOf(written)).toBe('waits')
    expect([db.isTransaction, disk.waiting.length, told]).toEqual([false, 1, ['advance']])
    disk.done()
    expect(await stateOf(written)).toBe('durable')
    expect(told).toEqual(['advance', 'reached', 'commit', 'effect'])
  })

  it('is asked for one commit at a time; what is written meanwhile shares the next one', async () => {
    const disk = slowDisk()
    const { note, notes, commits } = bench({ sync: disk.sync })
    const first = note('a')
    await setImmediate()
    const second = note('b')
    await setImmediate()
    const third = note('c')
    await setImmediate()
    expect([notes(), disk.waiting.length]).toEqual([['a', 'b', 'c'], 1])
    disk.done()
    expect([await stateOf(first), await stateOf(second), await stateOf(third)]).toEqual(['durable', 'waits', 'waits'])
    expect(disk.waiting).toHaveLength(1)
    disk.done()
    await Promise.all([second.durable, third.durable])
    expect(commits).toHaveLength(2)
  })

  it('lets a note whose time is over be committed as soon as it is done', async () => {
    const disk = slowDisk()
    const runs: { readonly run: () => void; readonly delay_ms: number }[] = []
    const schedule = (run: () => void, delay_ms: number) => {
      runs.push({ run, delay_ms })
      return () => undefined
    }
    const last = (delay_ms: number) => runs.findLast((one) => one.delay_ms === delay_ms)?.run()
    const { batch, note } = bench({ sync: disk.sync, schedule })
    const first = note('a')
    last(0)
    const noted = batch.note(() => undefined)
    last(NOTE_COMMIT_DELAY_MS)
    expect([await stateOf(first), await stateOf(noted), disk.waiting.length]).toEqual(['waits', 'waits', 1])
    disk.done()
    last(0)
    disk.done()
    await noted.durable
  })

  it('that fails makes nothing durable, takes back what was decided meanwhile, and nothing is written any more', async () => {
    const disk = slowDisk()
    const told: string[] = []
    const counter = { advance: () => undefined, reached: () => told.push('reached') }
    const { batch, note, notes, faults, commits } = bench({ sync: disk.sync, counter })
    const committed = batch.write((tx) => tx.afterCommit(() => told.push('effect')))
    await setImmediate()
    const decided = note('b')
    disk.done(new Error('EIO: i/o error, fdatasync'))
    for (const { durable } of [committed, decided]) await expect(durable).rejects.toMatchObject(UNAVAILABLE)
    expect([notes(), told, commits]).toEqual([[], [], []])
    expect(faults).toEqual([expect.stringMatching(/^The ledger could not be committed \(EIO.*started again\.$/)])
    expect(batch.fault).toBe(faults[0])
    expect(() => note('c')).toThrow('ledger_unavailable')
    await batch.close()
  })

  it('makes nothing durable any more after another fault of the storage, whatever it says itself', async () => {
    const disk = slowDisk()
    const { batch, db, note } = bench({ sync: disk.sync })
    const committed = note('a')
    await setImmediate()
    db.exec(`PRAGMA max_page_count = ${db.prepare('PRAGMA page_count').get()?.page_count}`)
    expect(() => note('x'.repeat(100_000))).toThrow('ledger_unavailable')
    disk.done()
    await expect(committed.durable).rejects.toMatchObject(UNAVAILABLE)
    expect(batch.fault).toContain('full')
  })

  it('leaves what was decided meanwhile undone where the mark of what it has cannot be written', async () => {
    const disk = slowDisk()
    const counter = {
      advance: () => undefined,
      reached: () => {
        throw new Error('the disk')
      },
    }
    const { note, notes, faults } = bench({ sync: disk.sync, counter })
    const committed = note('a')
    await setImmediate()
    const decided = note('b')
    disk.done()
    expect([await stateOf(committed), await stateOf(decided)]).toEqual(['durable', 'lost'])
    expect([notes(), faults.length]).toEqual([['a'], 1])
  })

  it('is waited for when the file is closed, with what was decided meanwhile', async () => {
    const disk = slowDisk()
    const { batch, db, note } = bench({ sync: disk.sync })
    const first = note('a')
    await setImmediate()
    const second = note('b')
    const closed = batch.close()
    expect(() => note('c')).toThrow('ledger_unavailable')
    disk.done()
    expect([await stateOf(first), await stateOf(second), db.isOpen]).toEqual(['durable', 'waits', true])
    disk.done()
    await closed
    expect([await stateOf(second), db.isOpen]).toEqual(['durable', false])
  })
})
