import { describe, expect, it } from 'vitest'
import { Summary } from '../../src/ledger/totals.ts'
import { MAX_CAP } from '../../src/limits.ts'
import { stateOf } from '../../src/session/session.ts'
import { usd } from './fixtures.ts'
import { workbench } from './workbench.ts'

describe('totals', () => {
  it('count each session as stateOf does', () => {
    const bench = workbench()
    const { db, clock, tables, make, write } = bench
    const soon = { expiresAt: clock.now() + 1 }
    const asked = [{}, { cap: 0n }, { cap: usd(1) }, soon, soon, {}, {}, {}].map((changes) => make.session(changes))
    for (const session of asked) write((tx) => tables.sessions.open(tx, session))
    const id = (index: number) => asked[index]?.id ?? ''
    for (const index of [2, 4, 6]) write((tx) => tables.sessions.hold(tx, tables.sessions.lineage(id(index)), usd(1)))
    write((tx) => tables.sessions.close(tx, id(5)))
    write((tx) => tables.sessions.close(tx, id(6)))
    write((tx) => tables.sessions.revoke(tx, id(7)))
    clock.advance(1)
    const counted: Record<string, number> = {}
    for (const session of asked) {
      const state = stateOf(tables.sessions.get(session.id), clock.now())
      counted[state] = (counted[state] ?? 0) + 1
    }
    expect(new Summary(db).totals(clock.now()).sessions).toEqual(counted)
    expect(counted).toEqual({ open: 1, exhausted: 2, expired: 1, closing: 2, closed: 1, revoked: 1 })
  })

  it('sum more than 64 bits hold', () => {
    const { db, clock, tables, make, write } = workbench()
    for (let count = 0; count < 12; count++) {
      const { id } = write((tx) => tables.sessions.open(tx, make.session({ cap: MAX_CAP })))
      write((tx) => tables.sessions.hold(tx, tables.sessions.lineage(id), MAX_CAP - 1n))
    }
    expect(new Summary(db).totals(clock.now()).exposure).toEqual({ USD: (MAX_CAP - 1n) * 12n })
  })
})
