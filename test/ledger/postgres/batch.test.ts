import { describe, expect, it } from 'vitest'
import { Batch } from '../../../src/ledger/postgres/batch.ts'
import type { RowChange } from '../../../src/ledger/postgres/store.ts'
import type { Operation, Work } from '../../../src/ledger/postgres/transact.ts'
import { testClock } from '../../clock.ts'
import { MemoryStore } from './memory-store.ts'

function stage() {
  const store = new MemoryStore({ lanes: 3 })
  const clock = testClock()
  const written: (readonly RowChange[])[] = []
  const commits: number[] = []
  const batch = new Batch<Work>({
    store,
    clock,
    compose: (work) => work,
    onWritten: (changes) => written.push(changes),
    onCommit: (duration_ms) => commits.push(duration_ms),
  })
  return { store, clock, batch, written, commits }
}

function putting(bucket: string, queue = 'b'): Operation<Work, string> {
  return {
    queue,
    foresee: () => undefined,
    run: ({ set }) => {
      set.row('spending', 'ses_1', bucket)
      set.insert('spending', { session_id: 'ses_1', bucket, amount: 1n })
      return bucket
    },
  }
}

const noting = (bucket: string): Operation<Work, void> => ({ ...putting(bucket), run: (work) => void putting(bucket).run(work) })

describe('the batch', () => {
  it('answers what each operation returned, for one commit', async () => {
    const { store, batch, commits } = stage()
    const names = Array.from({ length: 50 }, (_, index) => `b${index}`)
    expect(await Promise.all(names.map((name) => batch.write(putting(name))))).toEqual(names)
    expect([store.logged('commit').length, commits.length]).toEqual([1, 1])
  })

  it('tells nothing before it is durable', async () => {
    const { store, batch, written } = stage()
    const release = store.hold('commit')
    const told: string[] = []
    const writing = batch.write(putting('a')).then((name) => told.push(name))
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    expect([store.logged('commit'), told, written]).toEqual([['commit'], [], []])
    release()
    await writing
    expect([told, written.map((changes) => changes.map(({ kind }) => kind))]).toEqual([['a'], [['insert']]])
  })

  it('sends operations of one queue through one lane, in order, and spreads queues over all', async () => {
    const { store, batch } = stage()
    const queues = Array.from({ length: 60 }, (_, index) => `agent_${index % 20}`)
    await Promise.all(queues.map((queue, index) => batch.write(putting(`${index}`, queue))))
    expect(new Set(store.logged('begin').map((line) => line.slice(0, 7)))).toEqual(new Set(['begin 0', 'begin 1', 'begin 2']))
    await Promise.all(['x', 'y'].map((name) => batch.write(putting(name, 'agent_7'))))
    expect(
      store
        .rows('spending')
        .map(({ bucket }) => bucket)
        .slice(-2),
    ).toEqual(['x', 'y'])
  })

  it('does not let a slow lane hold up another', async () => {
    const { store, batch } = stage()
    const release = store.hold('load')
    const slow = batch.write(putting('a', 'ses_1'))
    expect(await batch.write(putting('b', 'ses_2'))).toBe('b')
    expect(store.rows('spending').map(({ bucket }) => bucket)).toEqual(['b'])
    release()
    expect(await slow).toBe('a')
  })

  it('writes a note that nobody waits for, before whoever asks for it is answered', async () => {
    const { store, batch } = stage()
    batch.note(noting('note'), 'pay_1')
    await batch.quiet('pay_1')
    expect(store.rows('spending')).toHaveLength(1)
  })

  it('writes what is queued on all lanes when it is closed, and takes nothing more', async () => {
    const { store, batch } = stage()
    const queued = ['a_1', 'a_2', 'a_3'].map((queue) => batch.write(putting(queue, queue)))
    batch.note(noting('note'), 'pay_1')
    await batch.close()
    expect([(await Promise.all(queued)).length, store.rows('spending').length]).toEqual([3, 4])
    await expect(batch.write(putting('late'))).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
  })

  it('writes first what has to follow, where it turns out that something was written of which nobody could tell', async () => {
    const { store, batch } = stage()
    store.fail('commit', 'unknown', { done: true })
    store.fail('outcome', 'unavailable')
    const writing = batch.write(putting('a'), (value) => noting(`${value}, late`))
    await expect(writing).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
    await batch.write(putting('b'))
    expect(store.rows('spending').map(({ bucket }) => bucket)).toEqual(['a', 'a, late', 'b'])
  })
})
