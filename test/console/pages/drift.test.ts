import { describe, expect, it } from 'vitest'
import { changesOf } from '../../../src/console/pages/drift.ts'

const entry = (paymentId: string, text: string) => ({ at: `2026-06-27T12:00:0${paymentId}.000Z`, paymentId, text })

describe('what changed at a recipient', () => {
  it('is one line for each sentence, with the newest payment that it was said of and how many those are', () => {
    const drift = [entry('4', 'another price'), entry('3', 'the first'), entry('2', 'the first'), entry('1', 'the first')]
    expect(changesOf(drift)).toEqual([
      { text: 'another price', at: '2026-06-27T12:00:04.000Z', paymentId: '4', count: 1 },
      { text: 'the first', at: '2026-06-27T12:00:03.000Z', paymentId: '3', count: 3 },
    ])
  })
})
