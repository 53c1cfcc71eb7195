import { describe, expect, it } from 'vitest'
import { chargesOf, usesOf } from '../../src/ledger/series.ts'

describe('series', () => {
  it('are told apart whatever the names are', () => {
    const names = [usesOf('a","b', 'c'), usesOf('a', 'b","c'), usesOf('a', 'b'), chargesOf({ id: 'a' }), chargesOf({ id: '["a","b"]' })]
    expect(new Set(names).size).toBe(names.length)
  })
})
