import { describe, expect, it } from 'vitest'
import { type Listing, type Placed, pageThrough } from '../../../src/ledger/archive/listing.ts'
import { cursorAfter, placeAfter } from '../../../src/ledger/paging.ts'
import type { Segment } from '../../../src/ledger/retention.ts'
import { SEGMENTS_A_PAGE } from '../../../src/retention-limits.ts'

/** Entries 1 to `count`, the oldest of which leave, `each` at a time. */
function world(count: number, each: number) {
  const here = Array.from({ length: count }, (_, index) => index + 1)
  const segments: Segment[] = []
  const left: number[][] = []
  const listing: Listing<number> = {
    query: { kind: 'receipts' },
    retention: {
      newest: async () => segments.length,
      segments: async ({ below, limit }) =>
        segments
          .filter(({ number }) => number < below)
          .reverse()
          .slice(0, limit),
    },
    async here({ limit, cursor }) {
      const end = cursor === undefined ? count + 1 : Number(placeAfter(cursor))
      const rows = here.filter((place) => place < end).reverse()
      const last = rows[limit - 1]
      return { items: rows.slice(0, limit), next: rows.length > limit ? cursorAfter('seq', String(last)) : null }
    },
    read: async ({ number }) => (left[number - 1] ?? []).map((place): Placed<number> => ({ place: BigInt(place), at: place, item: place })),
  }
  const leave = () => {
    left.push(here.splice(0, each))
    segments.push({
      ...{ number: left.length, kind: 'receipts', file: 'f', start: 0, bytes: 1, hash: '', entries: each },
      ...{ first: 0n, last: 0n, oldest: 0, newest: 0 },
    })
  }
  return { listing, leave, here }
}

const falling = (count: number) => Array.from({ length: count }, (_, index) => count - index)

describe('a list that goes on in the archive', () => {
  it.each([0, 1, 2, 3, 6])('has each entry once where %s segments leave after each page, however long the pages are', async (leaving) => {
    for (let limit = 1; limit <= 13; limit++) {
      const { listing, leave, here } = world(12, 2)
      leave()
      const seen: number[] = []
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page = await pageThrough({ limit, ...(cursor && { cursor }) }, listing)
        seen.push(...page.items)
        cursor = page.next
        for (let left = 0; left < leaving && here.length > 0; left++) leave()
      }
      expect([limit, seen]).toEqual([limit, falling(12)])
    }
  })

  it('looks through so many segments for one page, and says that it goes on', async () => {
    const { listing, leave } = world(2 * SEGMENTS_A_PAGE + 3, 1)
    for (let number = 0; number < 2 * SEGMENTS_A_PAGE; number++) leave()
    const none = { ...listing, read: async () => [] }
    const first = await pageThrough({ limit: 10 }, none)
    expect(first).toMatchObject({ items: [103, 102, 101], next: expect.any(String) })
    const second = await pageThrough({ limit: 10, cursor: first.next ?? '' }, none)
    expect(second).toMatchObject({ items: [], next: expect.any(String) })
    expect(await pageThrough({ limit: 10, cursor: second.next ?? '' }, none)).toEqual({ items: [], next: null })
  })

  it('takes no cursor that is none of its own', async () => {
    const { listing } = world(3, 1)
    const refused = { refusal: { code: 'request_invalid' } }
    await expect(pageThrough({ limit: 1, cursor: cursorAfter('archive', '1 x 0 ') }, listing)).rejects.toMatchObject(refused)
    await expect(pageThrough({ limit: 1, cursor: 'nonsense' }, listing)).rejects.toMatchObject(refused)
  })
})
