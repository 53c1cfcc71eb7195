/** Two policies in sentences, side by side: what stays, what is new, what is gone. */

export interface SentenceChange {
  readonly kind: 'same' | 'new' | 'gone'
  readonly sentence: string
}

/** In the order of the new one; what is gone stands at the end. */
export function sentenceChanges(inForce: readonly string[], tried: readonly string[]): SentenceChange[] {
  const [had, has] = [new Set(inForce), new Set(tried)]
  return [
    ...tried.map((sentence): SentenceChange => ({ kind: had.has(sentence) ? 'same' : 'new', sentence })),
    ...inForce.filter((sentence) => !has.has(sentence)).map((sentence): SentenceChange => ({ kind: 'gone', sentence })),
  ]
}
