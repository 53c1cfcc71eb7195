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

  it('the end of a session breaks off what it has running, and nothing of another', () => {
    const running = new Running()
    const broken: string[] = []
    running.of('ses_1', () => broken.push('one'))
    const leave = running.of('ses_1', () => broken.push('two'))
    running.of('ses_2', () => broken.push('other'))
    leave()
    running.endOf('ses_1')
    running.endOf('ses_3')
    expect(broken).toEqual(['one'])
  })
})
