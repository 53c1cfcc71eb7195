import { describe, expect, it } from 'vitest'
import { createLink } from '../../src/workers/link.ts'
import { wires } from './wire.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('a link', () => {
  it('gathers what is posted in one turn into one message, and keeps its order', async () => {
    const [near, far] = wires()
    const sent: unknown[] = []
    far.onMessage((message) => sent.push(message))
    const heard: number[] = []
    createLink<never, number>(far, (number) => heard.push(number))
    const link = createLink<number, never>(near, () => undefined)
    for (const number of [1, 2, 3]) link.post(number)
    expect(heard).toEqual([])
    await turn()
    link.post(4)
    await turn()
    expect(heard).toEqual([1, 2, 3, 4])
    expect(sent).toEqual([[1, 2, 3], [4]])
  })

  it('passes over what others send on the same channel', () => {
    const [near, far] = wires()
    const heard: unknown[] = []
    createLink<never, unknown>(far, (message) => heard.push(message))
    near.send('connection')
    near.send({ kind: 'call' })
    expect(heard).toEqual([])
  })
})
