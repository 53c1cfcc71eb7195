import { fstatSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../../../src/ledger/sqlite/database.ts'
import { type Flush, WriteAheadLog } from '../../../src/ledger/sqlite/write-ahead-log.ts'

let folder = ''
let file = ''
let db: ReturnType<typeof openDatabase>
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'purser-wal-'))
  file = join(folder, 'purser.db')
  db = openDatabase(file)
})
afterEach(() => {
  db.close()
  rmSync(folder, { recursive: true })
})

const synced = (log: WriteAheadLog) => new Promise<unknown>((done) => log.sync(done))
const commit = (reason: string) => db.prepare(`INSERT OR REPLACE INTO halts VALUES ('all', '', ?, 0)`).run(reason)

describe('the log', () => {
  it('takes commits without a wait for the disk, and is put there when it is asked to', async () => {
    const flushed: number[] = []
    const flush: Flush = (fd, done) => {
      flushed.push(fstatSync(fd).ino)
      done(null)
    }
    using log = new WriteAheadLog(db, file, flush)
    expect(Object.values(db.prepare('PRAGMA synchronous').get() ?? {})).toEqual([1n])
    commit('drill')
    expect(flushed).toEqual([])
    expect(await synced(log)).toBeUndefined()
    expect(flushed).toEqual([statSync(`${file}-wal`).ino])
  })

  it('is put on a real disk, before and after it is begun anew', async () => {
    using log = new WriteAheadLog(db, file)
    commit('first')
    expect(await synced(log)).toBeUndefined()
    expect(db.prepare('PRAGMA wal_checkpoint(RESTART)').get()).toMatchObject({ busy: 0n })
    commit('second')
    expect(await synced(log)).toBeUndefined()
  })

  it('says what the disk says', async () => {
    const fault = new Error('EIO: i/o error, fdatasync')
    using log = new WriteAheadLog(db, file, (_fd, done) => done(fault))
    expect(await synced(log)).toBe(fault)
  })

  it.each([
    ['removed', () => rmSync(`${file}-wal`), 'its log is gone'],
    ['moved away', () => renameSync(`${file}-wal`, `${file}-old`), 'its log is gone'],
    ['replaced', replace, 'its log was replaced'],
  ])('that was %s has put nothing on the disk that would be found again', async (_, change, why) => {
    using log = new WriteAheadLog(db, file)
    commit('drill')
    change()
    expect(await synced(log)).toMatchObject({ message: why })
  })

  it('has to be there, or SQLite goes on waiting for the disk itself', () => {
    expect(() => new WriteAheadLog(db, join(folder, 'other.db'))).toThrow('ENOENT')
    expect(Object.values(db.prepare('PRAGMA synchronous').get() ?? {})).toEqual([2n])
  })
})

function replace(): void {
  writeFileSync(`${file}-new`, '')
  renameSync(`${file}-new`, `${file}-wal`)
}
