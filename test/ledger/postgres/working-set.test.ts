import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Loaded, Row, RowChange, RowKey, Wanted } from '../../../src/ledger/postgres/store.ts'
import { Missing, WorkingSet } from '../../../src/ledger/postgres/working-set.ts'

const NOTHING: Pick<Wanted, 'windows' | 'leaves' | 'places'> = {
  windows: [],
  leaves: [],
  places: { sessions: 0, payments: 0, receipts: 0 },
}
const LOADED: Pick<Loaded, 'windows' | 'leaves' | 'places'> = {
  windows: [],
  leaves: [],
  places: { sessions: [], payments: [], receipts: [] },
}

/** Takes in what was found for one key. */
function take(set: WorkingSet, key: RowKey, ...rows: Row[]): void {
  set.fill({ rows: [key], ...NOTHING }, { rows: [rows], ...LOADED })
}

function missingIn(lookup: () => unknown): Wanted | undefined {
  try {
    lookup()
    return undefined
  } catch (cause) {
    if (cause instanceof Missing) return cause.wants.wanted()
    throw cause
  }
}

const SPENDING = { access: 'spending', values: ['ses_1', 'tool:a'] } as const
const row = (amount: bigint): Row => ({ session_id: 'ses_1', bucket: 'tool:a', amount })

function loaded(...rows: Row[]) {
  const set = new WorkingSet()
  take(set, SPENDING, ...rows)
  const amount = () => set.row('spending', 'ses_1', 'tool:a')?.amount
  return { set, amount }
}

describe('a look-up', () => {
  it('of what was never loaded names it, and never answers that there is nothing', () => {
    const set = new WorkingSet()
    expect(missingIn(() => set.row('spending', 'ses_1', 'tool:a'))?.rows).toEqual([SPENDING])
    expect(missingIn(() => set.rows('reserved', 'ses_1'))?.rows).toEqual([{ access: 'reserved', values: ['ses_1'] }])
    expect(missingIn(() => set.window({ series: 's', after: 1 }))?.windows).toEqual([{ series: 's', after: 1 }])
    expect(missingIn(() => set.leaves({ series: 's', ordinal: 1n, amount: 2n }))?.leaves).toHaveLength(1)
    expect(missingIn(() => set.place('payments'))?.places.payments).toBeGreaterThan(0)
  })

  it('of what was loaded and is not there finds nothing', () => {
    expect(loaded().amount()).toBeUndefined()
  })

  it('sees this transaction’s own changes, also where the same row is loaded again', () => {
    const { set, amount } = loaded(row(1n))
    set.update('spending', row(1n), { amount: 2n })
    take(set, SPENDING, row(1n))
    expect(amount()).toBe(2n)
    expect(set.changes()).toEqual([{ kind: 'update', table: 'spending', row: row(2n) }])
  })

  it('finds rows by what they are now', () => {
    const set = new WorkingSet()
    take(set, { access: 'reserved', values: ['ses_1'] })
    const payment = { id: 'pay_1', session_id: 'ses_1', state: 'reserved' }
    set.insert('payments', { ...payment })
    expect(set.rows('reserved', 'ses_1')).toEqual([payment])
    set.update('payments', payment, { state: 'signed' })
    expect(set.rows('reserved', 'ses_1')).toEqual([])
    expect(set.row('payment', 'pay_1')).toMatchObject({ state: 'signed' })
  })

  it('finds a row that was taken back and put again by its new columns, and not by the old ones', () => {
    const set = new WorkingSet()
    for (const payment of ['pay_1', 'pay_2']) take(set, { access: 'refundsOf', values: [payment] })
    set.insert('refunds', { source: 'tx', payment_id: 'pay_2' })
    set.takeBack()
    set.insert('refunds', { source: 'tx', payment_id: 'pay_1' })
    expect([set.rows('refundsOf', 'pay_1'), set.rows('refundsOf', 'pay_2')]).toEqual([[{ source: 'tx', payment_id: 'pay_1' }], []])
  })
})

describe('a place', () => {
  it('is drawn in order, each once, and drawn again after what was undone', () => {
    const set = new WorkingSet()
    set.fill({ rows: [], ...NOTHING }, { rows: [], ...LOADED, places: { ...LOADED.places, payments: [3n, 4n] } })
    expect(set.place('payments')).toBe(3n)
    set.takeBack()
    expect(set.place('payments')).toBe(3n)
    set.keep()
    expect(set.place('payments')).toBe(4n)
    expect(() => set.place('payments')).toThrow(Missing)
  })
})

