/** What every store does is in the conformance suite; here is what only one that is shared has to. */
import { expect, it } from 'vitest'
import { Batch } from '../../../src/ledger/postgres/batch.ts'
import { readingFrom } from '../../../src/ledger/postgres/reading.ts'
import { PostgresRetention } from '../../../src/ledger/postgres/retention.ts'
import type { Handover } from '../../../src/ledger/retention.ts'
import { MemoryStore } from './memory-store.ts'
import { memoryBench } from './workbench.ts'

const LEASE_MS = 1_000
const EMPTY: Handover = {
  segment: {
    ...{ number: 1, kind: 'receipts', file: 'f.gz', start: 0, bytes: 1, hash: 'h', entries: 1 },
    ...{ first: 1n, last: 1n, oldest: 0, newest: 0 },
  },
  names: [],
  leaving: { receipts: [] },
}

it('one process hands over at a time: another one takes its turn when the lease is over, and the first one then moves nothing', async () => {
  const { store, clock, compose } = memoryBench()
  const other = new MemoryStore({ server: store.server, runId: 'run_2' })
  const [first, second] = [store, other].map(
    (one) => new PostgresRetention({ reading: readingFrom(one), batch: new Batch({ store: one, clock, compose }) }),
  )
  if (!first || !second) throw new Error('there are two')
  expect(await first.hold(clock.now() + LEASE_MS)).toBe(true)
  expect(await second.hold(clock.now() + LEASE_MS)).toBe(false)
  expect(await second.handOver(EMPTY)).toBe(false)
  expect(await first.handOver(EMPTY)).toBe(true)
  expect(await first.hold(clock.now() + LEASE_MS)).toBe(true)
  clock.advance(LEASE_MS)
  expect(await second.hold(clock.now() + LEASE_MS)).toBe(true)
  const next = { ...EMPTY, segment: { ...EMPTY.segment, number: 2 } }
  expect(await first.handOver(next)).toBe(false)
  expect(await second.handOver(next)).toBe(true)
  // A number is never given twice.
  expect(await second.handOver(next)).toBe(false)
  expect(store.rows('archive_segments')).toHaveLength(2)
})
