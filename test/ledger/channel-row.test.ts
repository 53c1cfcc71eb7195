import { describe, expect, it } from 'vitest'
import { closingChannel, leasedChannel, openedChannel, toldChannel, vouchedChannel } from '../../src/ledger/channel-account.ts'
import { channelColumns, keyColumns, movingColumns, readChannelRecord, readVoucher, voucherColumns } from '../../src/ledger/channel-row.ts'
import { RowError } from '../../src/ledger/rows.ts'

const NEW = {
  ...{ sessionId: 'ses_1', network: 'eip155:84532', asset: '0xa', receiver: '0xr', receiverAuthorizer: '0xw', withdrawDelay_s: 900 },
  ...{ id: '0x1', payer: '0xp', salt: '0x2', url: 'https://api.example.com/', offer: '{}', decimals: 6, currency: 'USD' },
}
const MOST = 2n ** 128n - 1n
const opened = openedChannel(NEW, 1)
const vouched = vouchedChannel(opened, { version: 1, paymentId: 'pay_1', cumulative: MOST, deposit: MOST }, 'run_1')
const closing = leasedChannel(closingChannel(toldChannel(vouched, { refused: true, transaction: '0xt' }, 2), 3), { run: 'run_2', now: 4 })

/** As a database gives it back: whole numbers are bigint. */
function stored(columns: Readonly<Record<string, string | number | null>>) {
  return Object.fromEntries(Object.entries(columns).map(([name, value]) => [name, typeof value === 'number' ? BigInt(value) : value]))
}

describe('the row of a channel', () => {
  it('has all of it, to the last unit of 128 bits', () => {
    for (const record of [opened, vouched, closing, { ...closing, block: 9n }]) {
      expect(readChannelRecord(stored(channelColumns(record)))).toEqual(record)
    }
  })

  it('has columns that change and columns that never do', () => {
    const moving = movingColumns(closing)
    expect(channelColumns(opened)).toMatchObject(keyColumns(NEW))
    expect(Object.keys(keyColumns(NEW)).filter((name) => name in moving)).toEqual([])
    expect(readChannelRecord(stored({ ...channelColumns(opened), ...moving }))).toEqual(closing)
  })

  it('is none where somebody has put something else there', () => {
    const row = stored(channelColumns(vouched))
    for (const wrong of [{ deposited: '-1' }, { signed: '1.5' }, { state: 'gone' }, { pending_base: 'x' }]) {
      expect(() => readChannelRecord({ ...row, ...wrong })).toThrow(RowError)
    }
  })

  it('of a voucher says whether it brings something', () => {
    const voucher = { paymentId: 'pay_1', channelId: '0x1', cumulative: MOST, base: 2n, deposit: 5n }
    for (const one of [voucher, { ...voucher, deposit: null }]) expect(readVoucher(stored(voucherColumns(one)))).toEqual(one)
    expect([voucherColumns(voucher).brings, voucherColumns({ ...voucher, deposit: null }).brings]).toEqual([1, 0])
  })
})
