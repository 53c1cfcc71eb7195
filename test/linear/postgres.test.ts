import postgres, { type Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { openPostgresLedger } from '../../src/ledger/postgres.ts'
import { countingIds, testClock } from '../clock.ts'
import { fixtures } from '../ledger/fixtures.ts'
import { type PostgresServer, startPostgres } from '../postgres/server.ts'
import { createSumBudget, openSumBudget, sumWay } from './controls/sum-budget.ts'
import { HISTORIES, WORKLOAD } from './histories.ts'
import { ledgerWay } from './ledger-way.ts'
import { record } from './recorder.ts'
import { verdictOn } from './verdict.ts'

const clock = testClock()
const make = fixtures(countingIds(), () => clock.now())
let server: PostgresServer
let ledgers: readonly [Ledger, Ledger] | undefined

function open(url: string, name: string): Promise<Ledger> {
  const count = countingIds()
  const ids = (prefix: string) => `${count(prefix)}_${name}`
  return openPostgresLedger({ url, clock, ids, runId: `run_${name}`, instance: null, unsafeAsyncReplication: true })
}

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } })
  const url = await server.createDatabase()
  ledgers = [await open(url, 'a'), await open(url, 'b')]
})
afterAll(async () => {
  for (const ledger of ledgers ?? []) await ledger[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

describe('concurrent histories of one session in PostgreSQL, by two processes', () => {
  it(`are linearizable (${HISTORIES} of them)`, { timeout: 1_000 * HISTORIES + 60_000 }, async () => {
    if (!ledgers) throw new Error('the ledgers did not open')
    const [a, b] = ledgers
    for (let seed = 1; seed <= HISTORIES; seed++) {
      const session = await a.openSession(make.session({ cap: WORKLOAD.cap }))
      const options = { sessionId: session.id, make }
      const operations = await record([ledgerWay(a, options), ledgerWay(b, options)], { ...WORKLOAD, seed })
      expect(verdictOn(operations, WORKLOAD.cap), `seed ${seed}`).toBe('linearizable')
    }
  })

  it('are found not to be, within 1,000, where one statement locks and sums', { timeout: 120_000 }, async () => {
    const sql: Sql = postgres(await server.createDatabase(), { max: WORKLOAD.clients })
    try {
      await createSumBudget(sql)
      expect(await firstBroken(sql, 1_000)).toMatch(/^no order explains/)
    } finally {
      await sql.end()
    }
  })
})

async function firstBroken(sql: Sql, histories: number): Promise<string> {
  let verdict = ''
  for (let seed = 1; seed <= histories; seed++) {
    await openSumBudget(sql, `budget ${seed}`, WORKLOAD.cap)
    const way = sumWay(sql, `budget ${seed}`)
    // What it cannot do is not asked of it.
    const operations = await record([way], { ...WORKLOAD, seed, without: ['close', 'balance'] })
    verdict = verdictOn(operations, WORKLOAD.cap)
    if (verdict !== 'linearizable') return verdict
  }
  return verdict
}
