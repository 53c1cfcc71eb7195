/** The names of what people and books are told, and who hears which of it. */

/** For the books: one for each receipt. Only those who name them get them. */
export const BOOK_TYPES = [
  'payment.settled',
  'payment.refused',
  'payment.unknown',
  'payment.void',
  'payment.expired',
  'payment.refunded',
  'payment.amended',
] as const
export type BookType = (typeof BOOK_TYPES)[number]

/** For those who decide and those who own. */
const PEOPLE_TYPES = [
  'approval.requested',
  'veto.opened',
  'approval.decided',
  'approval.expired',
  'approval.undelivered',
  'payment.prohibited',
  'payment.outcome_unknown',
  'recipient.changed',
  'price.drifted',
  'session.drift',
  'session.threshold',
  'session.topup_requested',
  'circuit.opened',
  'ledger.not_ready',
  'ledger.ready',
  'report.daily',
] as const

export const EVENT_TYPES: readonly string[] = [...PEOPLE_TYPES, ...BOOK_TYPES]

/** What may be named in the configuration: a type, all that begin alike, or all. */
export const EVENT_PATTERNS: readonly ['*', ...string[]] = [
  '*',
  ...new Set(EVENT_TYPES.map((type) => `${type.split('.')[0]}.*`)),
  ...EVENT_TYPES,
]

/** Whether an address hears of this type. One that names nothing hears all but the books; an unknown type is for all of those. */
export function hearsOf(named: readonly string[] | undefined, type: string): boolean {
  if (named === undefined) return !isBookType(type)
  return named.some((pattern) => pattern === '*' || pattern === type || pattern === `${type.split('.')[0]}.*`)
}

export function isBookType(type: string): type is BookType {
  return BOOK_TYPES.some((each) => each === type)
}
