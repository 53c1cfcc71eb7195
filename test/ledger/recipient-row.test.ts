import { expect, it } from 'vitest'
import { addRow, emptyRecord } from '../../src/ledger/recipient-row.ts'

const PLACE = { host: 'api.example.com', pay_to: '0xAb', network: 'eip155:84532' }
const row = (currency: string, sums: Record<string, bigint>) => ({
  ...PLACE,
  currency,
  ...{ undelivered: 1n, disputes: 2n, disputed_whole: 0n, disputed_rest: 0n, refunded_whole: 0n, refunded_rest: 0n },
  ...sums,
})

it('counts over all currencies, and sums within each', () => {
  const dollars = row('USD', { disputed_whole: 3n, disputed_rest: 5n })
  const euros = row('EUR', { refunded_whole: 10n ** 13n, refunded_rest: 1n })
  expect([dollars, euros].reduce(addRow, emptyRecord(dollars))).toEqual({
    ...{ host: 'api.example.com', payTo: '0xAb', network: 'eip155:84532', undelivered: 2, disputed: 4 },
    disputedAmount: { USD: 3_000_005n },
    refundedAmount: { EUR: 10n ** 19n + 1n },
  })
})
