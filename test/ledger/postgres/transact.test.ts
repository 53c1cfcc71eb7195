import { describe, expect, it } from 'vitest'
import { StoreFault } from '../../../src/ledger/postgres/store.ts'
import { type Operation, transact, type Work } from '../../../src/ledger/postgres/transact.ts'
import { Wants } from '../../../src/ledger/postgres/wants.ts'
import { MAX_LOAD_ROUNDS } from '../../../src/limits.ts'
import { testClock } from '../../clock.ts'
import { MemoryStore } from './memory-store.ts'

const clock = testClock()

function stage() {
  const store = new MemoryStore()
  const learned = new Wants()
  const written: number[] = []
  const run = (...operations: Operation<Work, unknown>[]) =>
    transact(
      operations,
      { lane: 0, learned },
      { store, clock, compose: (work) => work, onWritten: (changes) => written.push(changes.length) },
    )
  return { store, learned, written, run, amounts: () => store.rows('spending').map(({ bucket, amount }) => [bucket, amount]) }
}

/** Adds one to a bucket, and answers what it is then. Nothing is foreseen. */
function adding(bucket: string, after?: (work: Work) => void): Operation<Work, bigint> {
  return {
    queue: 'b',
    foresee: () => undefined,
    run(work) {
      const row = work.set.row('spending', 'ses_1', bucket)
      const amount = (typeof row?.amount === 'bigint' ? row.amount : 0n) + 1n
      if (row) work.set.update('spending', row, { amount })
      else work.set.insert('spending', { session_id: 'ses_1', bucket, amount })
      after?.(work)
      return amount
    },
  }
}

const failing = (work: Work) => {
  work.tx.afterCommit(() => expect.unreachable())
  work.announce({ kind: 'halts' })
  throw new Error('against the rules')
}

const done = (value: unknown) => ({ done: true, value })

describe('a transaction', () => {
  it('locks before it reads, in a statement of its own (R8), and begins anew where a lock was not foreseen', async () => {
    const { store, run } = stage()
    const foreseen: Operation<Work, unknown> = {
      queue: 'b',
      foresee: (wants) => wants.row({ access: 'session', values: ['ses_1'] }).row({ access: 'payment', values: ['pay_1'] }),
      run: ({ set }) => set.row('head', 's'),
    }
    await run(foreseen)
    expect(store.log).toEqual([
      'begin 0 [session ses_1]',
      'load [session ses_1, payment pay_1]',
      'rollback',
      'begin 0 [head s, session ses_1]',
      'load [head s, session ses_1, payment pay_1]',
      'rollback',
    ])
  })

  it('asks for what depends on the time once it is known, and locks what that rests on', async () => {
    const { store, run } = stage()
    const timed: Operation<Work, unknown> = {
      queue: 'b',
      foresee: () => undefined,
      foreseeAt: (wants, now) => wants.window({ series: 's', after: now - 10 }),
      run: ({ set, tx }) => set.window({ series: 's', after: tx.now - 10 }).voided,
    }
    const { outcomes } = await run(timed)
    expect(outcomes).toEqual([done(0n)])
    expect(store.logged('begin')).toEqual(['begin 0 []', 'begin 0 [head s]'])
  })

  it('runs operations in the order in which they came, though the first misses something', async () => {
    const { store, run, amounts } = stage()
    const { outcomes } = await run(adding('a'), adding('a'), adding('b'), adding('a'))
    expect(outcomes).toEqual([1n, 2n, 1n, 3n].map(done))
    expect(amounts()).toEqual([
      ['a', 3n],
      ['b', 1n],
    ])
    expect(store.logged('load')).toHaveLength(2)
  })

  it('loses of an operation that fails its own changes only, with its effects and what it told', async () => {
    const { store, run, amounts } = stage()
    const told: unknown[] = []
    store.watch((change) => told.push(change))
    const { outcomes, effects } = await run(adding('a'), adding('a', failing), adding('a'))
    for (const effect of effects) effect()
    expect(outcomes).toEqual([done(1n), { done: false, cause: new Error('against the rules') }, done(2n)])
    expect([amounts(), told]).toEqual([[['a', 2n]], []])
  })

  it('runs effects once for each operation, however often that ran, and only when they are asked for', async () => {
    const { run, written } = stage()
    const seen: string[] = []
    const { effects } = await run(
      adding('a', ({ tx }) => tx.afterCommit(() => seen.push('first'))),
      adding('b', ({ tx, set }) => {
        set.row('spending', 'ses_1', 'c')
        tx.afterCommit(() => seen.push('second'))
      }),
    )
    expect([seen, written]).toEqual([[], []])
    for (const effect of effects) effect()
    expect([seen, written]).toEqual([['first', 'second'], [2]])
  })

  it('gives up on an operation that asks for other rows each time it runs', async () => {
    const { store, run } = stage()
    let turn = 0
    const restless: Operation<Work, unknown> = {
      queue: 'b',
      foresee: () => undefined,
      run: ({ set }) => set.row('payment', `pay_${++turn}`),
    }
    await expect(run(restless)).rejects.toMatchObject({ kind: 'rejected' })
    expect([turn <= MAX_LOAD_ROUNDS, store.logged('rollback').length]).toEqual([true, 1])
  })

  it('that only read commits nothing', async () => {
    const { store, run } = stage()
    await run({ queue: 'b', foresee: () => undefined, run: ({ set }) => set.rows('halts') })
    expect([store.logged('commit'), store.logged('rollback')]).toEqual([[], ['rollback']])
  })

  it('that only tells the others is committed for that', async () => {
    const { store, run } = stage()
    const told: unknown[] = []
    store.watch((change) => told.push(change))
    await run({ queue: 'b', foresee: () => undefined, run: ({ announce }) => announce({ kind: 'halts' }) })
    expect(told).toEqual([{ kind: 'halts' }])
  })

  it('hands what was not foreseen to the next attempt, which locks it in order', async () => {
    const { store, learned, run } = stage()
    const unforeseen: Operation<Work, unknown> = { queue: 'b', foresee: () => undefined, run: ({ set }) => set.row('session', 'ses_1') }
    await run(unforeseen)
    expect(learned.locks()).toEqual([{ access: 'session', values: ['ses_1'] }])
    await run(unforeseen)
    expect(store.logged('begin')).toEqual(['begin 0 []', 'begin 0 [session ses_1]', 'begin 0 [session ses_1]'])
  })

  it('is in doubt where the answer to its commit is lost, and says who can tell', async () => {
    for (const landed of [true, false]) {
      const { store, run } = stage()
      store.fail('commit', 'unknown', { done: landed })
      const { doubt } = await run(adding('a'))
      expect(await doubt?.outcome()).toBe(landed)
    }
  })

  it.each(['load', 'commit'] as const)('lets go of its locks where its %s fails', async (call) => {
    const { store, run, amounts } = stage()
    store.fail(call, 'retry')
    const locking: Operation<Work, unknown> = { ...adding('a'), foresee: (wants) => wants.row({ access: 'identity', values: ['k'] }) }
    await expect(run(locking)).rejects.toThrow(StoreFault)
    expect([amounts(), store.logged('rollback')]).toEqual([[], ['rollback']])
    await run(locking)
    expect(amounts()).toEqual([['a', 1n]])
  })
})
