/** Canonical JSON (RFC 8785): one value, one text, so that a hash of the text is a hash of the value. */

/** Thrown for a value that has no canonical JSON here: fractions, unsafe integers, broken Unicode, undefined, bigint. */
export class CanonicalError extends Error {
  override readonly name = 'CanonicalError'
}

/**
 * Writes a value as canonical JSON: members sorted by UTF-16 code units, no blanks. Of numbers only safe integers are
 * taken, which is all that a receipt has, so that the text never depends on how floats are printed.
 * @throws CanonicalError for everything else that JSON cannot hold exactly.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || value === true || value === false) return String(value)
  if (typeof value === 'string') return canonicalString(value)
  if (typeof value === 'number') return canonicalNumber(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object') return canonicalObject(Object.entries(value))
  throw new CanonicalError(`${typeof value} has no canonical JSON`)
}

function canonicalString(value: string): string {
  if (!value.isWellFormed()) throw new CanonicalError('text with a lone surrogate has no canonical JSON')
  return JSON.stringify(value)
}

function canonicalNumber(value: number): string {
  if (!Number.isSafeInteger(value)) throw new CanonicalError(`the number ${value} is not a safe integer`)
  return JSON.stringify(value)
}

function canonicalObject(members: [string, unknown][]): string {
  members.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, value]) => `${canonicalString(name)}:${canonicalJson(value)}`).join(',')}}`
}
