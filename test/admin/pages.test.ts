import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { issueSentence } from '../../src/admin/answers.ts'
import { listOf, PageQuery, pageRequest, present, TimeQuery, viewPage, walkPages } from '../../src/admin/pages.ts'
import type { PageRequest } from '../../src/ledger/ledger.ts'
import { MAX_PAGE } from '../../src/limits.ts'
import { gather } from './fixture.ts'

describe('pages', () => {
  it('a page has 1 to 1,000 items and a default', () => {
    const query = z.strictObject(PageQuery)
    expect(query.parse({})).toEqual({ limit: 100 })
    expect(query.parse({ limit: '1000', cursor: 'c' })).toEqual({ limit: MAX_PAGE, cursor: 'c' })
    for (const limit of ['0', '1001', '-1', '1.5', 'x', '']) expect(query.safeParse({ limit }).success, limit).toBe(false)
  })

  it('an absent cursor stays absent', () => {
    expect(pageRequest({ limit: 5, cursor: undefined })).toEqual({ limit: 5 })
    expect(pageRequest({ limit: 5, cursor: 'c' })).toEqual({ limit: 5, cursor: 'c' })
  })

  it('times are instants with a zone, or dates that begin in UTC', () => {
    expect(TimeQuery.parse('2026-06-27T14:00:00+02:00')).toBe(Date.parse('2026-06-27T12:00:00Z'))
    expect(TimeQuery.parse('2026-06-27')).toBe(Date.parse('2026-06-27T00:00:00Z'))
    for (const text of ['2026-06-27T14:00:00', 'now', '1782561600000', '2026-13-01'])
      expect(issueSentence(TimeQuery.safeParse(text).error ?? new z.ZodError([])), text).toBe(
        '(whole): write a time like 2026-06-27T14:00:00Z, or a date',
      )
  })

  it('a filter keeps what was asked for and nothing else', () => {
    expect(Object.keys(present({ agent: 'a', tool: undefined, since: 0 }))).toEqual(['agent', 'since'])
  })

  it('views keep the order and the cursor, in the shape that lists have', () => {
    const page = viewPage({ items: [1, 2], next: 'c' }, (item) => String(item))
    expect(listOf(z.string()).parse(page)).toEqual({ items: ['1', '2'], next: 'c' })
  })

  it('walks over every page once, from where it is told to', async () => {
    const asked: PageRequest[] = []
    const read = async (page: PageRequest) => {
      asked.push(page)
      const from = Number.parseInt(page.cursor ?? '0', 10)
      return { items: [from, from + 1], next: from < 4 ? String(from + 2) : null }
    }
    expect(await gather(await walkPages(read))).toEqual([0, 1, 2, 3, 4, 5])
    expect(asked.map(({ cursor }) => cursor)).toEqual([undefined, '2', '4'])
    expect(await gather(await walkPages(read, '4'))).toEqual([4, 5])
  })

  it('reads the next page only when it is wanted, and fails before it starts where the first cannot be read', async () => {
    let pages = 0
    const walk = await walkPages(async () => ({ items: [++pages], next: 'more' }))
    for await (const item of walk) if (item === 2) break
    expect(pages).toBe(2)
    await expect(walkPages(() => Promise.reject(new Error('gone')))).rejects.toThrow('gone')
  })
})
