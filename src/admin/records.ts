/** Receipts as records: in the format that is asked for, or in the one that each payment's tier asks for. */
import { z } from '@hono/zod-openapi'
import { RECORD_FORMATS, type RecordFormat, recordFormatFor } from '../audit/depths.ts'
import { csvLine } from '../audit/export.ts'
import { type PaymentRecord, RECORD_SCHEMAS, toRecord } from '../audit/formats.ts'
import type { Receipt } from '../audit/receipt.ts'
import type { PolicyArchive } from './policy-archive.ts'

/** `tier`: each in the format that its tier asks for. */
export const RecordQuery = z
  .enum([...RECORD_FORMATS, 'tier'])
  .optional()
  .openapi({ description: 'answer records in this format instead of receipts; tier: each in the format of its tier' })
export type RecordWanted = RecordFormat | 'tier'

export const RecordView = z.union([
  z.strictObject(RECORD_SCHEMAS.simplified.shape).openapi('SimplifiedRecord'),
  z.strictObject(RECORD_SCHEMAS.standard.shape).openapi('StandardRecord'),
  z.strictObject(RECORD_SCHEMAS.enhanced.shape).openapi('EnhancedRecord'),
])

/** One receipt as the record that is wanted. */
export async function recordOf(receipt: Receipt, wanted: RecordWanted, archive: PolicyArchive): Promise<PaymentRecord> {
  const behind = await archive.behind(receipt)
  const tier = await archive.tier(receipt.policyVersion, receipt.tier)
  return toRecord(receipt, wanted === 'tier' ? recordFormatFor(tier) : wanted, behind)
}

export async function* recordsOf(
  receipts: AsyncIterable<Receipt>,
  wanted: RecordWanted,
  archive: PolicyArchive,
): AsyncGenerator<PaymentRecord, void, undefined> {
  for await (const receipt of receipts) yield await recordOf(receipt, wanted, archive)
}

/** One record for each line. */
export async function* recordLines(records: AsyncIterable<PaymentRecord>): AsyncGenerator<string, void, undefined> {
  for await (const record of records) yield `${JSON.stringify(record)}\n`
}

/** A header line, then one line for each record. */
export async function* recordTable(records: AsyncIterable<PaymentRecord>, wanted: RecordWanted): AsyncGenerator<string, void, undefined> {
  const columns = columnsOf(wanted === 'tier' ? 'enhanced' : wanted)
  yield csvLine(columns.map((path) => path.join('.')))
  for await (const record of records) yield csvLine(columns.map((path) => cellOf(path.reduce(memberOf, record))))
}

type Path = readonly string[]

/** What has members has a column for each of them, such as `recipient.host`. */
function columnsOf(format: RecordFormat): Path[] {
  return Object.entries<z.ZodType>(RECORD_SCHEMAS[format].shape).flatMap(([name, schema]): Path[] => {
    const inner = schema instanceof z.ZodNullable ? schema.unwrap() : schema
    return inner instanceof z.ZodObject ? Object.keys(inner.shape).map((member) => [name, member]) : [[name]]
  })
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

/** Words of a list are divided by semicolons; what is no plain value is JSON. */
function cellOf(value: unknown): string | number | boolean | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value.join('; ') : JSON.stringify(value)
}
