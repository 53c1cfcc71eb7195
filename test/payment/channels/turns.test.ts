import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTurns } from '../../../src/payment/channels/turns.ts'

const patient = new AbortController().signal

describe('turns', () => {
  it('come one after the other, in the order in which they were asked for', async () => {
    const turns = createTurns()
    const seen: string[] = []
    const work = async (name: string) => {
      const end = await turns.take('channel', patient)
      seen.push(`${name} begins`)
      await setImmediate()
      seen.push(`${name} ends`)
      end?.()
    }
    await Promise.all(['one', 'two', 'three'].map(work))
    expect(seen).toEqual(['one begins', 'one ends', 'two begins', 'two ends', 'three begins', 'three ends'])
  })

  it('of different names do not wait for each other', async () => {
    const turns = createTurns()
    await turns.take('one', patient)
    expect(await turns.take('another', patient)).toBeTypeOf('function')
  })

  it('are given up where the signal fires first, and the next one does not wait for that', async () => {
    const turns = createTurns()
    const first = await turns.take('channel', patient)
    const gone = new AbortController()
    const second = turns.take('channel', gone.signal)
    const third = turns.take('channel', patient)
    gone.abort()
    expect(await second).toBeUndefined()
    first?.()
    expect(await third).toBeTypeOf('function')
  })

  it('never overlap, whoever gives up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 20 }), async (leaves) => {
        const turns = createTurns()
        let running = 0
        let most = 0
        const work = async (isLeaving: boolean) => {
          const leaving = new AbortController()
          const taken = turns.take('channel', leaving.signal)
          if (isLeaving) leaving.abort()
          const end = await taken
          if (!end) return
          running += 1
          most = Math.max(most, running)
          await setImmediate()
          running -= 1
          end()
        }
        await Promise.all(leaves.map(work))
        expect(most).toBeLessThanOrEqual(1)
        expect(running).toBe(0)
      }),
    )
  })
})
