import { describe, expect, it } from 'vitest'
import { Batch } from '../../../src/ledger/sqlite/batch.ts'
import { deskOver } from '../../../src/ledger/sqlite/desk.ts'
import type { Transaction } from '../../../src/ledger/tables.ts'
import { NOTE_COMMIT_DELAY_MS } from '../../../src/limits.ts'
import { usd } from '../fixtures.ts'
import { workbench } from './workbench.ts'

describe('a desk over the file', () => {
  it('commits at the end of the turn what is waited for, a little later what is noted, and nothing of what is set aside', async () => {
    const bench = workbench()
    const { db, clock, tables } = bench
    const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
    const request = bench.make.request(id, usd(1))
    bench.write((tx) => bench.reserving.reserve(tx, request))
    const delays: number[] = []
    const schedule = (_: () => void, delay_ms: number) => {
      delays.push(delay_ms)
      return () => undefined
    }
    const batch = new Batch({ db, clock, schedule, pending: tables.pending, onCommit: () => undefined, onFault: () => undefined })
    const desk = deskOver({ batch, rules: bench, run: 'run_2', clock, events: undefined })
    const seen: (string | undefined)[] = []
    desk.aside(request.paymentId, (tx) => seen.push(tx.run))
    expect([delays, db.isTransaction]).toEqual([[], false])
    desk.note(request.paymentId, (tx) => seen.push(tx.run))
    expect(delays).toEqual([NOTE_COMMIT_DELAY_MS])
    await desk.ride(request.paymentId, (tx) => seen.push(tx.run))
    expect(delays).toEqual([NOTE_COMMIT_DELAY_MS])
    const told: string[] = []
    const step = (tx: Transaction) => seen.push(tx.run)
    const decided = () => void told.push(`decided after ${seen.length} steps`)
    void desk.write(request.paymentId, step, decided).then(() => told.push('durable'))
    expect(delays).toEqual([NOTE_COMMIT_DELAY_MS, 0])
    expect(seen).toEqual(['run_2', 'run_2', 'run_2', 'run_2'])
    expect(told).toEqual(['decided after 4 steps'])
  })
})
