import { describe, expect, it } from 'vitest'
import { canCancel, canResolve } from '../../../src/console/pages/ending.ts'

const END = Date.parse('2026-06-27T12:02:00Z')
const validBefore = new Date(END).toISOString()

describe('what people can do about an end that nobody knows', () => {
  it.each(['signed', 'sent', 'unknown'] as const)('%s: cancelled as long as somebody may still take it, and not after', (state) => {
    expect([canCancel({ state, validBefore }, END - 1), canCancel({ state, validBefore }, END)]).toEqual([true, false])
  })

  it.each(['reserved', 'settled', 'void', 'expired', 'denied'] as const)('%s: there is nothing to cancel', (state) => {
    expect(canCancel({ state, validBefore }, END - 1)).toBe(false)
  })

  it('is said by people only where it is unknown, or was assumed', () => {
    const states = ['denied', 'reserved', 'signed', 'sent', 'unknown', 'expired', 'settled', 'void'] as const
    expect(states.filter((state) => canResolve({ state }))).toEqual(['unknown', 'expired'])
  })
})
