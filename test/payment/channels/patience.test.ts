import { describe, expect, it } from 'vitest'
import { TRANSACTION_PATIENCE_MS } from '../../../src/channel-limits.ts'
import { createClosingMemory } from '../../../src/payment/channels/patience.ts'

describe('what is kept in mind of channels that close', () => {
  it('is how often each was asked for, until it is closed', () => {
    const memory = createClosingMemory()
    expect([memory.asked('a'), memory.asked('a'), memory.asked('b')]).toEqual([1, 2, 1])
    memory.forget('a')
    expect(memory.asked('a')).toBe(1)
  })

  it('is what was said last, whatever the numbers in it', () => {
    const memory = createClosingMemory()
    expect(memory.isNews('a', 'It lacks 0.5 of gas.')).toBe(true)
    expect(memory.isNews('a', 'It lacks 0.7 of gas.')).toBe(false)
    expect(memory.isNews('b', 'It lacks 0.7 of gas.')).toBe(true)
    expect(memory.isNews('a', 'It is silent.')).toBe(true)
  })

  it('is since when a transaction is waited for, and for how long', () => {
    const memory = createClosingMemory()
    expect(memory.hasPatience('0x1', 5)).toBe(true)
    expect(memory.hasPatience('0x1', 4 + TRANSACTION_PATIENCE_MS)).toBe(true)
    expect(memory.hasPatience('0x1', 5 + TRANSACTION_PATIENCE_MS)).toBe(false)
    expect(memory.hasPatience('0x2', 5 + TRANSACTION_PATIENCE_MS)).toBe(true)
  })
})
