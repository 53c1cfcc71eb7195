import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { isStorageFault, openDatabase, resultCode } from '../../../src/ledger/sqlite/database.ts'

const folders: string[] = []
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'purser-db-'))
  folders.push(made)
  return made
}
afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true })
})

const mode = (path: string) => statSync(path).mode & 0o777

describe('the file', () => {
  it('is readable by its user alone, its log too, in a folder that is made where it is missing', () => {
    const file = join(folder(), 'data', 'purser.db')
    using db = closing(openDatabase(file))
    expect([mode(file), mode(`${file}-wal`), mode(join(file, '..'))]).toEqual([0o600, 0o600, 0o700])
    expect(db.open.isOpen).toBe(true)
  })

  it('is closed to others where it was open to them', () => {
    const file = join(folder(), 'purser.db')
    openDatabase(file).close()
    chmodSync(file, 0o644)
    using _db = closing(openDatabase(file))
    expect(mode(file)).toBe(0o600)
  })

  it('loses nothing that was committed: write-ahead log, full synchronisation, foreign keys', () => {
    using db = closing(openDatabase(join(folder(), 'purser.db')))
    const pragma = (name: string) => Object.values(db.open.prepare(`PRAGMA ${name}`).get() ?? {})[0]
    expect(['journal_mode', 'synchronous', 'foreign_keys', 'locking_mode'].map(pragma)).toEqual(['wal', 2n, 1n, 'exclusive'])
  })

  it('belongs to one process: another is refused with a sentence that says so', async () => {
    const file = join(folder(), 'purser.db')
    using _db = closing(openDatabase(file))
    const module = resolve(import.meta.dirname, '../../../src/ledger/sqlite/database.ts')
    const script = `import { openDatabase } from ${JSON.stringify(module)}
      try { openDatabase(${JSON.stringify(file)}); console.log('opened') } catch (fault) { console.log(fault.refusal.code, fault.refusal.detail) }`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', script])
    expect(stdout).toBe(`ledger_unavailable Another process has the ledger ${file} open; one process owns it. Use that one, or stop it.\n`)
  })

  it('is refused a second time in this process too, and the first stays in possession', () => {
    const file = join(folder(), 'purser.db')
    using first = closing(openDatabase(file))
    expect(() => openDatabase(file)).toThrow('ledger_unavailable')
    first.open.exec(`INSERT INTO halts VALUES ('all', '', 'drill', 0)`)
    expect(() => openDatabase(file)).toThrow('ledger_unavailable')
  })

  it('is refused where it is no ledger, and left as it is', () => {
    const file = join(folder(), 'purser.db')
    writeFileSync(file, 'this is a letter, and no database at all'.repeat(100))
    expect(() => openDatabase(file)).toThrow('ledger_unavailable')
    expect(statSync(file).size).toBe(4_000)
  })

  it('is refused where it cannot be', () => {
    const file = join(folder(), 'purser.db')
    writeFileSync(file, '')
    expect(() => openDatabase(join(file, 'inner.db'))).toThrow('ledger_unavailable')
  })
})

describe('faults', () => {
  it.each([
    [10, 10, true],
    [266, 10, true],
    [13, 13, true],
    [19, 19, false],
    [2067, 19, false],
  ])('result code %i is of kind %i, and the storage’s: %s', (errcode, primary, storage) => {
    const fault = Object.assign(new Error('x'), { errcode })
    expect([resultCode(fault), isStorageFault(fault)]).toEqual([primary, storage])
  })

  it('of other kinds are not the storage’s', () => {
    expect([resultCode(new Error('x')), isStorageFault('x')]).toEqual([undefined, false])
  })
})

function closing(open: ReturnType<typeof openDatabase>) {
  return { open, [Symbol.dispose]: () => open.close() }
}
