import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leavesName, nameOf, textOf, Wants, windowName } from '../../../src/ledger/postgres/wants.ts'

const session = { access: 'session', values: ['ses_1'] } as const
const payment = { access: 'payment', values: ['pay_1'] } as const

describe('wants', () => {
  it('keep each thing once, whoever asks for it', () => {
    const wants = new Wants().row(session).add(new Wants().row(session).row(payment))
    expect(wants.wanted().rows).toEqual([session, payment])
    expect(wants.size).toBe(2)
  })

  it('lock what many write to, and only read the rest', () => {
    const wants = new Wants().row(payment).row(session).row({ access: 'halts', values: [] })
    expect(wants.locks()).toEqual([session])
  })

  it('lock the head of each series whose window is asked for', () => {
    const wants = new Wants().window({ series: 's', after: 5 }).window({ series: 's', after: 9 })
    expect(wants.locks()).toEqual([{ access: 'head', values: ['s'] }])
    expect(wants.wanted().windows).toEqual([
      { series: 's', after: 5 },
      { series: 's', after: 9 },
    ])
  })

  it('add up the places of all who write', () => {
    const wants = new Wants().places('payments', 1).add(new Wants().places('payments', 2).places('receipts', 1))
    expect(wants.wanted().places).toEqual({ sessions: 0, payments: 3, receipts: 1 })
    expect(wants.size).toBe(4)
  })

  it('hand on to a later attempt no place, and nothing that depends on the time', () => {
    const other = new Wants()
      .row(session)
      .window({ series: 's', after: 5 })
      .leave({ series: 's', ordinal: 1n, amount: 2n })
      .places('payments', 1)
    const { rows, windows, leaves, places } = new Wants().addRows(other).wanted()
    expect(rows).toEqual([session, { access: 'head', values: ['s'] }])
    expect([windows, leaves, places]).toEqual([[], [], { sessions: 0, payments: 0, receipts: 0 }])
  })
})

describe('the name of what is wanted', () => {
  const texts = fc.array(fc.oneof(fc.string(), fc.constantFrom('1:a', '1:a 1:b', '', ' ')), { minLength: 1, maxLength: 4 })

  it('differs wherever the values of an access differ, whatever strangers put into them', () => {
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        fc.pre(a.length === b.length)
        expect(textOf(a) === textOf(b)).toBe(a.every((value, at) => value === b[at]))
      }),
    )
  })

  it('is the same for a number, however it is written down', () => {
    expect(nameOf({ access: 'checkpoint', values: [7] })).toBe(nameOf({ access: 'checkpoint', values: [7n] }))
  })

  it('differs by access, begin and amount', () => {
    const names = [
      nameOf({ access: 'identity', values: ['a'] }),
      nameOf({ access: 'meta', values: ['a'] }),
      windowName({ series: 'a', after: 1 }),
      windowName({ series: 'a', after: 2 }),
      leavesName({ series: 'a', ordinal: 1n, amount: 2n }),
      leavesName({ series: 'a', ordinal: 12n, amount: 2n }),
    ]
    expect(new Set(names).size).toBe(names.length)
  })
})
