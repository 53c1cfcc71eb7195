import { describe, expect, it } from 'vitest'
import { aheadRowName } from '../../src/session/ahead-row.ts'

describe('ahead-row', () => {
  it('is one for each agent and year', () => {
    const now = Date.parse('2026-12-31T23:59:59.999Z')
    expect(aheadRowName('buyer', now)).toBe('authorize:buyer:2026')
    expect(aheadRowName('buyer', now + 1)).toBe('authorize:buyer:2027')
    expect(aheadRowName('other', now)).not.toBe(aheadRowName('buyer', now))
  })
})
