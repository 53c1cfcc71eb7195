import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeptRows } from '../../../src/ledger/sqlite/kept-rows.ts'
import { Pending } from '../../../src/ledger/sqlite/pending.ts'

interface Key {
  readonly key: string
}
interface Row extends Key {
  readonly value: number
}

/** Rows over a file that is a map, and as plain a copy of what they should say. */
function kept() {
  const pending = new Pending()
  const file = new Map<string, Row>()
  const asked: string[] = []
  const rows = new KeptRows<Key, Row>({
    pending,
    nameOf: ({ key }) => key,
    read: ({ key }) => {
      asked.push(key)
      return file.get(key)
    },
    put: (row) => file.set(row.key, row),
  })
  return { pending, file, asked, rows }
}

describe('rows in memory', () => {
  it('are looked up once, present or absent', () => {
    const { rows, file, asked } = kept()
    file.set('a', { key: 'a', value: 1 })
    for (const _ of [1, 2]) expect([rows.get({ key: 'a' })?.value, rows.get({ key: 'b' })]).toEqual([1, undefined])
    expect(asked).toEqual(['a', 'b'])
  })

  it('are written once before the commit, as they are by then', () => {
    const { rows, pending, file } = kept()
    rows.set({ key: 'a', value: 1 })
    rows.set({ key: 'a', value: 2 })
    expect([file.size, [...rows.unwritten()]]).toEqual([0, [{ key: 'a', value: 2 }]])
    pending.write()
    expect([...file.values(), ...rows.unwritten()]).toEqual([{ key: 'a', value: 2 }])
  })

  it('are read anew after the file was changed past them', () => {
    const { rows, file } = kept()
    rows.set({ key: 'a', value: 1 })
    rows.past({ key: 'a' }, () => file.delete('a'))
    expect(rows.get({ key: 'a' })).toBeUndefined()
  })

  it('say what the operations that were not undone have left, wherever they were written in between', () => {
    const step = fc.oneof(fc.record({ set: fc.constantFrom('a', 'b'), value: fc.nat(9) }), fc.constantFrom('write', 'past', 'read'))
    const operation = fc.record({ steps: fc.array(step, { maxLength: 5 }), undone: fc.boolean() })
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 6 }), (operations) => {
        const { rows, pending, file } = kept()
        const plain = new Map<string, number>()
        for (const { steps, undone } of operations) {
          const [before, savepoint] = [new Map(plain), new Map(file)]
          pending.keep()
          for (const one of steps) {
            if (typeof one === 'object') {
              rows.set({ key: one.set, value: one.value })
              plain.set(one.set, one.value)
            } else if (one === 'write') pending.write()
            else if (one === 'read') rows.get({ key: 'a' })
            else {
              rows.past({ key: 'b' }, () => file.delete('b'))
              plain.delete('b')
            }
          }
          if (!undone) continue
          file.clear()
          for (const [key, row] of savepoint) file.set(key, row)
          plain.clear()
          for (const [key, value] of before) plain.set(key, value)
          pending.takeBack()
        }
        for (const key of ['a', 'b']) expect(rows.get({ key })?.value).toBe(plain.get(key))
        pending.write()
        expect(new Map([...file].map(([key, { value }]) => [key, value]))).toEqual(plain)
      }),
    )
  })

  it('are forgotten where what stands in the file is what holds', () => {
    const { rows, pending } = kept()
    rows.set({ key: 'a', value: 1 })
    pending.forget()
    expect(rows.get({ key: 'a' })).toBeUndefined()
  })
})