describe('a change', () => {
  it('of a row that is not at hand, or of one that is there already, is a mistake', () => {
    const { set } = loaded(row(1n))
    expect(() => set.insert('spending', { ...row(2n) })).toThrow('there is a row')
    expect(() => set.update('spending', { session_id: 'ses_2', bucket: 'b' }, {})).toThrow('no row to change')
  })

  it('is told to the database with the key and the changed columns only', () => {
    const { set } = loaded({ ...row(1n), note: 'kept' })
    set.update('spending', row(1n), { amount: 5 })
    expect(set.changes()).toEqual([{ kind: 'update', table: 'spending', row: row(5n) }])
  })

  it('that leaves everything as it was is not told', () => {
    const { set } = loaded(row(1n))
    set.update('spending', row(1n), { amount: 2n })
    set.update('spending', row(1n), { amount: 1n })
    expect(set.changes()).toEqual([])
  })

  it('knows what the database has from what is new', () => {
    const { set } = loaded(row(1n))
    set.insert('spending', { session_id: 'ses_1', bucket: 'tool:b', amount: 1n })
    set.remove('spending', row(1n))
    expect([set.isStored('spending', row(1n)), set.isStored('spending', { session_id: 'ses_1', bucket: 'tool:b' })]).toEqual([true, false])
    expect(set.changes().map(({ kind, row: { bucket } }) => [kind, bucket])).toEqual([
      ['delete', 'tool:a'],
      ['insert', 'tool:b'],
    ])
  })

  it('made and unmade in one transaction is not told', () => {
    const { set } = loaded()
    set.insert('spending', { ...row(1n) })
    set.remove('spending', row(1n))
    expect(set.changes()).toEqual([])
  })

  it('runs what its operation wanted to be undone, last first, and only until it is kept', () => {
    const { set } = loaded()
    const undone: string[] = []
    set.onUndo(() => undone.push('kept'))
    set.keep()
    for (const name of ['first', 'second']) set.onUndo(() => undone.push(name))
    set.takeBack()
    set.takeBack()
    expect(undone).toEqual(['second', 'first'])
  })
})

type Step = { readonly act: 'put' | 'remove'; readonly bucket: string; readonly amount: bigint }

const step: fc.Arbitrary<Step> = fc.record({
  act: fc.constantFrom('put', 'remove'),
  bucket: fc.constantFrom('a', 'b', 'c'),
  amount: fc.bigInt({ min: 0n, max: 3n }),
})
const steps = fc.array(step, { maxLength: 12 })

function apply(set: WorkingSet, { act, bucket, amount }: Step): void {
  const found = set.row('spending', 'ses_1', bucket)
  if (act === 'remove' && found) set.remove('spending', found)
  else if (act === 'put' && found) set.update('spending', found, { amount })
  else if (act === 'put') set.insert('spending', { session_id: 'ses_1', bucket, amount })
}

function stored(change: RowChange, before: Map<unknown, unknown>): void {
  const { bucket, amount } = change.row
  expect(before.has(bucket)).toBe(change.kind !== 'insert')
  if (change.kind === 'delete') before.delete(bucket)
  else if (amount !== undefined) before.set(bucket, amount)
}

describe('whatever an operation does', () => {
  const begin = () => {
    const set = new WorkingSet()
    for (const bucket of ['a', 'b', 'c']) {
      const found = bucket === 'c' ? [] : [{ session_id: 'ses_1', bucket, amount: 1n }]
      take(set, { access: 'spending', values: ['ses_1', bucket] }, ...found)
    }
    return set
  }
  const seen = (set: WorkingSet) => ['a', 'b', 'c'].map((bucket) => set.row('spending', 'ses_1', bucket)?.amount)

  it('can be taken back as if it had never been', () => {
    fc.assert(
      fc.property(steps, steps, (kept, lost) => {
        const set = begin()
        for (const one of kept) apply(set, one)
        set.keep()
        const before = [seen(set), set.changes()]
        for (const one of lost) apply(set, one)
        set.takeBack()
        expect([seen(set), set.changes()]).toEqual(before)
      }),
    )
  })

  it('leaves in the database what it saw', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const set = begin()
        for (const one of all) apply(set, one)
        const database = new Map<unknown, unknown>([
          ['a', 1n],
          ['b', 1n],
        ])
        for (const change of set.changes()) stored(change, database)
        expect(['a', 'b', 'c'].map((bucket) => database.get(bucket))).toEqual(seen(set))
      }),
    )
  })
})
