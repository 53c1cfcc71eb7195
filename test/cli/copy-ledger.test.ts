import { appendFileSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copyLedger } from '../../src/cli/copy-ledger.ts'
import { CliFailure } from '../../src/cli/failure.ts'
import { randomIds, systemClock } from '../../src/clock.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite.ts'
import { BACKUP_ATTEMPTS, BACKUP_SETTLED_MS } from '../../src/limits.ts'
import { fixtures } from '../ledger/fixtures.ts'

const make = fixtures(randomIds, () => Date.now())
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'purser-copy-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const NOW = Date.now()
const at = (name: string) => join(folder, name)
const open = (file: string) => openSqliteLedger({ file, clock: systemClock, ids: randomIds, runId: randomIds('run') })

/** A ledger as a killed process leaves it: the newest commits are in its log only. */
async function ledgerWithLog(sessions: number): Promise<{ source: string; ids: string[] }> {
  await using ledger = await open(at('used.db'))
  const ids: string[] = []
  for (let n = 0; n < sessions; n++) ids.push((await ledger.openSession(make.session())).id)
  for (const suffix of ['', '-wal']) copyFileSync(at(`used.db${suffix}`), at(`left.db${suffix}`))
  utimesSync(at('left.db'), new Date(0), new Date(0))
  return { source: at('left.db'), ids }
}

interface Way {
  /** Called when the file was looked at and before it is copied. */
  readonly meanwhile?: () => void
  readonly pause?: () => void
}

function copy(source: string, { meanwhile, pause }: Way = {}) {
  const clock = {
    now: () => {
      meanwhile?.()
      return NOW
    },
  }
  return copyLedger({ source, target: at('copy.db'), clock, pause: async () => pause?.(), signal: new AbortController().signal })
}

async function sessionsIn(file: string): Promise<string[]> {
  await using ledger = await open(file)
  return (await ledger.sessions({ limit: 100 })).items.map(({ id }) => id).reverse()
}

const copies = () => readdirSync(folder).filter((name) => name.startsWith('copy'))

describe('a copy of a ledger', () => {
  it('has what stands in its log too, in one file that its user alone can read', async () => {
    const { source, ids } = await ledgerWithLog(3)
    const { bytes, ledgerId, commits } = await copy(source)
    expect([copies(), statSync(at('copy.db')).mode & 0o777]).toEqual([['copy.db'], 0o600])
    expect([ledgerId, commits, bytes]).toEqual([
      expect.stringMatching(/^led_/),
      expect.stringMatching(/^[1-9][0-9]*$/),
      statSync(at('copy.db')).size,
    ])
    expect(await sessionsIn(at('copy.db'))).toEqual(ids)
  })

  it.each([
    ['half a frame', (log: Buffer) => log.subarray(0, log.length - 2_000), 1],
    ['bytes that are no frame', (log: Buffer) => Buffer.concat([log, Buffer.alloc(5_000, 7)]), 0],
  ])('ends with the last whole commit where its log ends in %s', async (_, change, lost) => {
    const { source, ids } = await ledgerWithLog(3)
    writeFileSync(`${source}-wal`, change(readFileSync(`${source}-wal`)))
    await copy(source)
    expect(await sessionsIn(at('copy.db'))).toEqual(ids.slice(0, ids.length - lost))
  })

  it('is made anew where the file, or the beginning of its log, changed meanwhile', async () => {
    const { source, ids } = await ledgerWithLog(2)
    const changes = [
      () => utimesSync(source, new Date(1_000), new Date(1_000)),
      () => {
        const log = readFileSync(`${source}-wal`)
        log.writeUInt32BE(log.readUInt32BE(12) + 1, 12)
        writeFileSync(`${source}-wal`, log)
      },
    ]
    const whole = readFileSync(`${source}-wal`)
    let paused = 0
    const pause = () => {
      paused++
      writeFileSync(`${source}-wal`, whole)
    }
    await copy(source, { meanwhile: () => changes.shift()?.(), pause })
    expect([paused, await sessionsIn(at('copy.db'))]).toEqual([2, ids])
  })

  it('takes commits for granted that are appended to the log meanwhile', async () => {
    const { source, ids } = await ledgerWithLog(2)
    let paused = 0
    await copy(source, { meanwhile: () => appendFileSync(`${source}-wal`, Buffer.alloc(100)), pause: () => paused++ })
    expect([paused, await sessionsIn(at('copy.db'))]).toEqual([0, ids])
  })

  it('waits where the file has just been written to: a change in the same instant would not show', async () => {
    const { source } = await ledgerWithLog(1)
    utimesSync(source, new Date(NOW), new Date(NOW))
    let paused = 0
    const pause = () => {
      paused++
      const before = new Date(NOW - 10 * BACKUP_SETTLED_MS)
      utimesSync(source, before, before)
    }
    await copy(source, { pause })
    expect(paused).toBe(1)
  })

  it('of a file that is always written to is given up, and leaves nothing behind', async () => {
    const { source } = await ledgerWithLog(1)
    let turn = 0
    const copying = copy(source, { meanwhile: () => utimesSync(source, new Date(turn), new Date(++turn)) })
    await expect(copying).rejects.toThrow('was written to each time it was copied')
    expect([turn, copies()]).toEqual([BACKUP_ATTEMPTS, []])
  })

  it('overwrites nothing', async () => {
    const { source } = await ledgerWithLog(1)
    writeFileSync(at('copy.db'), 'mine')
    await expect(copy(source)).rejects.toThrow('is there already')
    expect(readFileSync(at('copy.db'), 'utf8')).toBe('mine')
  })

  it.each([
    ['is not there', undefined, 'There is no ledger at'],
    ['is no database', 'x'.repeat(5_000), 'did not succeed'],
    ['is empty', '', 'did not succeed'],
  ])('of what %s is a failure with a reason, and leaves nothing behind', async (_, text, reason) => {
    if (text !== undefined) {
      writeFileSync(at('source'), text)
      utimesSync(at('source'), new Date(0), new Date(0))
    }
    const failure = copy(at('source'))
    await expect(failure).rejects.toBeInstanceOf(CliFailure)
    await expect(failure).rejects.toThrow(reason)
    expect(copies()).toEqual([])
  })
})
