/** Two policies in sentences. */
import { describe, expect, it } from 'vitest'
import { sentenceChanges } from '../../../src/console/pages/sentence-changes.ts'

describe('sentences of two policies', () => {
  it('say what stays, what is new and what is gone, and leave none out', () => {
    expect(sentenceChanges(['small: a.', 'large: b.', 'rest.'], ['small: a.', 'large: c.', 'rest.'])).toEqual([
      { kind: 'same', sentence: 'small: a.' },
      { kind: 'new', sentence: 'large: c.' },
      { kind: 'same', sentence: 'rest.' },
      { kind: 'gone', sentence: 'large: b.' },
    ])
  })
})
