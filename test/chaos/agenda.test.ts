import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { Agenda, Life, played } from './agenda.ts'

describe('the agenda', () => {
  it('lets everything that waits for nothing else run between two entries', async () => {
    const agenda = new Agenda()
    const heard: string[] = []
    const read = async () => {
      for await (const chunk of Readable.from(['a', 'b'])) heard.push(String(chunk))
      await Promise.resolve()
      heard.push('read')
    }
    agenda.later(1, agenda.world, () => void read())
    agenda.later(2, agenda.world, () => heard.push('second entry'))
    await played(() => {
      while (agenda.step());
    })
    expect(heard).toEqual(['a', 'b', 'read', 'second entry'])
  })

  it('does what is due in the order of time, and of asking where times are equal', async () => {
    const agenda = new Agenda()
    const done: number[] = []
    for (const [at, delay_ms] of [5, 1, 5, 3, 1].entries()) agenda.later(delay_ms, agenda.world, () => done.push(at))
    await played(() => {
      while (agenda.step());
    })
    expect(done).toEqual([1, 4, 3, 0, 2])
  })

  it('does nothing more for a life that has ended, and nothing that was called off', async () => {
    const agenda = new Agenda()
    const life = new Life('process')
    const done: string[] = []
    agenda.later(1, agenda.world, () => life.end())
    agenda.later(2, life, () => done.push('of the dead'))
    agenda.later(3, agenda.world, () => done.push('called off'))()
    await played(() => {
      while (agenda.step());
    })
    expect(done).toEqual([])
  })

  it('waits no longer than its signal', async () => {
    const agenda = new Agenda()
    const gone = new AbortController()
    const heard: string[] = []
    const wait = () => agenda.wait(1_000, { life: agenda.world, signal: gone.signal })
    agenda.later(0, agenda.world, () => void wait().catch(() => heard.push('left')))
    agenda.later(10, agenda.world, () => gone.abort())
    agenda.later(20, agenda.world, () => void wait().catch(() => heard.push('never begun')))
    await played(() => {
      while (agenda.step());
    })
    expect(heard).toEqual(['left', 'never begun'])
  })

  it('tells what went wrong while it was played', async () => {
    const fail = () => {
      throw new Error('broken')
    }
    await expect(played(fail)).rejects.toThrow('broken')
  })
})
