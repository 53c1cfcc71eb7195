import { describe, expect, it } from 'vitest'
import { BOOK_TYPES, EVENT_PATTERNS, EVENT_TYPES, hearsOf, isBookType } from '../src/event-types.ts'

describe('event types', () => {
  it('an address that names nothing hears all that concerns people, and nothing of the books', () => {
    const heard = EVENT_TYPES.filter((type) => hearsOf(undefined, type))
    expect(heard).toEqual(EVENT_TYPES.filter((type) => !isBookType(type)))
    expect(heard).toContain('approval.requested')
    expect(hearsOf(undefined, 'a.type_of_tomorrow')).toBe(true)
  })

  it('one that names some hears exactly these, by name, by their beginning, or all', () => {
    const heard = (...named: string[]) => EVENT_TYPES.filter((type) => hearsOf(named, type))
    expect(heard('payment.settled')).toEqual(['payment.settled'])
    expect(heard('ledger.*')).toEqual(['ledger.not_ready', 'ledger.ready'])
    expect(heard('payment.*')).toEqual(['payment.prohibited', 'payment.outcome_unknown', ...BOOK_TYPES])
    expect(heard('*')).toEqual(EVENT_TYPES)
    expect(heard()).toEqual([])
  })

  it('what can be named is each type, each beginning, and all', () => {
    expect(EVENT_PATTERNS).toEqual(expect.arrayContaining(['*', 'payment.*', 'veto.*', ...EVENT_TYPES]))
    expect(new Set(EVENT_PATTERNS).size).toBe(EVENT_PATTERNS.length)
  })
})
