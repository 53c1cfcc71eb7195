/** The order of questions, and the way through them. */

export interface Urgent {
  readonly id: string
  readonly expiresAt: string
}

/** What ends first comes first. */
export function byUrgency<T extends Urgent>(items: readonly T[]): T[] {
  return items.toSorted((one, other) => Date.parse(one.expiresAt) - Date.parse(other.expiresAt))
}

/** The one after or before; the first where the present one is not in the list. Undefined at the ends. */
export function neighbour<T extends Pick<Urgent, 'id'>>(items: readonly T[], id: string | undefined, by: 1 | -1): T | undefined {
  const at = items.findIndex((item) => item.id === id)
  return at < 0 ? items[0] : items[at + by]
}
