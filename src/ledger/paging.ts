/** Paging: how many items a page has, and the opaque cursor that says where the next one begins. */
import { refused } from '../errors.ts'
import { MAX_PAGE } from '../limits.ts'
import type { PageRequest } from './ledger.ts'

/** @throws PurserError `request_invalid` for a limit that is no whole number from 1. */
export function limitOf({ limit }: Pick<PageRequest, 'limit'>): number {
  if (!Number.isSafeInteger(limit) || limit < 1) throw refused('request_invalid', `A page has 1 to ${MAX_PAGE} items, not ${limit}.`)
  return Math.min(limit, MAX_PAGE)
}

/** `kind` keeps the cursors of one list from being used for another. */
export function cursorAfter(kind: string, place: string): string {
  return Buffer.from(`${kind}:${place}`).toString('base64url')
}

/** @throws PurserError `request_invalid` for a cursor that is none of this kind. */
export function readCursor(kind: string, cursor: string): string {
  const [found, ...place] = Buffer.from(cursor, 'base64url').toString('utf8').split(':')
  if (found !== kind || cursor !== cursorAfter(kind, place.join(':'))) throw foreign()
  return place.join(':')
}

/** The place in the order of writing behind which the page begins. @throws PurserError `request_invalid`. */
export function placeAfter(cursor: string): bigint {
  const place = readCursor('seq', cursor)
  if (!/^[0-9]{1,18}$/.test(place)) throw foreign()
  return BigInt(place)
}

/** As `placeAfter`, for a list in the order of a time: the time and the place of the last item. */
export function momentAfter(cursor: string): readonly [time: bigint, place: bigint] {
  const [, time, place] = /^([0-9]{1,15}):([0-9]{1,18})$/.exec(readCursor('time', cursor)) ?? []
  if (time === undefined || place === undefined) throw foreign()
  return [BigInt(time), BigInt(place)]
}

/** The cursor behind an item of this time and place. */
export function cursorAfterMoment(time: bigint, place: bigint): string {
  return cursorAfter('time', `${time}:${place}`)
}

function foreign() {
  return refused('request_invalid', 'The cursor is not one of this list; start again without it.')
}
