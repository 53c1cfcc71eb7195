import { expect, it } from 'vitest'
import { plannedColumns, progressColumns, readAccount, readFunding } from '../../src/ledger/funding-row.ts'
import type { FundingProgress } from '../../src/ledger/fundings.ts'
import { planned } from '../conformance/ledger-fundings.ts'

const PROGRESS: FundingProgress = {
  ...{ state: 'done', signedAt_s: 5, validBefore_s: 6, transaction: '0xab', sentAt: 7, endedAt: 8, reason: null },
}

function stored(columns: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(
    Object.entries(columns).map(([name, value]) => [name, typeof value === 'number' ? BigInt(value) : value]),
  ) as never
}

it('a funding is read back as it was written, with amounts beyond 64 bits', () => {
  const funding = planned('ses_a', 3, { amountAtomic: 2n ** 256n - 1n })
  const row = { ...plannedColumns(funding), ...progressColumns(PROGRESS) }
  expect(readFunding(stored(row))).toEqual({ ...funding, ...PROGRESS })
})

it('an amount that is no whole number is no funding', () => {
  const row = { ...plannedColumns(planned('ses_a')), ...progressColumns(PROGRESS) }
  for (const amount_atomic of ['', '-1', '1.5', '0x1', `1${'0'.repeat(78)}`])
    expect(() => readFunding(stored({ ...row, amount_atomic }))).toThrow('amount_atomic')
})

it('an account is read with what is not known yet', () => {
  const row = { session_id: 'ses_a', address: '0x1', due_at: 1, leased_until: 2, wishes: 3, ended_at: null }
  expect(readAccount(stored(row))).toEqual({ sessionId: 'ses_a', address: '0x1', dueAt: 1, leasedUntil: 2, wishes: 3, endedAt: null })
})
