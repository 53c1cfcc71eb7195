import { expect, it } from 'vitest'
import { SEGMENT_COLUMNS } from '../../../../src/ledger/segment-row.ts'
import { emptyDatabase } from '../workbench.ts'

it('a segment has a number once and is never empty, and a name leads to one that is there', () => {
  using db = emptyDatabase()
  const values = [1, 'receipts', 'f.gz', 0, 10, 'h', 1, 1, 1, 0, 0]
  const insert = db.prepare(`INSERT INTO archive_segments (${SEGMENT_COLUMNS.join(', ')}) VALUES (${values.map(() => '?').join(', ')})`)
  insert.run(...values)
  expect(() => insert.run(...values)).toThrow(/UNIQUE/)
  for (const [place, wrong] of [
    [1, 'sessions'],
    [3, -1],
    [4, 0],
    [6, 0],
  ] as const)
    expect(() => insert.run(...values.with(0, 2).with(place, wrong))).toThrow(/CHECK/)
  db.exec('PRAGMA foreign_keys = ON; INSERT INTO archive_names (name, segment) VALUES (7, 1)')
  expect(() => db.exec('INSERT INTO archive_names (name, segment) VALUES (7, 2)')).toThrow(/FOREIGN KEY/)
})
