import { describe, expect, it } from 'vitest'
import { NEVER_SIGNED, usd } from './fixtures.ts'
import { workbench } from './sqlite/workbench.ts'

function opened() {
  const bench = workbench()
  const limits = { perTool: { '*': usd(9) }, perWindow: [{ max: usd(9), per_ms: 1_000 }] }
  const parent = bench.write((tx) => bench.accounts.open(tx, bench.make.session({ limits })))
  const child = bench.write((tx) => bench.accounts.open(tx, bench.make.session({ parent: parent.id, limits })))
  const rows = (table: string) => bench.db.prepare(`SELECT * FROM ${table}`).all()
  return { bench, parent, child, rows }
}

describe('reserving', () => {
  it('writes everything that a payment counts in, for each session of the lineage', () => {
    const { bench, child, rows } = opened()
    bench.write((tx) => bench.reserving.reserve(tx, bench.make.request(child.id, usd(2))))
    expect(rows('spending').map(({ amount }) => amount)).toEqual([usd(2), usd(2)])
    expect(rows('rolling').map(({ amount }) => amount)).toEqual(expect.arrayContaining([1n, usd(2), usd(2)]))
  })

  it('leaves no trace in limits and windows once it is voided', () => {
    const { bench, child, rows } = opened()
    const request = bench.make.request(child.id, usd(2))
    bench.write((tx) => bench.reserving.reserve(tx, request))
    bench.write((tx) => bench.transitions.void(tx, request.paymentId, NEVER_SIGNED))
    expect(rows('spending').map(({ amount }) => amount)).toEqual([0n, 0n])
    expect(rows('rolling').every(({ void: taken }) => taken === 1n)).toBe(true)
  })

  it('writes nothing but the refusal where it refuses, and nothing at all where it must be decided again', () => {
    const { bench, child, rows } = opened()
    bench.write((tx) => bench.reserving.reserve(tx, bench.make.request(child.id, usd(10), { pin: true })))
    const again = bench.make.request(child.id, usd(1), { frequency: { tier: 'autonomous', max: 0, per_ms: 1 } })
    expect(bench.write((tx) => bench.reserving.reserve(tx, again)).kind).toBe('decide_again')
    expect(['payments', 'receipts', 'spending', 'rolling', 'pins'].map((table) => rows(table).length)).toEqual([1, 1, 0, 0, 0])
  })

  it('takes no purchase of another session than the attempt’s', () => {
    const { bench, parent, child } = opened()
    const request = bench.make.request(child.id, usd(1), { attempt: { sessionId: parent.id } })
    expect(() => bench.write((tx) => bench.reserving.reserve(tx, request))).toThrow('different sessions')
  })
})
