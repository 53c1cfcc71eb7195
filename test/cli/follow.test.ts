import { describe, expect, it } from 'vitest'
import { follow } from '../../src/cli/follow.ts'

describe('following a list', () => {
  it('shows each once, oldest first, and ends when it is stopped', async () => {
    const lists = [['b', 'a'], ['c', 'b', 'a'], ['c'], []]
    const [shown, stop] = [[] as string[], new AbortController()]
    await follow({
      look: async () => lists.shift() ?? [],
      nameOf: (item) => item,
      show: (item) => shown.push(item),
      pause: async () => (lists.length === 0 ? stop.abort() : undefined),
      stop: stop.signal,
    })
    expect(shown).toEqual(['a', 'b', 'c'])
  })

  it('ends with the fault of a look', async () => {
    const look = () => Promise.reject(new Error('gone'))
    const rest = { nameOf: String, show: () => undefined, pause: async () => undefined, stop: new AbortController().signal }
    await expect(follow({ look, ...rest })).rejects.toThrow('gone')
  })
})
