/** What a simulated policy would change, summed up. */
import { describe, expect, it } from 'vitest'
import { GATES, type Gate, gateWords, movesOf } from '../../../src/console/pages/differences.ts'
import type { SimulationView } from '../../../src/console/pages/shapes.ts'

function change(from: Gate, to: Gate, amount: string, currency = 'USD'): SimulationView['changes'][number] {
  return {
    ...{ paymentId: 'pay_1', at: '2026-06-27T14:00:00.000Z', agent: 'a', method: 'GET', url: 'https://a.example/', amount, currency },
    certain: true,
    before: { decision: from, tier: 'one', state: 'settled', code: null },
    after: { decision: to, tier: 'two', code: null, reason: 'because' },
  }
}

describe('what a policy would change', () => {
  it('is told by how many payments move from where to where, with exact sums, the most first', () => {
    const changes = [
      change('allow', 'ask', '0.10'),
      change('deny', 'allow', '5'),
      change('allow', 'ask', '0.20'),
      change('allow', 'ask', '1', 'EUR'),
    ]
    expect(movesOf(changes)).toEqual([
      { from: 'allow', to: 'ask', payments: 3, amounts: { USD: '0.30', EUR: '1.00' }, isWider: false },
      { from: 'deny', to: 'allow', payments: 1, amounts: { USD: '5.00' }, isWider: true },
    ])
  })

  it('another tier with the same outcome moves nothing', () => {
    expect(movesOf([change('allow', 'allow', '1')])).toEqual([])
  })

  it('every step towards paying without a person is wider, every other one narrower', () => {
    const wider = GATES.flatMap((from) => GATES.filter((to) => movesOf([change(from, to, '1')])[0]?.isWider).map((to) => `${from} ${to}`))
    expect(wider).toEqual(['notify allow', 'ask allow', 'ask notify', 'deny allow', 'deny notify', 'deny ask'])
    expect(GATES.map(gateWords)).toEqual(['paid at once', 'paid after a veto window', 'asked about', 'refused'])
  })
})
