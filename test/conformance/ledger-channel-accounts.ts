/** The account of a channel: who may vouch, for how much, and from what it goes on (G1, G2). */
import { describe, expect, it } from 'vitest'
import type { NewChannel } from '../../src/ledger/channels.ts'
import { authorizationFor, CONFIRMABLE, OTHER_PAY_TO, PAY_TO, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'
import { channelSteps, newChannel } from './ledger-channel-steps.ts'
import { DEAD } from './ledger-findings.ts'

export function accountsOfChannels(bench: () => Bench): void {
  const { counts, deposit, voucher, vouch, tell, opened, bought, current } = channelSteps(bench)

  describe('a channel', () => {
    it('opens once for its key, and is given back as it is where it is there already', async () => {
      const session = (await bench().openSession({ cap: usd(20) })).id
      const { channels } = bench().ledger
      const fresh = newChannel(bench(), session)
      const channel = await channels.open(fresh)
      const account = { deposited: 0n, signed: 0n, charged: 0n, returned: 0n, pending: null, refused: false, transaction: null }
      expect(channel).toEqual({ ...fresh, ...account, state: 'opening', openedAt: bench().clock.now(), closedAt: null, version: 1 })
      expect(await channels.open(fresh)).toEqual(channel)
      expect(await channels.current(fresh)).toEqual(channel)
      const rejects = (other: Partial<NewChannel>) =>
        expect(channels.open(newChannel(bench(), session, other))).rejects.toMatchObject({ refusal: { code: 'conflict' } })
      await rejects({})
      await rejects({ salt: fresh.salt, receiver: OTHER_PAY_TO })
      for (const other of [
        { receiver: OTHER_PAY_TO },
        { receiverAuthorizer: PAY_TO },
        { withdrawDelay_s: 901 },
        { network: CONFIRMABLE },
      ]) {
        expect(await channels.open(newChannel(bench(), session, other))).toMatchObject(other)
      }
      expect(await channels.current({ ...fresh, asset: PAY_TO })).toBeUndefined()
    })

    it('opens in no session that has ended, nor below one', async () => {
      const { channels } = bench().ledger
      const parent = await bench().openSession()
      const child = await bench().openSession({ parent: parent.id })
      await bench().ledger.close(parent.id)
      await expect(channels.open(newChannel(bench(), child.id))).rejects.toMatchObject({ refusal: { code: 'session_closed' } })
      const brief = await bench().openSession()
      bench().clock.advance(3_600_000)
      await expect(channels.open(newChannel(bench(), brief.id))).rejects.toMatchObject({ refusal: { code: 'session_expired' } })
      await expect(channels.open(newChannel(bench(), 'ses_none'))).rejects.toMatchObject({ refusal: { code: 'not_found' } })
    })

    it('takes vouchers up to what it has, its first one with the deposit that opens it', async () => {
      const session = (await bench().openSession({ cap: usd(20) })).id
      const fresh = await bench().ledger.channels.open(newChannel(bench(), session))
      const early = await bench().reserve(voucher(session))
      const refused = { version: 1, paymentId: early.paymentId, cumulative: 0n }
      expect(await bench().ledger.channels.vouch(fresh.id, refused)).toBeUndefined()
      const first = await bench().reserve(deposit(session))
      const with_ = { paymentId: first.paymentId, deposit: usd(5) }
      await expect(vouch(fresh, { ...with_, cumulative: usd(5) + 1n })).rejects.toThrow(RangeError)
      const pending = await vouch(fresh, { ...with_, cumulative: usd(1) })
      expect(pending).toMatchObject({ state: 'opening', signed: usd(1), charged: 0n, deposited: 0n })
      expect(pending.pending).toEqual({ paymentId: first.paymentId, cumulative: usd(1), base: 0n, deposit: usd(5) })
      expect(await bench().ledger.channels.voucher(first.paymentId)).toEqual({ channelId: fresh.id, cumulative: usd(1), base: 0n })
      const channel = await tell(pending, { state: 'open', deposited: usd(5), charged: usd(1), over: first.paymentId })
      const next = await bench().reserve(voucher(session, usd(5)))
      for (const cumulative of [usd(5) + 1n, usd(1) - 1n]) {
        await expect(vouch(channel, { paymentId: next.paymentId, cumulative })).rejects.toThrow(RangeError)
      }
      const more = await bench().reserve(deposit(session, usd(2)))
      const topped = await vouch(channel, { paymentId: more.paymentId, cumulative: usd(7), deposit: usd(2) })
      expect(topped).toMatchObject({ signed: usd(7), deposited: usd(5), pending: { base: usd(1), deposit: usd(2) } })
    })

    it('is vouched for by what was reserved for it, and nothing else', async () => {
      const session = (await bench().openSession({ cap: usd(20) })).id
      const { channel } = await opened(session)
      const stranger = await bench().openSession({ cap: usd(20) })
      const wrong = [
        { request: voucher(stranger.id) },
        { request: bench().make.request(session, counts) },
        { request: deposit(session) },
        { request: voucher(session), with: { deposit: counts } },
        { request: deposit(session), with: { deposit: usd(4) } },
      ]
      for (const { request, with: more } of wrong) {
        const { paymentId } = await bench().reserve(request)
        await expect(vouch(channel, { paymentId, cumulative: usd(2), ...more })).rejects.toThrow('was not reserved')
      }
      expect(await current(channel)).toEqual(channel)
    })

    it('goes on from one account: who saw an older one changes nothing', async () => {
      const session = (await bench().openSession({ cap: usd(20) })).id
      const { channel } = await opened(session)
      const { ledger } = bench()
      const requests = [voucher(session), voucher(session), voucher(session)]
      for (const request of requests) await bench().reserve(request)
      const vouchings = requests.map(({ paymentId }) => ({ version: channel.version, paymentId, cumulative: usd(2) }))
      const results = await Promise.all(vouchings.map((vouching) => ledger.channels.vouch(channel.id, vouching)))
      expect(results.filter((result) => result !== undefined)).toHaveLength(1)
      expect(await ledger.channels.tell(channel.id, channel.version, { charged: usd(2) })).toBeUndefined()
      const end_ = { version: channel.version, returned: 0n, transaction: null, block: 1n }
      expect(await ledger.channels.close(channel.id, end_)).toBeUndefined()
      await expect(ledger.channels.tell('0xnone', 1, {})).rejects.toMatchObject({ refusal: { code: 'not_found' } })
    })

    it('keeps a deposit that may still be taken in its place, until it is certain that it cannot', async () => {
      const session = (await bench().openSession({ cap: usd(20) })).id
      const fresh = await bench().ledger.channels.open(newChannel(bench(), session))
      const request = deposit(session)
      const first = await bench().reserve(request)
      const pending = await vouch(fresh, { paymentId: first.paymentId, cumulative: usd(1), deposit: usd(5) })
      const other = await bench().reserve(deposit(session))
      const next = { version: pending.version, paymentId: other.paymentId, cumulative: usd(1), deposit: usd(5) }
      const tries = () => bench().ledger.channels.vouch(fresh.id, next)
      expect(await tries()).toBeUndefined()
      await first.record(authorizationFor(request))
      expect(await tries()).toBeUndefined()
      await first.leaveUnknown('No answer.')
      expect(await tries()).toBeUndefined()
      await bench().ledger.resolve(first.paymentId, DEAD)
      expect(await tries()).toMatchObject({ pending: { paymentId: other.paymentId } })
    })

    it('has an account that adds up: it only grows, and nobody is charged what was not signed and deposited', async () => {
      const session = (await bench().openSession({ cap: usd(20) })).id
      const { channel } = await opened(session)
      const { channel: pending, paymentId } = await bought(channel)
      for (const news of [
        { charged: usd(1) - 1n },
        { charged: usd(2) + 1n },
        { deposited: usd(5) - 1n },
        { signed: usd(2) - 1n },
        { signed: usd(5) + 1n },
      ]) {
        await expect(tell(pending, news)).rejects.toThrow(RangeError)
      }
      const told = await tell(pending, { charged: usd(2), over: 'pay_of_another', transaction: '0xabc', refused: true })
      expect(told).toMatchObject({ charged: usd(2), transaction: '0xabc', refused: true, pending: { paymentId } })
      expect(await tell(told, { over: paymentId })).toMatchObject({ refused: true, transaction: '0xabc', pending: null })
      expect(await current(channel)).toMatchObject({ version: told.version + 1 })
    })

    it('is kept whole through a restart, which takes over the voucher that a run left pending', async () => {
      const session = (await bench().openSession({ cap: usd(20) })).id
      const { channel } = await opened(session)
      const { channel: pending, paymentId } = await bought(channel)
      const ledger = await bench().store.restart()
      expect(await ledger.channels.channel(channel.id)).toEqual(pending)
      expect(await ledger.channels.voucher(paymentId)).toEqual({ channelId: channel.id, cumulative: usd(2), base: usd(1) })
      expect(await ledger.payment(paymentId)).toMatchObject({ state: 'unknown' })
      const request = voucher(session)
      await bench().reserve(request)
      const next = { version: pending.version, paymentId: request.paymentId, cumulative: usd(2) }
      expect(await ledger.channels.vouch(channel.id, next)).toMatchObject({ signed: usd(2), pending: { paymentId: request.paymentId } })
    })

    it('is listed newest first, by session and state', async () => {
      const [one, other] = [(await bench().openSession()).id, (await bench().openSession()).id]
      const { channels } = bench().ledger
      const first = await channels.open(newChannel(bench(), one))
      const second = await channels.open(newChannel(bench(), one, { receiver: OTHER_PAY_TO }))
      const third = await channels.open(newChannel(bench(), other))
      await tell(second, { state: 'closing' })
      const ids = async (...args: Parameters<typeof channels.channels>) => (await channels.channels(...args)).items.map(({ id }) => id)
      expect(await ids({}, { limit: 9 })).toEqual([third.id, second.id, first.id])
      expect(await ids({ session: one }, { limit: 9 })).toEqual([second.id, first.id])
      expect(await ids({ state: 'closing' }, { limit: 9 })).toEqual([second.id])
      const { next } = await channels.channels({}, { limit: 2 })
      expect(await ids({}, { limit: 2, ...(next !== null && { cursor: next }) })).toEqual([first.id])
    })

    it('has one account over all processes: of two who vouch at once one does, and who lives keeps what is pending', async () => {
      const other = await bench().second()
      const session = (await bench().openSession({ cap: usd(50) })).id
      const { channel } = await opened(session, usd(20))
      let at = channel
      for (let round = 0; round < 5; round++) {
        const ledgers = [bench().ledger, other]
        const vouched = await Promise.all(
          ledgers.map(async (ledger) => {
            const request = voucher(session)
            await ledger.reserve(request)
            const vouching = { version: at.version, paymentId: request.paymentId, cumulative: at.charged + usd(1) }
            return { ledger, after: await ledger.channels.vouch(channel.id, vouching) }
          }),
        )
        const won = vouched.filter(({ after }) => after !== undefined)
        expect(won).toHaveLength(1)
        at = await current(channel)
        expect(at).toEqual(won[0]?.after)
        for (const { ledger, after } of vouched) {
          const request = voucher(session)
          await ledger.reserve(request)
          const vouching = { version: at.version, paymentId: request.paymentId, cumulative: at.charged + usd(1) }
          const next = await ledger.channels.vouch(channel.id, vouching)
          // Its own it takes over; the other one's it does not.
          if (after === undefined) expect(next).toBeUndefined()
          else at = next ?? at
        }
        at = (await bench().ledger.channels.tell(channel.id, at.version, { over: at.pending?.paymentId ?? '' })) ?? at
      }
      expect(at.pending).toBeNull()
    })
  })
}
