import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CHANNEL_LEASE_MS } from '../../src/channel-limits.ts'
import {
  type ChannelRecord,
  closedChannel,
  closingChannel,
  isDue,
  leasedChannel,
  openedChannel,
  putOffChannel,
  toldChannel,
  vouchedChannel,
} from '../../src/ledger/channel-account.ts'
import type { ChannelNews } from '../../src/ledger/channels.ts'

const NEW = {
  ...{ sessionId: 'ses_1', network: 'eip155:84532', asset: '0xa', receiver: '0xr', receiverAuthorizer: '0xw', withdrawDelay_s: 900 },
  ...{ id: '0x1', payer: '0xp', salt: '0x2', url: 'https://api.example.com/', offer: '{}', decimals: 6, currency: 'USD' },
}
const opened = () => openedChannel(NEW, 1)
const first = { version: 1, paymentId: 'pay_1', cumulative: 3n, deposit: 10n }
const open = () => toldChannel(vouchedChannel(opened(), first, 'run_1'), { state: 'open', deposited: 10n, charged: 3n, over: 'pay_1' }, 2)

const nat = fc.bigInt({ min: -1n, max: 30n })
const news: fc.Arbitrary<ChannelNews> = fc.record(
  {
    deposited: nat,
    signed: nat,
    charged: nat,
    over: fc.constantFrom('pay_1', 'pay_2'),
    state: fc.constantFrom('open' as const, 'closing' as const),
  },
  { requiredKeys: [] },
)
const change = fc.oneof(
  news.map((told) => ({ told })),
  fc
    .record({ cumulative: nat, deposit: fc.option(nat, { nil: undefined }), paymentId: fc.constantFrom('pay_1', 'pay_2') })
    .map((vouched) => ({ vouched })),
)

describe('the account of a channel', () => {
  it('goes from its first deposit through vouchers to its end', () => {
    expect(open().channel).toMatchObject({ state: 'open', deposited: 10n, signed: 3n, charged: 3n, pending: null, version: 3 })
    const vouched = vouchedChannel(open(), { version: 3, paymentId: 'pay_2', cumulative: 10n }, 'run_2')
    expect(vouched).toMatchObject({ pendingRun: 'run_2', channel: { signed: 10n, pending: { base: 3n, deposit: null } } })
    const closing = closingChannel(toldChannel(vouched, { charged: 9n, over: 'pay_2' }, 4), 5)
    expect(closing).toMatchObject({ checkAt: 5, pendingRun: null, channel: { state: 'closing', charged: 9n, pending: null } })
    const closed = closedChannel(closing, { version: 6, returned: 1n, transaction: '0xend', block: 7n }, 8)
    expect(closed).toMatchObject({
      checkAt: null,
      block: 7n,
      channel: { state: 'closed', returned: 1n, closedAt: 8, transaction: '0xend' },
    })
  })

  it('keeps the deposit that comes with a voucher which is signed once more for the same payment', () => {
    const vouched = vouchedChannel(opened(), first, 'run_1')
    const again = vouchedChannel(vouched, { version: 2, paymentId: 'pay_1', cumulative: 4n }, 'run_1')
    expect(again.channel.pending).toEqual({ paymentId: 'pay_1', cumulative: 4n, base: 0n, deposit: 10n })
    expect(() => vouchedChannel(vouched, { version: 2, paymentId: 'pay_2', cumulative: 4n }, 'run_1')).toThrow(RangeError)
  })

  it('lets what a refused deposit would have brought stay signed, and nothing new be charged of it', () => {
    const refused = toldChannel(vouchedChannel(opened(), first, 'run_1'), { over: 'pay_1' }, 2)
    expect(refused.channel).toMatchObject({ signed: 3n, deposited: 0n, pending: null })
    expect(() => toldChannel(refused, { charged: 1n }, 3)).toThrow(RangeError)
    expect(vouchedChannel(refused, { ...first, paymentId: 'pay_2' }, 'run_1').channel.signed).toBe(3n)
  })

  it('only grows, and never has more charged than signed and deposited, whatever is told', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        let record: ChannelRecord = opened()
        for (const one of changes) {
          const before = record.channel
          record = attempt(record, one)
          const { channel } = record
          for (const what of ['deposited', 'signed', 'charged'] as const) expect(channel[what] >= before[what]).toBe(true)
          expect(channel.charged <= channel.signed).toBe(true)
          expect(channel.version > before.version || channel === before).toBe(true)
          if (before.state === 'closing') expect(channel.state).toBe('closing')
        }
      }),
    )
  })

  it('is looked into by one who lives at a time, when it is due', () => {
    const closing = closingChannel(open(), 10)
    const alive = (run: string) => run !== 'run_dead'
    const due = (record: ChannelRecord, run: string, now: number) => isDue(record, { run, now, alive })
    expect([due(open(), 'run_1', 10), due(closing, 'run_1', 9), due(closing, 'run_1', 10)]).toEqual([false, false, true])
    const leased = leasedChannel(closing, { run: 'run_1', now: 10 })
    const after = 10 + CHANNEL_LEASE_MS
    expect(['run_1', 'run_2'].map((run) => due(leased, run, after - 1))).toEqual([false, false])
    expect(due(leased, 'run_2', after)).toBe(true)
    expect(due(leasedChannel(closing, { run: 'run_dead', now: 10 }), 'run_2', 11)).toBe(true)
    const later = putOffChannel(leased, 50)
    expect([due(later, 'run_2', 49), due(later, 'run_2', 50)]).toEqual([false, true])
    expect(putOffChannel(open(), 50)).toEqual(open())
  })

  it('gives back no more than was deposited, and nothing less than nothing', () => {
    const end = { version: 4, transaction: null, block: 1n }
    for (const returned of [-1n, 11n]) expect(() => closedChannel(closingChannel(open(), 3), { ...end, returned }, 4)).toThrow(RangeError)
  })
})

type Change = { told: ChannelNews } | { vouched: { cumulative: bigint; deposit: bigint | undefined; paymentId: string } }

function attempt(record: ChannelRecord, one: Change): ChannelRecord {
  try {
    if ('told' in one) return toldChannel(record, one.told, 2)
    const { deposit, ...rest } = one.vouched
    return vouchedChannel(record, { ...rest, version: record.channel.version, ...(deposit !== undefined && { deposit }) }, 'run_1')
  } catch (fault) {
    expect(fault).toBeInstanceOf(RangeError)
    return record
  }
}
