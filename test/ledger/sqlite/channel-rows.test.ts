import { describe, expect, it } from 'vitest'
import { openedChannel } from '../../../src/ledger/channel-account.ts'
import { movingColumns } from '../../../src/ledger/channel-row.ts'
import { ChannelRows } from '../../../src/ledger/sqlite/channel-rows.ts'
import { workbench } from './workbench.ts'

describe('the channels’ table', () => {
  it('writes every column that changes', () => {
    const bench = workbench()
    const { id: sessionId } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
    const key = { sessionId, network: 'n', asset: '0xa', receiver: '0xr', receiverAuthorizer: '0xw', withdrawDelay_s: 900 }
    const about = { id: '0x1', payer: '0xp', salt: '0x2', url: 'https://a.example/', offer: '{}', decimals: 6, currency: 'USD' }
    const rows = new ChannelRows(bench.db, (run) => run === 'run_1')
    const opened = openedChannel({ ...key, ...about }, 1)
    const pending = { paymentId: 'pay_1', cumulative: 1n, base: 2n, deposit: 3n }
    const account = { state: 'closing', deposited: 4n, signed: 5n, charged: 6n, returned: 7n, refused: true, version: 8 } as const
    const channel = { ...opened.channel, ...account, pending, transaction: '0xt', closedAt: 9 }
    const changed = { channel, pendingRun: 'run_1', checkAt: 10, resolverRun: 'run_2', resolverUntil: 11, block: 12n }
    bench.write((tx) => {
      rows.insert(tx, opened)
      rows.change(tx, changed)
      expect(rows.alive(tx, 'run_1') && !rows.alive(tx, 'run_2')).toBe(true)
    })
    expect(rows.find('0x1')).toEqual(changed)
    const before = movingColumns(opened)
    expect(Object.entries(movingColumns(changed)).filter(([name, value]) => before[name] === value)).toEqual([])
    expect([rows.current(key), rows.saltUsed('0x2'), rows.saltUsed('0x3')]).toEqual([changed, true, false])
  })

  it('keeps the last that was signed for a payment, and tells which ones brought something', () => {
    const bench = workbench()
    const { id: sessionId } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
    const key = { sessionId, network: 'n', asset: '0xa', receiver: '0xr', receiverAuthorizer: '0xw', withdrawDelay_s: 900 }
    const about = { id: '0x1', payer: '0xp', salt: '0x2', url: 'https://a.example/', offer: '{}', decimals: 6, currency: 'USD' }
    const rows = new ChannelRows(bench.db, () => true)
    const voucher = { paymentId: 'pay_1', channelId: '0x1', cumulative: 1n, base: 0n, deposit: 5n }
    const later = { ...voucher, cumulative: 2n, base: 1n }
    bench.write((tx) => {
      rows.insert(tx, openedChannel({ ...key, ...about }, 1))
      for (const one of [voucher, later, { ...voucher, paymentId: 'pay_2', deposit: null }]) rows.putVoucher(tx, one)
    })
    expect(rows.voucher('pay_1')).toEqual(later)
    expect([rows.deposits('0x1'), rows.deposits('0x2'), rows.voucher('pay_3')]).toEqual([['pay_1'], [], undefined])
  })
})
