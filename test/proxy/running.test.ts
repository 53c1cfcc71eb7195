import { describe, expect, it } from 'vitest'
import { type Run, Running } from '../../src/proxy/running.ts'

let made = 0
const run = (sessionId?: string, breakOff: () => void = () => undefined): Run => ({ id: `exc_${made++}`, sessionId, reply: { breakOff } })

describe('running', () => {
  it('a drain waits for the last one', async () => {
    const running = new Running()
    const [one, other] = [run(), run()]
    running.begin(one)
    running.begin(other)
    let ended = false
    const waiting = running.ended().then(() => {
      ended = true
    })
    running.end(one)
    await Promise.resolve()
    expect([ended, running.count, running.closing]).toEqual([false, 1, true])
    running.end(other)
    await waiting
    expect(running.count).toBe(0)
  })

  it('where nothing runs there is nothing to wait for', async () => {
    await new Running().ended()
  })

  it('the end of a session breaks off what it has running, and nothing of another', () => {
    const running = new Running()
    const broken: string[] = []
    const gone = run('ses_1', () => broken.push('gone'))
    const late = run(undefined, () => broken.push('late'))
    for (const one of [run('ses_1', () => broken.push('one')), gone, run('ses_2', () => broken.push('other')), run(), late])
      running.begin(one)
    running.end(gone)
    running.endOf('ses_1')
    running.endOf('ses_3')
    expect(broken).toEqual(['one'])
    late.sessionId = 'ses_3'
    running.endOf('ses_3')
    expect(broken).toEqual(['one', 'late'])
  })
})
