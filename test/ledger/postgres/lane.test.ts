import { describe, expect, it } from 'vitest'
import { type Job, Lane } from '../../../src/ledger/postgres/lane.ts'
import type { Work } from '../../../src/ledger/postgres/transact.ts'
import { BATCH_ATTEMPTS, LEDGER_RETRY_MS, MAX_BATCH_OPERATIONS, NOTE_COMMIT_DELAY_MS } from '../../../src/limits.ts'
import { testClock } from '../../clock.ts'
import { MemoryStore } from './memory-store.ts'

/** What was to happen after a while happens at once, and is noted. */
function stage({ atOnce }: { readonly atOnce?: number } = {}) {
  const store = new MemoryStore()
  const delays: number[] = []
  const faults: string[] = []
  const schedule = (run: () => void, delay_ms: number) => {
    delays.push(delay_ms)
    const immediate = setImmediate(run)
    return () => clearImmediate(immediate)
  }
  const lane = new Lane<Work>({
    store,
    clock: testClock(),
    compose: (work) => work,
    number: 1,
    schedule,
    onFault: (sentence) => faults.push(sentence),
    ...(atOnce !== undefined && { atOnce }),
  })
  const order = () => store.rows('spending').map(({ bucket }) => bucket)
  return { store, lane, delays, faults, order, ...hand(lane) }
}

function hand(lane: Lane<Work>) {
  const lates: string[] = []
  const operation = (bucket: string, run?: (work: Work) => void) => ({
    queue: 'b',
    foresee: () => undefined,
    run(work: Work) {
      run?.(work)
      const row = work.set.row('spending', 'ses_1', bucket)
      if (!row) work.set.insert('spending', { session_id: 'ses_1', bucket, amount: 1n })
    },
  })
  const add = (bucket: string, run?: (work: Work) => void): Promise<string> =>
    new Promise((resolve, reject) => {
      const job: Job<Work> = {
        operation: operation(bucket, run),
        about: undefined,
        done: () => resolve('written'),
        failed: reject,
        late: () => {
          lates.push(bucket)
          return operation(`${bucket}, late`)
        },
      }
      lane.add(job)
    })
  const note = (bucket: string) => {
    const nobody = () => undefined
    lane.add({ operation: operation(bucket), about: bucket, done: nobody, failed: nobody, late: nobody })
  }
  return { add, note, lates }
}

const refusedWith = (sentence: string) => ({ code: 'ledger_unavailable', detail: expect.stringContaining(sentence) })

describe('a lane', () => {
  it('has one transaction at a time, and takes along all that came meanwhile, in order', async () => {
    const { store, add, order } = stage()
    const release = store.hold('commit')
    const first = add('a')
    await new Promise(setImmediate)
    const others = ['b', 'c', 'd'].map((bucket) => add(bucket))
    await new Promise(setImmediate)
    expect(store.logged('begin')).toHaveLength(1)
    release()
    expect(await Promise.all([first, ...others])).toEqual(['written', 'written', 'written', 'written'])
    expect([order(), store.logged('begin')]).toEqual([
      ['a', 'b', 'c', 'd'],
      ['begin 1 []', 'begin 1 []'],
    ])
  })

  it('takes no more at once than it may', async () => {
    const { store, add } = stage()
    await Promise.all(Array.from({ length: MAX_BATCH_OPERATIONS + 1 }, (_, index) => add(`b${index}`)))
    expect(store.logged('commit')).toHaveLength(2)
    const single = stage({ atOnce: 1 })
    await Promise.all([single.add('a'), single.add('b')])
    expect(single.store.logged('commit')).toHaveLength(2)
  })

  it('tries again where others were first, and tells nobody', async () => {
    const { store, add, faults } = stage()
    for (let attempt = 1; attempt < BATCH_ATTEMPTS; attempt++) store.fail('commit', 'retry')
    expect(await add('a')).toBe('written')
    expect([faults, store.logged('begin').length]).toEqual([[], BATCH_ATTEMPTS])
  })

  it('tries no more than so often', async () => {
    const { store, add, faults } = stage()
    for (let attempt = 1; attempt <= BATCH_ATTEMPTS; attempt++) store.fail('commit', 'retry')
    await expect(add('a')).rejects.toMatchObject({ refusal: refusedWith('again and again; nothing was written') })
    expect([faults.length, store.logged('begin').length]).toEqual([1, BATCH_ATTEMPTS])
  })

  it('writes the others where the database does not take what one of them wants', async () => {
    const { add, order } = stage()
    const wrong = add('wrong', ({ set }) => set.insert('spending', { session_id: 'ses_1', bucket: 'x', amount: -1n }))
    const [first, last] = [add('a'), add('b')]
    await expect(wrong).rejects.toMatchObject({ refusal: refusedWith('did not take') })
    expect([await first, await last, order()]).toEqual(['written', 'written', ['a', 'b']])
  })

  it('refuses at once where its run was declared ended', async () => {
    const { store, add } = stage()
    store.server.endRun('run_1', 0)
    await expect(add('a')).rejects.toMatchObject({ refusal: refusedWith('declared this one ended; nothing was written') })
    expect(store.logged('begin')).toHaveLength(1)
  })

  it('rejects an operation with what it threw itself, and writes the others', async () => {
    const { add, order } = stage()
    const wrong = add('wrong', () => {
      throw new Error('against the rules')
    })
    const right = add('a')
    await expect(wrong).rejects.toThrow('against the rules')
    expect([await right, order()]).toEqual(['written', ['a']])
  })

  it('is not harmed by an effect that fails', async () => {
    const { add, faults } = stage()
    const failing = add('a', ({ tx }) =>
      tx.afterCommit(() => {
        throw new Error('nobody listens')
      }),
    )
    expect([await failing, faults]).toEqual(['written', ['What follows a commit failed.']])
  })
})

