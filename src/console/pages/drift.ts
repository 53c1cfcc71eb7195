/** What changed at a recipient, told once: the same sentence about many payments is one line with their number. */
import type { RecipientStory } from './shapes.ts'

export interface Changed {
  readonly text: string
  /** The newest of them. */
  readonly at: string
  readonly paymentId: string
  readonly count: number
}

/** Newest first, as given. @param drift one entry for each payment and sentence, newest first */
export function changesOf(drift: RecipientStory['drift']): Changed[] {
  const bySentence = new Map<string, Changed>()
  for (const { at, paymentId, text } of drift) {
    const known = bySentence.get(text)
    bySentence.set(text, known ? { ...known, count: known.count + 1 } : { text, at, paymentId, count: 1 })
  }
  return [...bySentence.values()]
}
