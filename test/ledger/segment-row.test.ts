import { expect, it } from 'vitest'
import type { Segment } from '../../src/ledger/retention.ts'
import { holderText, readHolder, readSegment, SEGMENT_COLUMNS, segmentColumns } from '../../src/ledger/segment-row.ts'

const SEGMENT: Segment = {
  ...{ number: 3, kind: 'receipts', file: 'receipts-1.jsonl.gz', start: 10, bytes: 20, hash: 'ab', entries: 2 },
  ...{ first: 5n, last: 9n, oldest: 1_782_000_000_000, newest: 1_782_000_000_001 },
}

it('the row of a segment says what the segment says, in every column', () => {
  const columns = segmentColumns(SEGMENT)
  expect(Object.keys(columns).sort()).toEqual([...SEGMENT_COLUMNS].sort())
  const stored = Object.entries(columns).map(([name, value]) => [name, typeof value === 'number' ? BigInt(value) : value])
  expect(readSegment(Object.fromEntries(stored))).toEqual(SEGMENT)
})

it('the row of who hands over is read back, and nothing else is taken for it', () => {
  const holder = { run: 'run_1', until: 7 }
  expect(readHolder({ value: holderText(holder) })).toEqual(holder)
  expect(() => readHolder({ value: '{"run":"run_1"}' })).toThrow()
})
