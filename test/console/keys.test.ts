import { describe, expect, it } from 'vitest'
import { keySequence, LEAD_MS } from '../../src/console/keys.ts'

describe('keyboard shortcuts', () => {
  it('a letter is itself, and behind g it is another one, once', () => {
    const press = keySequence()
    expect(press('a', 0)).toBe('a')
    expect(press('g', 1)).toBeUndefined()
    expect(press('a', 2)).toBe('g a')
    expect(press('a', 3)).toBe('a')
  })

  it('a g that was pressed long ago leads nothing', () => {
    const press = keySequence()
    press('g', 0)
    expect(press('d', LEAD_MS + 1)).toBe('d')
  })
})
