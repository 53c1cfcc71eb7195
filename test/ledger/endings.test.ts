import { describe, expect, it } from 'vitest'
import { authorizationFor, CLAIMED, COMPLETE, NETWORK, usd } from './fixtures.ts'
import { workbench } from './sqlite/workbench.ts'

function settled(confirmable: readonly string[] = []) {
  const bench = workbench('run_1', undefined, { confirmable: new Set(confirmable) })
  const limits = { perTool: { '*': usd(9) }, perWindow: [{ max: usd(9), per_ms: 1_000 }] }
  const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session({ limits })))
  const request = bench.make.request(id, usd(2), { pin: true })
  bench.write((tx) => bench.reserving.reserve(tx, request))
  bench.write((tx) => bench.transitions.sign(tx, request.paymentId, authorizationFor(request)))
  bench.write((tx) => bench.transitions.settle(tx, request.paymentId, CLAIMED))
  const record = () => bench.tables.payments.get(request.paymentId)
  const dealings = () => bench.db.prepare('SELECT * FROM dealings').all().length
  return { bench, id, record, dealings }
}

describe('an ending', () => {
  it('that gives back leaves no trace in balance, limits, windows and pins', () => {
    const { bench, id, record } = settled()
    bench.write((tx) => bench.endings.giveBack(tx, record(), 'spent'))
    expect(bench.tables.sessions.get(id)).toMatchObject({ spent: 0n, held: 0n, payments: 0 })
    const rows = (table: string) => bench.db.prepare(`SELECT * FROM ${table}`).all()
    expect(rows('spending').map(({ amount }) => amount)).toEqual([0n])
    expect(rows('rolling').every(({ void: taken }) => taken === 1n)).toBe(true)
    expect(rows('pins')).toEqual([])
  })

  it('makes a dealing only of what is settled and delivered, and of a server’s word only where no chain can be asked', () => {
    const known = (one: ReturnType<typeof settled>) => {
      one.bench.write((tx) => one.bench.endings.remember(tx, one.record()))
      return one.dealings()
    }
    const [plain, chain] = [settled(), settled([NETWORK])]
    expect(known(plain)).toBe(0)
    for (const one of [plain, chain]) one.bench.write((tx) => one.bench.transitions.deliver(tx, one.record().payment.id, COMPLETE))
    expect([known(plain), known(chain)]).toEqual([1, 0])
  })

  it('holds what is owed against the recipient only where nobody works on it', () => {
    const { bench, record } = settled()
    const dispute = () => bench.write((tx) => bench.endings.disputeOwed(tx, record())).payment.dispute
    expect(dispute()).toBeNull()
    bench.write((tx) => bench.tables.purchases.hold(tx, record().payment.id, 'none'))
    expect(dispute()).toBe('settled_not_delivered')
    expect(bench.write((tx) => bench.endings.appease(tx, record())).payment.dispute).toBeNull()
  })
})
