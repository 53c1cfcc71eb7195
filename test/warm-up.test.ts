import { describe, expect, it } from 'vitest'
import { giveBackMemory, warmUp } from '../src/warm-up.ts'

const silent = { faulted: () => undefined }

describe('warming up', () => {
  it('loads one part after the other', async () => {
    await using started = new AsyncDisposableStack()
    const told: string[] = []
    const over = Promise.withResolvers<void>()
    const slow = async () => {
      told.push('begins')
      await new Promise(setImmediate)
      told.push('ends')
    }
    const last = async () => over.resolve()
    warmUp([slow, slow, last], { events: silent, started, after_ms: 0 })
    expect(told).toEqual([])
    await over.promise
    expect(told).toEqual(['begins', 'ends', 'begins', 'ends'])
  })

  it('tells of what cannot be loaded', async () => {
    await using started = new AsyncDisposableStack()
    const fault = new Error('not there')
    const told = Promise.withResolvers<unknown[]>()
    const events = { faulted: (...said: unknown[]) => told.resolve(said) }
    warmUp([() => Promise.reject(fault)], { events, started, after_ms: 0 })
    expect(await told.promise).toEqual(['warming up', fault])
  })

  it('is called off with the start that it belongs to', async () => {
    const started = new AsyncDisposableStack()
    let isLoaded = false
    const load = async () => {
      isLoaded = true
    }
    warmUp([load], { events: silent, started, after_ms: 0 })
    await started.disposeAsync()
    // Timers of one length run in the order in which they were set.
    await using later = new AsyncDisposableStack()
    const over = Promise.withResolvers<void>()
    warmUp([async () => over.resolve()], { events: silent, started: later, after_ms: 0 })
    await over.promise
    expect(isLoaded).toBe(false)
  })
})

describe('memory', () => {
  it('that nobody needs any more is given back', async () => {
    const left = new WeakRef(Buffer.alloc(1_000))
    // What was looked at in this turn lives to its end.
    await new Promise(setImmediate)
    await giveBackMemory()
    expect(left.deref()).toBeUndefined()
  })
})
