import { describe, expect, it } from 'vitest'
import { byUrgency, neighbour } from '../../../src/console/pages/inbox.ts'

const items = [
  { id: 'later', expiresAt: '2026-06-27T14:04:00Z' },
  { id: 'sooner', expiresAt: '2026-06-27T14:00:30Z' },
  { id: 'last', expiresAt: '2026-06-27T18:00:00Z' },
]

describe('the inbox', () => {
  it('what ends first stands first', () => {
    expect(byUrgency(items).map(({ id }) => id)).toEqual(['sooner', 'later', 'last'])
  })

  it('one walks to the neighbours, not beyond the ends, and from nowhere to the first', () => {
    expect(neighbour(items, 'later', 1)?.id).toBe('sooner')
    expect(neighbour(items, 'sooner', -1)?.id).toBe('later')
    expect(neighbour(items, 'last', 1)).toBeUndefined()
    expect(neighbour(items, 'later', -1)).toBeUndefined()
    expect(neighbour(items, 'decided meanwhile', 1)?.id).toBe('later')
    expect(neighbour([], undefined, 1)).toBeUndefined()
  })
})
