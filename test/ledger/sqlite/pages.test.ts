import { describe, expect, it } from 'vitest'
import { text } from '../../../src/ledger/rows.ts'
import { equal, readPage } from '../../../src/ledger/sqlite/pages.ts'
import { MAX_PAGE } from '../../../src/limits.ts'
import { workbench } from './workbench.ts'

function listed() {
  const bench = workbench()
  for (let count = 0; count < 5; count++) bench.write((tx) => bench.accounts.open(tx, bench.make.session({ agent: `a${count % 2}` })))
  const page = (agent: string | undefined, limit: number, cursor?: string) =>
    readPage({
      db: bench.db,
      table: 'sessions',
      where: equal('agent', agent),
      page: cursor === undefined ? { limit } : { limit, cursor },
      read: (row) => text(row, 'id'),
    })
  return { page }
}

describe('pages', () => {
  it('come newest first and end without a cursor', () => {
    const { page } = listed()
    const first = page(undefined, 3)
    expect(first).toEqual({ items: ['ses_000005', 'ses_000004', 'ses_000003'], next: expect.any(String) })
    expect(page(undefined, 3, first.next ?? '')).toEqual({ items: ['ses_000002', 'ses_000001'], next: null })
    expect(page(undefined, 5).next).toBeNull()
  })

  it('keep to their conditions', () => {
    const { page } = listed()
    expect(page('a1', 10).items).toEqual(['ses_000004', 'ses_000002'])
    expect(page('none', 10)).toEqual({ items: [], next: null })
  })

  it('are never larger than the bound', () => {
    const { page } = listed()
    expect(page(undefined, MAX_PAGE * 10).items).toHaveLength(5)
  })

  it.each(['', 'seq:1', Buffer.from('seq:1 OR 1=1').toString('base64url')])('refuse the cursor %j', (cursor) => {
    expect(() => listed().page(undefined, 3, cursor)).toThrow('request_invalid')
  })

  it.each([0, -1, 0.5, Number.NaN])('refuse %s items', (limit) => {
    expect(() => listed().page(undefined, limit)).toThrow('request_invalid')
  })
})
