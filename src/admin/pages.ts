/** Lists: how a page is asked for, what it answers, and how to walk over all of them. */
import { z } from 'zod'
import type { Page, PageRequest } from '../ledger/ledger.ts'
import { DEFAULT_PAGE, MAX_PAGE } from '../limits.ts'

/** The query members of every list. */
export const PageQuery = {
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
  cursor: z.string().max(200).optional(),
}

const POINT = 'write a time like 2026-06-27T14:00:00Z, or a date'

/** A filter's point in time: ISO 8601, a date alone is its first moment (UTC). Read as milliseconds since 1970. */
export const TimeQuery = z.union([z.iso.datetime({ offset: true, error: POINT }), z.iso.date(POINT)]).transform((text) => Date.parse(text))

/** `{ items, next }`: `next` is the cursor of the following page, or null. */
export function listOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.string().nullable() })
}

export function pageRequest({ limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined }): PageRequest {
  return cursor === undefined ? { limit } : { limit, cursor }
}

/** A page whose items are shown by `view`. */
export function viewPage<T, V>({ items, next }: Page<T>, view: (item: T) => V): { items: V[]; next: string | null } {
  return { items: items.map(view), next }
}

type Present<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> }

/** The filter without what was not asked for. */
export function present<T extends object>(filter: T): Present<T> {
  const kept: Present<T> = { ...filter }
  for (const name in kept) if (kept[name] === undefined) delete kept[name]
  return kept
}

/** Every item of every page, in the list's order, one page in memory. The first page is read before this resolves. */
export async function walkPages<T>(read: (page: PageRequest) => Promise<Page<T>>, from?: string): Promise<AsyncIterable<T>> {
  const first = await read(pageRequest({ limit: MAX_PAGE, cursor: from }))
  return itemsFrom(first, read)
}

async function* itemsFrom<T>(first: Page<T>, read: (page: PageRequest) => Promise<Page<T>>): AsyncGenerator<T, void, undefined> {
  let page = first
  yield* page.items
  while (page.next !== null) {
    page = await read({ limit: MAX_PAGE, cursor: page.next })
    yield* page.items
  }
}
