import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Pace } from '../../src/proxy/pace.ts'

describe('the pace of a connection', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('ends one that never sends a whole request', () => {
    const end = vi.fn()
    new Pace({ idle_ms: 100, end })
    vi.advanceTimersByTime(99)
    expect(end).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(end).toHaveBeenCalledTimes(1)
  })

  it('lets requests take their time, and counts anew from the last answer', () => {
    const end = vi.fn()
    const pace = new Pace({ idle_ms: 100, end })
    pace.began()
    pace.began()
    vi.advanceTimersByTime(1_000)
    pace.ended()
    expect(pace.busy).toBe(true)
    vi.advanceTimersByTime(1_000)
    expect(end).not.toHaveBeenCalled()
    pace.ended()
    expect(pace.busy).toBe(false)
    vi.advanceTimersByTime(99)
    expect(end).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(end).toHaveBeenCalledTimes(1)
  })

  it('drains: an idle connection ends at once, a busy one after its last answer', () => {
    const [idle, busy] = [vi.fn(), vi.fn()]
    new Pace({ idle_ms: 100, end: idle }).drain()
    expect(idle).toHaveBeenCalledTimes(1)
    const pace = new Pace({ idle_ms: 100, end: busy })
    pace.began()
    pace.drain()
    expect(busy).not.toHaveBeenCalled()
    pace.ended()
    expect(busy).toHaveBeenCalledTimes(1)
  })

  it('stops when the connection is gone', () => {
    const end = vi.fn()
    new Pace({ idle_ms: 100, end }).stop()
    vi.advanceTimersByTime(1_000)
    expect(end).not.toHaveBeenCalled()
  })
})
