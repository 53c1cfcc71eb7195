import { describe, expect, it } from 'vitest'
import { DRAIN_TIMEOUT_MS } from '../src/limits.ts'
import * as limits from '../src/worker-limits.ts'

describe('limits of workers', () => {
  it.each(Object.entries(limits))('%s is a whole number above zero', (_, value) => {
    expect(Number.isSafeInteger(value) && value > 0).toBe(true)
  })

  it('a worker that always dies ends the program within its window', () => {
    expect(limits.MAX_WORKER_DEATHS * limits.WORKER_RESTART_MS).toBeLessThan(limits.WORKER_DEATHS_WINDOW_MS)
    expect(limits.WORKER_EXIT_MS).toBeLessThan(DRAIN_TIMEOUT_MS)
  })
})
