import { describe, expect, it } from 'vitest'
import { haltedSentence } from '../../src/session/halted.ts'

const at = Date.parse('2026-06-27T12:00:00Z')

describe('halted', () => {
  it.each([
    [{ scope: 'all', value: '', reason: '' }, 'All payments are halted since 2026-06-27T12:00:00.000Z.'],
    [{ scope: 'all', value: '', reason: 'a drill.' }, 'All payments are halted since 2026-06-27T12:00:00.000Z: a drill.'],
    [
      { scope: 'agent', value: 'bot', reason: ' odd spending ' },
      'Payments of agent bot are halted since 2026-06-27T12:00:00.000Z: odd spending.',
    ],
  ] as const)('%j is said with what, since when and why', (stop, sentence) => {
    expect(haltedSentence({ ...stop, at })).toBe(sentence)
  })
})
