import { describe, expect, it } from 'vitest'
import { DEPOSIT_COLLECTOR, ESCROW } from '../../src/channel-digest.ts'
import { budgetOf, countOf, DEPOSIT_TAKERS, isVoucherRow, takersOf } from '../../src/ledger/charges.ts'
import { PAY_TO, termsOf } from './fixtures.ts'

describe('charges', () => {
  it('of a payment are its amount in budgets and in limits', () => {
    expect([budgetOf(termsOf(5n)), countOf(termsOf(5n), {})]).toEqual([5n, 5n])
  })

  it('of a deposit are all of it in budgets, and in limits what its own request costs; of a voucher only the latter', () => {
    const deposit = termsOf(5n, { method: 'deposit' })
    expect([budgetOf(deposit), countOf(deposit, { counts: 1n })]).toEqual([5n, 1n])
    const voucher = termsOf(5n, { method: 'voucher' })
    expect([budgetOf(voucher), countOf(voucher, {})]).toEqual([0n, 5n])
  })

  it('of a deposit go to the escrow of the channels, of everything else to the recipient', () => {
    expect([...DEPOSIT_TAKERS].sort()).toEqual([ESCROW, DEPOSIT_COLLECTOR].sort())
    expect(takersOf(termsOf(5n, { method: 'deposit' }))).toEqual([PAY_TO, ...DEPOSIT_TAKERS])
    for (const method of ['voucher', 'permit2'] as const) expect(takersOf(termsOf(5n, { method }))).toEqual([PAY_TO])
  })

  it('are told apart by the column that the way of paying stands in', () => {
    const rows = ['batch-settlement/voucher', 'batch-settlement/deposit', 'exact'].map((scheme) => ({ scheme }))
    expect(rows.map(isVoucherRow)).toEqual([true, false, false])
  })
})
