import { describe, expect, it } from 'vitest'
import { refilled } from '../../../src/ledger/refill.ts'
import { MAX_CAP } from '../../../src/limits.ts'
import { stateOf } from '../../../src/session/session.ts'
import { usd } from '../fixtures.ts'
import { workbench } from './workbench.ts'

const HOUR = 3_600_000

describe('totals', () => {
  it('count each session as stateOf does, at every moment', () => {
    const { clock, tables, make, write, accounts, reserving } = workbench()
    const refill = { amount: 1n, every_ms: 2 * HOUR, max: usd(1) }
    const ends = [1, HOUR - 1, HOUR, HOUR + 1, 3 * HOUR, 30 * HOUR].map((after) => ({ expiresAt: clock.now() + after }))
    const asked = ends
      .flatMap((end) => [end, { ...end, cap: 0n }, { ...end, cap: usd(1) }, { ...end, cap: usd(1), refill }])
      .map((changes) => make.session(changes))
    for (const [index, session] of asked.entries()) {
      write((tx) => accounts.open(tx, session))
      if (index % 4 > 1) write((tx) => reserving.reserve(tx, make.request(session.id, usd(1))))
      if (index % 5 === 4) write((tx) => accounts.close(tx, session.id))
      if (index % 7 === 6) write((tx) => accounts.revoke(tx, session.id))
      if (index % 3 === 2 && index < 12)
        write((tx) => session.expiresAt > clock.now() && tables.sessions.adjust(tx, session.id, longer(session)))
    }
    for (const pause of [0, 1, HOUR - 2, 1, 1, HOUR, 40 * HOUR]) {
      clock.advance(pause)
      expect(tables.summary.totals(clock.now()).sessions).toEqual(counted(tables, asked, clock.now()))
    }
  })

  it('sum more than 64 bits hold', () => {
    const { clock, tables, make, write, accounts, reserving } = workbench()
    for (let count = 0; count < 12; count++) {
      const { id } = write((tx) => accounts.open(tx, make.session({ cap: MAX_CAP })))
      write((tx) => reserving.reserve(tx, make.request(id, MAX_CAP - 1n)))
    }
    expect(tables.summary.totals(clock.now()).exposure).toEqual({ USD: (MAX_CAP - 1n) * 12n })
  })

  it('look at no session that is not held, exhausted or about to end', () => {
    const { db } = workbench()
    const plans = [
      `SELECT count(*) FROM sessions INDEXED BY sessions_open WHERE status = 'open' AND expires_at >= 1 AND expires_at <= 2`,
      `SELECT count(*) FROM sessions INDEXED BY sessions_exhausted WHERE status = 'open' AND cap - spent - held = 0 AND expires_at > 1`,
    ].map((sql) => db.prepare(`EXPLAIN QUERY PLAN ${sql}`).get()?.detail)
    for (const plan of plans) expect(plan).toMatch(/^SEARCH sessions USING .*INDEX/)
  })
})

function longer(session: { readonly cap: bigint; readonly expiresAt: number }) {
  return { cap: session.cap, expiresAt: session.expiresAt + 2 * HOUR, refills: 0 }
}

function counted(tables: ReturnType<typeof workbench>['tables'], asked: readonly { readonly id: string }[], now: number) {
  const counts: Record<string, number> = {}
  for (const { id } of asked) {
    const state = stateOf(refilled(tables.sessions.get(id), now), now)
    counts[state] = (counts[state] ?? 0) + 1
  }
  return counts
}
