import { describe, expect, it } from 'vitest'
import { atTurnsEnd } from '../../src/proxy/turns-end.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('at the turn’s end', () => {
  it('work is done in its order, after all that the turn has brought', async () => {
    const done: string[] = []
    atTurnsEnd(() => done.push('first'))
    atTurnsEnd(() => done.push('second'))
    await Promise.resolve()
    process.nextTick(() => done.push('tick'))
    await turn()
    expect(done).toEqual(['tick', 'first', 'second'])
  })

  it('work that brings more work has it done in the next turn', async () => {
    const done: string[] = []
    atTurnsEnd(() => {
      done.push('first')
      atTurnsEnd(() => done.push('later'))
    })
    await turn()
    expect(done).toEqual(['first'])
    await turn()
    expect(done).toEqual(['first', 'later'])
  })
})
