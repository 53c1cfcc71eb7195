import { describe, expect, it } from 'vitest'
import { Running } from '../../src/proxy/running.ts'

describe('running', () => {
  it('a drain waits for the last one', async () => {
    const running = new Running()
    const ends = [running.begin(), running.begin()]
    let ended = false
    const waiting = running.ended().then(() => {
      ended = true
    })
    ends[0]?.()
    await Promise.resolve()
    expect([ended, running.count, running.closing]).toEqual([false, 1, true])
    ends[1]?.()
    await waiting
    expect(running.count).toBe(0)
  })

  it('where nothing runs there is nothing to wait for', async () => {
    await new Running().ended()
  })
})
