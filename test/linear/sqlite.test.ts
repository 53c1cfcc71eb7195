import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite.ts'
import { countingIds, testClock } from '../clock.ts'
import { fixtures } from '../ledger/fixtures.ts'
import { HISTORIES, WORKLOAD } from './histories.ts'
import { ledgerWay } from './ledger-way.ts'
import { record } from './recorder.ts'
import { verdictOn } from './verdict.ts'

const clock = testClock()
const ids = countingIds()
const make = fixtures(countingIds(), () => clock.now())
let folder = ''
let ledger: Ledger

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-linear-'))
  ledger = await openSqliteLedger({ file: join(folder, 'ledger.db'), clock, ids, runId: 'run_1' })
})
afterAll(async () => {
  await ledger[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

describe('concurrent histories of one session in SQLite', () => {
  it(`are linearizable (${HISTORIES} of them)`, { timeout: 10 * HISTORIES + 60_000 }, async () => {
    for (let seed = 1; seed <= HISTORIES; seed++) {
      const session = await ledger.openSession(make.session({ cap: WORKLOAD.cap }))
      const way = ledgerWay(ledger, { sessionId: session.id, make })
      const operations = await record([way], { ...WORKLOAD, seed })
      expect(verdictOn(operations, WORKLOAD.cap), `seed ${seed}`).toBe('linearizable')
    }
  })
})
