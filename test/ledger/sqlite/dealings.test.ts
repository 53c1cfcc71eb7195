import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Dealings } from '../../../src/ledger/sqlite/dealings.ts'
import { Pending } from '../../../src/ledger/sqlite/pending.ts'
import { emptyDatabase } from './workbench.ts'

function dealing() {
  const pending = new Pending()
  const db = emptyDatabase()
  return { db, pending, dealings: new Dealings(db, pending) }
}

const STALL = { agent: 'a', origin: 'https://api.example.com', network: 'eip155:1' }

describe('dealings', () => {
  it('are known by recipient on any network, and the last of each network, written or not', () => {
    const { dealings, pending } = dealing()
    const there = { ...STALL, network: 'eip155:2' }
    dealings.remember({ ...STALL, payTo: '0xAa', last: 1n })
    dealings.remember({ ...there, payTo: '0xBb', last: 2n })
    dealings.remember({ ...there, payTo: '0xBb', last: 3n })
    const told = () => [dealings.has(STALL, '0xbb'), dealings.has(STALL, '0xcc'), dealings.lastPayTo(STALL), dealings.lastPayTo(there)]
    expect(told()).toEqual([true, false, '0xAa', '0xBb'])
    expect(dealings.has({ ...STALL, agent: 'b' }, '0xAa')).toBe(false)
    pending.write()
    pending.forget()
    expect(told()).toEqual([true, false, '0xAa', '0xBb'])
  })

  it('with one recipient again and again are one row, written once', () => {
    const { dealings, pending, db } = dealing()
    dealings.remember({ ...STALL, payTo: '0xAa', last: 1n })
    pending.write()
    for (const last of [2n, 4n, 3n]) dealings.remember({ ...STALL, payTo: '0xaA', last })
    const stored = () =>
      db
        .prepare('SELECT pay_to, last FROM dealings')
        .all()
        .map((row) => ({ ...row }))
    expect(stored()).toEqual([{ pay_to: '0xAa', last: 1n }])
    pending.write()
    expect(stored()).toEqual([{ pay_to: '0xAa', last: 4n }])
  })

  it('are what the payments leave that were dealings and those that were none after all', () => {
    const step = fc.record({ payTo: fc.constantFrom('0xaa', '0xbb'), forget: fc.boolean(), write: fc.boolean(), back: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const { dealings, pending, db } = dealing()
        const plain = new Map<string, bigint>()
        db.exec('BEGIN')
        for (const [index, { payTo, forget, write, back }] of steps.entries()) {
          const last = plain.get(payTo) ?? 0n
          pending.keep()
          db.exec('SAVEPOINT operation')
          if (forget) dealings.forget({ ...STALL, payTo, last })
          else dealings.remember({ ...STALL, payTo, last: BigInt(index + 1) })
          if (write) pending.write()
          if (back) {
            db.exec('ROLLBACK TO operation')
            pending.takeBack()
          } else if (forget) plain.delete(payTo)
          else plain.set(payTo, BigInt(index + 1))
          db.exec('RELEASE operation')
        }
        const [latest] = [...plain].sort(([, a], [, b]) => Number(b - a))
        expect(dealings.lastPayTo(STALL)).toBe(latest?.[0])
        for (const payTo of ['0xaa', '0xbb']) expect(dealings.has(STALL, payTo)).toBe(plain.has(payTo))
      }),
    )
  })
})
