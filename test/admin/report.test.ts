import { describe, expect, it } from 'vitest'
import { adviceOn, type ReconcileReport, ReportView, reportView } from '../../src/admin/report.ts'
import { MERCHANT, NOTHING_FOUND, WALLET } from './fixture.ts'

const paid = { paymentId: 'pay_1', network: 'eip155:84532', host: 'api.example.com', amount: 1_500_000n, currency: 'USD' }
const resolved = { ...paid, outcome: 'void' as const, payTo: MERCHANT, transaction: null, reason: 'The nonce was never used.' }
const transfer = { network: 'eip155:84532', token: '0x1', amountAtomic: 10n, transaction: '0xabc', block: 12n }
const used = { network: 'eip155:84532', token: '0x1', wallet: WALLET, nonce: '0x2', transaction: '0xabc', block: 12n }
const unrecorded = { ...used, payTo: MERCHANT, amountAtomic: 2_500n }

const FULL: ReconcileReport = {
  takenOver: 1,
  resolved: [resolved],
  open: [{ ...paid, state: 'unknown', until: 0, reason: 'Its window is open.' }],
  refunds: [{ paymentId: 'pay_1', source: 's', amountAtomic: 10n, symbol: 'USDC', transaction: '0xabc' }],
  unmatched: [{ ...transfer, from: MERCHANT, to: WALLET, logIndex: 0 }],
  unavailable: [{ network: 'eip155:8453', reason: 'It does not answer.' }],
  disputed: [{ ...paid, dispute: 'settled_though_denied', payTo: MERCHANT, refunded: 0n, transaction: '0xabc' }],
  unrecorded: [unrecorded, { ...used, payTo: null, amountAtomic: null }],
  searched: [{ network: 'eip155:84532', wallet: WALLET, from: 1n, to: 20n }],
  failures: 0,
  truncated: true,
}

describe('report', () => {
  it('its JSON fits the published schema: amounts as decimals, units and blocks as digits', () => {
    const view = reportView(FULL)
    expect(ReportView.parse(JSON.parse(JSON.stringify(view)))).toEqual(view)
    expect(view).toMatchObject({
      resolved: [{ paymentId: 'pay_1', outcome: 'void', amount: '1.50' }],
      open: [{ until: '1970-01-01T00:00:00.000Z' }],
      unmatched: [{ amountAtomic: '10', block: '12' }],
      unrecorded: [
        { payTo: MERCHANT, amountAtomic: '2500' },
        { payTo: null, amountAtomic: null },
      ],
      searched: [{ from: '1', to: '20' }],
    })
  })

  it('nothing waits for a person where everything is certain or will be by itself', () => {
    expect(adviceOn(NOTHING_FOUND)).toEqual([])
    expect(adviceOn({ ...NOTHING_FOUND, takenOver: 3, resolved: [resolved], open: FULL.open, refunds: FULL.refunds })).toEqual([])
  })

  it.each<[string, Partial<ReconcileReport>, string]>([
    ['an authorization that this ledger does not know', { unrecorded: [unrecorded] }, '1 authorization of our wallet was used'],
    ['a dispute', { disputed: FULL.disputed }, '1 payment is under dispute'],
    ['an expiry without proof', { resolved: [{ ...resolved, outcome: 'expired' }] }, 'purser payments resolve'],
    ['a network that does not answer', { unavailable: FULL.unavailable }, '1 network could not be asked'],
    ['a failed step', { failures: 2 }, '2 steps failed'],
    ['a list that was cut', { truncated: true }, 'more than one report holds'],
  ])('a person is told what to do about %s', (_, found, sentence) => {
    const view = reportView({ ...NOTHING_FOUND, ...found })
    expect([view.needsPerson, view.advice]).toEqual([true, [expect.stringContaining(sentence)]])
  })

  it('a transfer that fits no payment is shown, and waits for nobody: wallets are topped up', () => {
    const view = reportView({ ...NOTHING_FOUND, unmatched: FULL.unmatched })
    expect([view.needsPerson, view.advice]).toEqual([false, [expect.stringContaining('1 transfer to the wallet fits no payment')]])
  })
})
