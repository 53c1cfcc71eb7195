import { describe, expect, it } from 'vitest'
import { usd } from '../../fixtures.ts'
import { workbench } from '../workbench.ts'

function reserved() {
  const bench = workbench()
  const session = bench.make.session({ cap: usd(10) })
  bench.write((tx) => bench.accounts.open(tx, session))
  const request = bench.make.request(session.id, usd(1))
  bench.write((tx) => bench.reserving.reserve(tx, request))
  return { bench, session, request }
}

describe('the schema itself', () => {
  it.each([
    ['spent and held beyond the cap', 'UPDATE sessions SET held = cap, spent = 1'],
    ['a cap below what is held', 'UPDATE sessions SET cap = held - 1'],
    ['negative money', 'UPDATE sessions SET held = -1'],
    ['a fraction', 'UPDATE sessions SET held = 0.5'],
    ['a state that there is not', `UPDATE payments SET state = 'paid'`],
    ['a payment of nobody', `UPDATE payments SET session_id = 'none'`],
    ['negative use of a limit', `INSERT INTO spending SELECT id, 'tool:x', -1 FROM sessions`],
    ['a charge of nothing', `INSERT INTO rolling (series, ordinal, at, amount, total) VALUES ('s', 1, 0, 0, 0)`],
  ])('refuses %s', (_, sql) => {
    const { bench } = reserved()
    expect(() => bench.db.exec(sql)).toThrow(/constraint|cannot store/)
  })

  it('refuses a nonce, an id or an open key a second time, whatever the code above it does', () => {
    const { bench } = reserved()
    const columns = bench.db
      .prepare('PRAGMA table_info (payments)')
      .all()
      .map(({ name }) => String(name))
    const insertAgain = (changed: Record<string, string>) => {
      const values = columns.map((name) => changed[name] ?? (name === 'seq' ? 'NULL' : name))
      bench.db.exec(`INSERT INTO payments (${columns.join()}) SELECT ${values.join()} FROM payments WHERE seq = 1`)
    }
    expect(() => insertAgain({ id: `'other'` })).toThrow('UNIQUE constraint failed: payments.nonce')
    expect(() => insertAgain({ nonce: `'0x1'` })).toThrow('UNIQUE constraint failed: payments.id')
    bench.db.exec(`UPDATE payments SET key_digest = 'key'`)
    expect(() => insertAgain({ id: `'other'`, nonce: `'0x1'` })).toThrow(
      'UNIQUE constraint failed: payments.session_id, payments.key_digest',
    )
  })
})
