import { describe, expect, it } from 'vitest'
import { openedChannel } from '../../../src/ledger/channel-account.ts'
import { ChannelRows } from '../../../src/ledger/postgres/channel-rows.ts'
import { memoryBench } from './workbench.ts'

const KEY = { sessionId: 'ses_1', network: 'n', asset: '0xa', receiver: '0xr', receiverAuthorizer: '0xw', withdrawDelay_s: 900 }
const ABOUT = { id: '0x1', payer: '0xp', salt: '0x2', url: 'https://a.example/', offer: '{}', decimals: 6, currency: 'USD' }
const opened = openedChannel({ ...KEY, ...ABOUT }, 1)

describe('channels in the working set', () => {
  it('are found by id, salt and key until they are closed, with all that changed in them', async () => {
    const bench = memoryBench()
    const closed = { ...opened, block: 5n, channel: { ...opened.channel, state: 'closed', version: 2, closedAt: 3 } } as const
    await bench.write(({ tx, set, runId }) => new ChannelRows(set, runId).insert(tx, opened))
    await bench.write(({ tx, set, runId }) => {
      const rows = new ChannelRows(set, runId)
      expect([rows.find('0x1'), rows.current(KEY)]).toEqual([opened, opened])
      expect([rows.saltUsed('0x2'), rows.saltUsed('0x3')]).toEqual([true, false])
      for (const other of [{ network: 'm' }, { withdrawDelay_s: 901 }]) expect(rows.current({ ...KEY, ...other })).toBeUndefined()
      rows.change(tx, closed)
    })
    await bench.write(({ set, runId }) => {
      const rows = new ChannelRows(set, runId)
      expect([rows.find('0x1'), rows.current(KEY), rows.find('0x2')]).toEqual([closed, undefined, undefined])
    })
  })

  it('have a voucher for each payment, the last one, and know which brought something', async () => {
    const bench = memoryBench()
    const voucher = { paymentId: 'pay_1', channelId: '0x1', cumulative: 1n, base: 0n, deposit: 5n }
    await bench.write(({ tx, set, runId }) => {
      const rows = new ChannelRows(set, runId)
      for (const one of [voucher, { ...voucher, cumulative: 2n }, { ...voucher, paymentId: 'pay_2', deposit: null }])
        rows.putVoucher(tx, one)
    })
    expect(await bench.write(({ set, runId }) => new ChannelRows(set, runId).deposits('0x1'))).toEqual(['pay_1'])
    expect(bench.store.rows('channel_vouchers')).toMatchObject([{ payment_id: 'pay_1', cumulative: '2' }, { payment_id: 'pay_2' }])
  })

  it('know which runs live', async () => {
    const bench = memoryBench()
    const alive = (run: string) => bench.write(({ tx, set }) => new ChannelRows(set, 'run_here').alive(tx, run))
    expect([await alive('run_here'), await alive('run_1'), await alive('run_gone')]).toEqual([true, true, false])
  })
})
