/** Keyboard shortcuts as text: "j", or a leading "g" and a letter as "g a". */

export interface Shortcut {
  readonly keys: string
  /** What it does, for the help. */
  readonly does: string
  readonly run: () => void
}

/** How long a leading key waits for the next one, in milliseconds. */
export const LEAD_MS = 1_200
const LEAD = 'g'

/** What was pressed as a shortcut's text; undefined while a leading key waits. @param now milliseconds, of any clock */
export function keySequence(): (key: string, now: number) => string | undefined {
  let ledAt: number | undefined
  return (key, now) => {
    const isLed = ledAt !== undefined && now - ledAt <= LEAD_MS
    ledAt = undefined
    if (isLed) return `${LEAD} ${key}`
    if (key !== LEAD) return key
    ledAt = now
    return undefined
  }
}
