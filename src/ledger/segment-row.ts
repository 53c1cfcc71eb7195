/** A segment as a row, whatever keeps it, and the row that says who hands over. */
import * as z from 'zod'
import type { Segment } from './retention.ts'
import { int, json, money, type Row, text, toJson, word } from './rows.ts'

/** The columns, in the order of the table. */
export const SEGMENT_COLUMNS = [
  ...(['number', 'kind', 'file', 'start', 'bytes', 'hash', 'entries'] as const),
  ...(['first_place', 'last_place', 'oldest', 'newest'] as const),
] as const

export function segmentColumns(segment: Segment): Readonly<Record<(typeof SEGMENT_COLUMNS)[number], string | number | bigint>> {
  const { first, last, ...rest } = segment
  return { ...rest, first_place: first, last_place: last }
}

export function readSegment(row: Row): Segment {
  return {
    number: int(row, 'number'),
    kind: word(row, 'kind', ['receipts', 'payments']),
    file: text(row, 'file'),
    start: int(row, 'start'),
    bytes: int(row, 'bytes'),
    hash: text(row, 'hash'),
    entries: int(row, 'entries'),
    first: money(row, 'first_place'),
    last: money(row, 'last_place'),
    oldest: int(row, 'oldest'),
    newest: int(row, 'newest'),
  }
}

export interface Holder {
  readonly run: string
  /** Milliseconds since 1970. */
  readonly until: number
}

const holderSchema: z.ZodType<Holder> = z.strictObject({ run: z.string(), until: z.int() })

/** Reads the column `value`. */
export function readHolder(row: Row): Holder {
  return json(row, 'value', holderSchema)
}

export function holderText(holder: Holder): string {
  return toJson(holder)
}
