/** Filters of payments and receipts: as they stand in the address, in the form, and in what the API is asked. */
import type { Query } from '../address.ts'

export interface FilterField {
  readonly name: string
  readonly label: string
  readonly kind: 'text' | 'time' | 'choice' | 'flag'
  /** Of a choice. */
  readonly options?: readonly string[]
  /** Behind "More filters". */
  readonly isRare?: boolean
  readonly example?: string
}

const STATES = ['denied', 'awaiting_veto', 'awaiting_approval', 'reserved', 'signed', 'sent', 'settled', 'void', 'unknown', 'expired']

const WHO: readonly FilterField[] = [
  { name: 'agent', label: 'Agent', kind: 'text' },
  { name: 'recipient', label: 'Recipient', kind: 'text', example: 'a host or 0x…' },
]
const WHEN: readonly FilterField[] = [
  { name: 'since', label: 'From', kind: 'time', isRare: true },
  { name: 'until', label: 'Before', kind: 'time', isRare: true },
]
const RARE: readonly FilterField[] = [
  { name: 'session', label: 'Session', kind: 'text', isRare: true, example: 'ses_…' },
  { name: 'tool', label: 'Tool', kind: 'text', isRare: true },
  { name: 'onBehalfOf', label: 'On behalf of', kind: 'text', isRare: true },
  { name: 'trace', label: 'Trace id', kind: 'text', isRare: true },
]

export const PAYMENT_FIELDS: readonly FilterField[] = [
  { name: 'state', label: 'State', kind: 'choice', options: STATES },
  ...WHO,
  { name: 'tier', label: 'Tier', kind: 'text' },
  ...WHEN,
  ...RARE,
  { name: 'task', label: 'Task', kind: 'text', isRare: true },
  { name: 'disputed', label: 'Under dispute', kind: 'flag', isRare: true },
]

export const RECEIPT_FIELDS: readonly FilterField[] = [
  { name: 'kind', label: 'Kind', kind: 'choice', options: ['conclusion', 'refusal', 'amendment'] },
  ...WHO,
  { name: 'tier', label: 'Tier', kind: 'text' },
  ...WHEN,
  ...RARE,
  { name: 'payment', label: 'Payment', kind: 'text', isRare: true, example: 'pay_…' },
]

/** Only what these fields know, so that a link that was tampered with asks for nothing else. */
export function filterIn(place: URLSearchParams, fields: readonly FilterField[]): Record<string, string> {
  const given = fields.flatMap(({ name }) => {
    const value = place.get(name)?.trim() ?? ''
    return value === '' ? [] : [[name, value] as const]
  })
  return Object.fromEntries(given)
}

/** What a list of one kind is asked for, taken over to the list of the other kind, as far as it knows it. */
export function takenOver(filter: Readonly<Record<string, string>>, fields: readonly FilterField[]): Query {
  return filterIn(new URLSearchParams(filter), fields)
}

/** "2026-06-27T14:03" as the reader writes it into a field of local time, as the API wants it; undefined for no time. */
export function momentOf(local: string): string | undefined {
  const at = Date.parse(local)
  return local === '' || Number.isNaN(at) ? undefined : new Date(at).toISOString()
}

/** The other way round; empty for what is no time. */
export function localOf(moment: string): string {
  const at = Date.parse(moment)
  if (Number.isNaN(at)) return ''
  const date = new Date(at)
  return new Date(at - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

export const EXPORTS = [
  { name: 'CSV', query: { format: 'csv' } },
  { name: 'JSON lines', query: { format: 'jsonl' } },
  { name: 'Records as each tier asks, CSV', query: { format: 'csv', record: 'tier' } },
  { name: 'Records as each tier asks, JSON lines', query: { format: 'jsonl', record: 'tier' } },
] as const

/** The formats of a day's report. */
export const REPORTS = [
  { name: 'Page for people, Markdown', query: { format: 'markdown' } },
  { name: 'CSV', query: { format: 'csv' } },
  { name: 'Signed JSON', query: { format: 'json' } },
] as const
