import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { composePostgresLedger, openPostgresLedger, type PostgresLedgerOptions } from '../../src/ledger/postgres.ts'
import { countingIds } from '../clock.ts'
import { authorizationFor, fixtures, usd } from './fixtures.ts'
import { MemoryStore } from './postgres/memory-store.ts'
import { sharedServer } from './postgres/server-stage.ts'

const server = sharedServer()
const folder = mkdtempSync(join(tmpdir(), 'purser-ledger-'))
afterAll(() => rmSync(folder, { recursive: true }))

const ids = countingIds()
const make = fixtures(ids, () => systemClock.now())
let url: Promise<string> | undefined

/** A process on the database of this file. Its server need not keep what it acknowledged. */
async function open(runId: string, changes: Partial<PostgresLedgerOptions> = {}) {
  url ??= server().createDatabase()
  const basis = { clock: systemClock, ids: (prefix: string) => `${ids(prefix)}_${runId}`, instance: null, unsafeAsyncReplication: true }
  return openPostgresLedger({ ...basis, url: await url, runId, ...changes })
}

describe('the ledger in PostgreSQL', () => {
  it('is one for two processes: neither overspends what both may spend (G1)', async () => {
    await using here = await open('run_1')
    await using there = await open('run_2')
    const { id } = await here.openSession(make.session())
    const both = [here, there, here, there, here, there]
    const results = await Promise.all(both.map((ledger) => ledger.reserve(make.request(id, usd(10)))))
    expect(results.filter(({ kind }) => kind === 'reserved')).toHaveLength(2)
    expect((await there.session(id))?.held).toBe(usd(20))
  })

  it('settles at its start what a process left behind that stood in its place', async () => {
    const before = await open('run_3', { instance: 'host:/data' })
    const { id } = await before.openSession(make.session())
    const [unsigned, signed] = [make.request(id, usd(1)), make.request(id, usd(2))]
    await before.reserve(unsigned)
    const result = await before.reserve(signed)
    if (result.kind === 'reserved') await result.reservation.record(authorizationFor(signed))
    await using after = await open('run_4', { instance: 'host:/data' })
    expect([(await after.payment(unsigned.paymentId))?.state, (await after.payment(signed.paymentId))?.state]).toEqual(['void', 'unknown'])
    await expect(before.reserve(make.request(id, usd(1)))).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
    await before[Symbol.asyncDispose]()
  })

  it('keeps its mark where it is told to', async () => {
    const mark = join(folder, 'ledger.mark')
    await using ledger = await open('run_5', { mark })
    await ledger.claimIdentity({})
    await ledger.takeOver()
    expect(existsSync(mark)).toBe(true)
  })

  it('does not open where what is acknowledged may be lost, unless that is accepted', async () => {
    await expect(open('run_6', { unsafeAsyncReplication: false })).rejects.toMatchObject({
      refusal: { code: 'ledger_unavailable', detail: expect.stringContaining('fsync off') },
    })
  })
})

describe('the ledger over a store', () => {
  it('lets go of the store where it cannot take over what was left behind', async () => {
    const store = new MemoryStore()
    store.unattended = () => Promise.reject(new Error('away'))
    await expect(composePostgresLedger(store, { clock: systemClock, ids })).rejects.toThrow('away')
    expect(store.log).toEqual(['disposed'])
  })
})