describe('a lane whose store is away', () => {
  it('tries once more, then says that nothing was written', async () => {
    const { store, add } = stage()
    store.fail('begin', 'unavailable')
    expect(await add('a')).toBe('written')
    for (const _ of [1, 2]) store.fail('load', 'unavailable')
    await expect(add('b')).rejects.toMatchObject({ refusal: refusedWith('cannot be reached; nothing was written') })
  })

  it('keeps its notes for better times, and writes them before what comes later', async () => {
    const { store, add, note, order, delays } = stage()
    for (const _ of [1, 2]) store.fail('begin', 'unavailable')
    note('note')
    await expect(add('a')).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
    expect(await add('b')).toBe('written')
    expect(order()).toEqual(['note', 'b'])
    expect(delays.at(0)).toBe(NOTE_COMMIT_DELAY_MS)
  })

  it('tries its notes again after a while, also where nobody comes', async () => {
    const { store, lane, note, order, delays } = stage()
    for (const _ of [1, 2]) store.fail('begin', 'unavailable')
    note('note')
    await lane.quiet('note')
    expect(order()).toEqual([])
    await lane.quiet('note')
    expect([order(), delays]).toEqual([['note'], expect.arrayContaining([LEDGER_RETRY_MS])])
  })
})

describe('a commit whose answer is lost', () => {
  it('counts where it happened, and is not done again', async () => {
    const { store, add } = stage()
    store.fail('commit', 'unknown', { done: true })
    expect([await add('a'), store.logged('begin').length, store.logged('commit').length]).toEqual(['written', 1, 1])
  })

  it('is done again where it certainly did not happen', async () => {
    const { store, add, order } = stage()
    store.fail('commit', 'unknown')
    expect([await add('a'), order(), store.logged('commit').length]).toEqual(['written', ['a'], 2])
  })

  it('is unknown to whoever asked, and nothing is written on this lane before it is certain', async () => {
    const { store, add, lates, order } = stage()
    store.fail('commit', 'unknown', { done: true })
    for (const _ of [1, 2]) store.fail('outcome', 'unavailable')
    await expect(add('a')).rejects.toMatchObject({ refusal: refusedWith('nobody can say yet whether it happened') })
    const begun = store.logged('begin').length
    await expect(add('b')).rejects.toMatchObject({ refusal: refusedWith('nobody can say yet') })
    expect([store.logged('begin').length, lates]).toEqual([begun, []])
    expect([await add('c'), lates, order()]).toEqual(['written', ['a'], ['a', 'a, late', 'c']])
  })

  it('that turns out not to have happened is nothing to take back', async () => {
    const { store, add, lates, order } = stage()
    store.fail('commit', 'unknown')
    store.fail('outcome', 'unavailable')
    await expect(add('a')).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
    expect([await add('b'), lates, order()]).toEqual(['written', [], ['b']])
  })

  it('is asked about after a while, also where nobody comes', async () => {
    const { store, lane, add, lates, delays } = stage()
    store.fail('commit', 'unknown', { done: true })
    store.fail('outcome', 'unavailable')
    await expect(add('a')).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
    for (let turn = 0; turn < 10 && lates.length === 0; turn++) await new Promise(setImmediate)
    expect([lates, delays.at(-1)]).toEqual([['a'], LEDGER_RETRY_MS])
    await lane.close()
  })
})

describe('a note', () => {
  it('rides with the next transaction', async () => {
    const { store, add, note, order } = stage()
    note('note')
    await add('a')
    expect([order(), store.logged('commit')]).toEqual([['note', 'a'], ['commit']])
  })

  it('is hurried by whoever wants to know, and by nobody else', async () => {
    const { lane, note, order, delays } = stage()
    note('one')
    await lane.quiet('another')
    expect([order(), delays]).toEqual([[], [NOTE_COMMIT_DELAY_MS]])
    await lane.quiet('one')
    expect([order(), delays]).toEqual([['one'], [NOTE_COMMIT_DELAY_MS, 0]])
  })

  it('that breaks the rules is told to operators by its payment', async () => {
    const { lane, faults } = stage()
    const operation = {
      queue: 'b',
      foresee: () => undefined,
      run: () => {
        throw new Error('against the rules')
      },
    }
    lane.add({ operation, about: 'pay_1', done: () => undefined, failed: () => undefined, late: () => undefined })
    await lane.quiet('pay_1')
    expect(faults).toEqual(['A note about payment pay_1 could not be written.'])
  })
})

describe('a lane that is closed', () => {
  it('writes what is queued and takes nothing more', async () => {
    const { lane, add, note, order } = stage()
    note('note')
    const queued = add('a')
    await lane.close()
    expect([await queued, order()]).toEqual(['written', ['note', 'a']])
    await expect(add('b')).rejects.toMatchObject({ refusal: { detail: 'The ledger is closed.' } })
  })

  it('gives up what cannot be written', async () => {
    const { store, lane, note, order } = stage()
    for (const _ of [1, 2]) store.fail('begin', 'unavailable')
    note('note')
    await lane.close()
    expect(order()).toEqual([])
  })
})
