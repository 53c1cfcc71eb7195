/**
 * Lists that go on in the archive, each entry once although entries leave while somebody turns the pages: a cursor says
 * how far the archive went when the list began, and what has left since is behind the last page or was on one.
 */
import { refused } from '../../errors.ts'
import { SEGMENTS_A_PAGE } from '../../retention-limits.ts'
import type { Page, PageRequest } from '../ledger.ts'
import { cursorAfter, limitOf, momentAfter, placeAfter, readCursor } from '../paging.ts'
import type { RetentionStore, Segment, SegmentQuery } from '../retention.ts'

export type Wanted = Omit<SegmentQuery, 'below' | 'limit'>

/** An entry, and where the ledger's own list would have it. */
export interface Placed<T> {
  readonly place: bigint
  /** Milliseconds since 1970. */
  readonly at: number
  readonly item: T
}

export interface Listing<T> {
  readonly retention: Pick<RetentionStore, 'segments' | 'newest'>
  readonly query: Wanted
  /** The ledger's own list. */
  readonly here: (request: PageRequest) => Promise<Page<T>>
  /** What is wanted of a segment, oldest first. */
  readonly read: (segment: Segment) => Promise<Placed<T>[]>
}

/** Where a list stands. */
interface Standing {
  /** The newest segment when the list began. */
  readonly seen: number
  /** The ledger's own cursor behind which everything that has left since is still to come; empty at the beginning. */
  readonly here: string
  /** In the archive, below this segment; undefined while the ledger's own list goes on. */
  readonly below?: number
  /** So many of the segment right below were shown. */
  readonly skip: number
}

/** One page, newest first; in the archive it may have fewer entries than asked for and still go on. */
export async function pageThrough<T>(request: PageRequest, listing: Listing<T>): Promise<Page<T>> {
  const limit = limitOf(request)
  const newest = await listing.retention.newest()
  const standing = request.cursor === undefined ? { seen: newest, here: '', skip: 0 } : readStanding(request.cursor, newest)
  if (standing.below !== undefined) return pastPage(listing, { ...standing, below: standing.below }, limit)
  const page = await listing.here(standing.here === '' ? { limit } : { limit, cursor: standing.here })
  if (page.next !== null) return { items: page.items, next: cursorOf({ ...standing, here: page.next }) }
  if (newest === 0) return page
  const begin = { ...standing, below: newest + 1 }
  if (page.items.length === limit) return { items: page.items, next: cursorOf(begin) }
  const past = await pastPage(listing, begin, limit - page.items.length)
  return { items: [...page.items, ...past.items], next: past.next }
}

type InPast = Standing & { readonly below: number }

async function pastPage<T>({ retention, query, read }: Listing<T>, standing: InPast, limit: number): Promise<Page<T>> {
  const items: T[] = []
  const segments = await retention.segments({ ...query, below: standing.below, limit: SEGMENTS_A_PAGE })
  for (const segment of segments) {
    const skip = segment.number === standing.below - 1 ? standing.skip : 0
    const found = (await read(segment)).filter((one) => isToCome(one, segment, standing)).toReversed()
    const taken = found.slice(skip, skip + limit - items.length)
    items.push(...taken.map(({ item }) => item))
    const shown = skip + taken.length
    if (shown < found.length) return { items, next: cursorOf({ ...standing, below: segment.number + 1, skip: shown }) }
    if (items.length === limit) return { items, next: cursorOf({ ...standing, below: segment.number, skip: 0 }) }
  }
  const last = segments.at(-1)
  const goesOn = segments.length === SEGMENTS_A_PAGE && last
  return { items, next: goesOn ? cursorOf({ ...standing, below: last.number, skip: 0 }) : null }
}

/** What left after the list began was shown where the ledger's own list had come past it. */
function isToCome({ place, at }: Placed<unknown>, { number }: Segment, { seen, here }: Standing): boolean {
  if (number <= seen || here === '') return true
  if (!isOfTime(here)) return place < placeAfter(here)
  const [time, last] = momentAfter(here)
  return BigInt(at) < time || (BigInt(at) === time && place < last)
}

function isOfTime(cursor: string): boolean {
  return decoded(cursor).startsWith('time:')
}

const KIND = 'archive'

function cursorOf({ seen, here, below, skip }: Standing): string {
  return cursorAfter(KIND, [seen, below ?? '', skip, here].join(' '))
}

/** A cursor of the ledger's own is taken too: the archive was not asked for yet when it was given. */
function readStanding(cursor: string, newest: number): Standing {
  if (!decoded(cursor).startsWith(`${KIND}:`)) return { seen: newest, here: cursor, skip: 0 }
  const match = /^([0-9]{1,16}) ([0-9]{0,16}) ([0-9]{1,9}) ([\w-]*)$/.exec(readCursor(KIND, cursor))
  if (!match) throw refused('request_invalid', 'The cursor is not one of this list; start again without it.')
  const [, seen, below = '', skip, here = ''] = match
  return { seen: Number(seen), here, skip: Number(skip), ...(below !== '' && { below: Number(below) }) }
}

function decoded(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString('utf8')
}
