/** Channels of payment: their deposits are spent whole and once, their vouchers are counted by limits alone (G1, G4). */
import { describe, expect, it } from 'vitest'
import { CHANNEL_LEASE_MS } from '../../src/channel-limits.ts'
import type { Channel, NewChannel, Vouching } from '../../src/ledger/channels.ts'
import type { Ledger, Reservation } from '../../src/ledger/ledger.ts'
import {
  authorizationFor,
  CLAIMED,
  COMPLETE,
  CONFIRMABLE,
  NETWORK,
  NEVER_SIGNED,
  OTHER_PAY_TO,
  PAY_TO,
  termsOf,
  usd,
} from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'
import { DEAD, EXPIRED, SETTLED } from './ledger-findings.ts'

export const DEPOSIT = { scheme: 'batch-settlement', method: 'deposit' } as const
export const VOUCHER = { scheme: 'batch-settlement', method: 'voucher' } as const
export const NOT_CHARGED = { kind: 'not_charged', reason: 'A correction shows that it was not charged.', code: 'payment_rejected' } as const

export const hex = (seed: string): string => `0x${Buffer.from(seed).toString('hex').padStart(64, '0').slice(-64)}`

/** A channel of this session as its rail would open it. */
export function newChannel(bench: Bench, sessionId: string, changes: Partial<NewChannel> = {}): NewChannel {
  const { asset, payTo, payer } = termsOf(1n)
  return {
    ...{ sessionId, network: NETWORK, asset: asset.address, receiver: payTo, receiverAuthorizer: OTHER_PAY_TO, withdrawDelay_s: 900 },
    ...{ id: hex(bench.ids('chn')), salt: hex(bench.ids('slt')), payer, url: 'https://api.example.com/data', offer: '{}' },
    ...{ decimals: 6, currency: 'USD' },
    ...changes,
  }
}

/** What a request of a channel needs; $1 each, and a deposit of $5, unless told otherwise. */
export function channelSteps(bench: () => Bench) {
  const counts = usd(1)
  const deposit = (session: string, amount = usd(5), changes = {}) => ({
    ...bench().make.request(session, amount, { terms: DEPOSIT, ...changes }),
    counts,
  })
  const voucher = (session: string, amount = counts, changes = {}) => bench().make.request(session, amount, { terms: VOUCHER, ...changes })
  const present = (value: Channel | undefined): Channel => {
    if (!value) throw new Error('the channel had changed')
    return value
  }
  const vouch = async (channel: Channel, vouching: Omit<Vouching, 'version'>) =>
    present(await bench().ledger.channels.vouch(channel.id, { version: channel.version, ...vouching }))
  const tell = async (channel: Channel, news: Parameters<Ledger['channels']['tell']>[2]) =>
    present(await bench().ledger.channels.tell(channel.id, channel.version, news))
  /** Opens a channel with its first request, paid for and told of. */
  const opened = async (sessionId: string, amount = usd(5), changes: Partial<NewChannel> = {}) => {
    const request = deposit(sessionId, amount)
    const reservation = await bench().reserve(request)
    const fresh = await bench().ledger.channels.open(newChannel(bench(), sessionId, changes))
    const pending = await vouch(fresh, { paymentId: request.paymentId, cumulative: counts, deposit: amount })
    await reservation.record(authorizationFor(request))
    await reservation.post(CLAIMED)
    const channel = await tell(pending, { state: 'open', deposited: amount, charged: counts, over: request.paymentId })
    return { channel, paymentId: request.paymentId }
  }
  /** Buys once more: reserved, vouched for, signed; what comes then is the test's affair. */
  const bought = async (channel: Channel, amount = counts) => {
    const request = voucher(channel.sessionId, amount)
    const reservation = await bench().reserve(request)
    const pending = await vouch(channel, { paymentId: request.paymentId, cumulative: channel.charged + amount })
    await reservation.record(authorizationFor(request))
    return { channel: pending, reservation, paymentId: request.paymentId }
  }
  /** As `bought`, and the server says that it charged it. */
  const charged = async (channel: Channel, amount = counts) => {
    const { channel: pending, reservation, paymentId } = await bought(channel, amount)
    await reservation.post(CLAIMED)
    return tell(pending, { charged: channel.charged + amount, over: paymentId })
  }
  const claimOne = async (ledger = bench().ledger) => present((await ledger.channels.claimClosing(9))[0])
  const end = (channel: Channel, returned: bigint) =>
    bench().ledger.channels.close(channel.id, { version: channel.version, returned, transaction: '0xend', block: 7n })
  return { counts, deposit, voucher, vouch, tell, opened, bought, charged, claimOne, end }
}

export function channelsConformance(bench: () => Bench): void {
  const steps = channelSteps(bench)
  const { counts, deposit, voucher, vouch, tell, opened, bought, charged, claimOne, end } = steps

  describe('a deposit into a channel', () => {
    it('is held and spent whole by its session and all above it, and never beyond a cap', async () => {
      const parent = await bench().openSession({ cap: usd(9) })
      const session = await bench().openSession({ cap: usd(20), parent: parent.id })
      const reservation = await bench().sign(deposit(session.id))
      for (const id of [session.id, parent.id]) expect(await bench().balance(id)).toEqual({ spent: 0n, held: usd(5), payments: 1 })
      await reservation.post(CLAIMED)
      for (const id of [session.id, parent.id]) expect(await bench().balance(id)).toEqual({ spent: usd(5), held: 0n, payments: 1 })
      expect(await bench().verdict(deposit(session.id))).toBe('spending_limit_exceeded')
      expect(await bench().verdict(deposit(session.id, usd(4)))).toBe('reserved')
      expect((await bench().ledger.session(session.id))?.cap).toBe(usd(20))
    })

    it('counts in limits by name and by window as the request that brings it, and is given back as that', async () => {
      const limits = { perTool: { '*': usd(2) }, perRecipient: { '*': usd(2) }, perWindow: [{ max: usd(2), per_ms: 60_000 }] }
      const session = (await bench().openSession({ cap: usd(20), limits })).id
      const first = await bench().reserve(deposit(session))
      await first.void(NEVER_SIGNED)
      expect(await bench().balance(session)).toEqual({ spent: 0n, held: 0n, payments: 0 })
      const again = await bench().sign(deposit(session))
      await again.leaveUnknown('No answer.')
      await bench().ledger.resolve(again.paymentId, DEAD)
      await bench().reserve(deposit(session))
      expect(await bench().verdict(voucher(session))).toBe('reserved')
      expect(await bench().verdict(voucher(session))).toBe('recipient_limit_exceeded')
      const left = (await bench().ledger.session(session)) ?? { limits: {} }
      expect(left.limits).toMatchObject(limits)
    })

    it('is a payment like any other for the bound on one payment', async () => {
      const session = (await bench().openSession({ cap: usd(20), limits: { perPayment: usd(4) } })).id
      expect(await bench().verdict(deposit(session))).toBe('per_payment_limit_exceeded')
    })

    it('counts as no more than itself, more than nothing, and nothing else counts otherwise', async () => {
      const session = (await bench().openSession({ cap: usd(20) })).id
      for (const wrong of [0n, usd(5) + 1n]) {
        await expect(bench().ledger.reserve({ ...deposit(session), counts: wrong })).rejects.toThrow('cannot be counted')
      }
      await expect(bench().ledger.reserve({ ...voucher(session), counts: 1n })).rejects.toThrow('cannot be counted')
    })

    it('may be signed to the escrow, which takes it for the recipient; nothing else may', async () => {
      const session = (await bench().openSession({ cap: usd(20) })).id
      const to = '0x4020806089470a89826cB9fB1f4059150b550004'
      const signed = (request: Parameters<typeof authorizationFor>[0]) => {
        const authorization = authorizationFor(request)
        return { ...authorization, transfer: { ...authorization.transfer, to } }
      }
      const [one, other] = [deposit(session), voucher(session)]
      await (await bench().reserve(one)).record(signed(one))
      await expect((await bench().reserve(other)).record(signed(other))).rejects.toThrow('not what was reserved')
    })
  })

  describe('a voucher', () => {
    it('takes nothing more from the budgets, even where nothing remains, and counts in the limits', async () => {
      const session = (await bench().openSession({ cap: usd(5), limits: { perTool: { '*': usd(3) } } })).id
      const { channel } = await opened(session)
      const next = await charged(await charged(channel))
      expect(next).toMatchObject({ deposited: usd(5), charged: usd(3), signed: usd(3), pending: null, state: 'open' })
      expect(await bench().balance(session)).toEqual({ spent: usd(5), held: 0n, payments: 3 })
      expect(await bench().verdict(voucher(session))).toBe('tool_limit_exceeded')
      expect(await bench().verdict(bench().make.request(session, 1n))).toBe('session_exhausted')
    })

    it('is refused in a session that has ended', async () => {
      const session = (await bench().openSession({ cap: usd(5) })).id
      await opened(session)
      await bench().ledger.close(session)
      expect(await bench().verdict(voucher(session))).toBe('session_closed')
    })

    it('shown not to be charged is void, whoever signed it, and its limits count it no more', async () => {
      const session = (await bench().openSession({ cap: usd(5), limits: { perTool: { '*': usd(2) } } })).id
      const { channel } = await opened(session)
      const { reservation } = await bought(channel)
      await reservation.leaveUnknown('No answer.')
      expect(await bench().verdict(voucher(session))).toBe('tool_limit_exceeded')
      await reservation.void(NOT_CHARGED)
      expect(await reservation.payment()).toMatchObject({ state: 'void', code: 'payment_rejected' })
      expect(await bench().balance(session)).toEqual({ spent: usd(5), held: 0n, payments: 1 })
      expect(await bench().verdict(voucher(session))).toBe('reserved')
    })

    it('alone is void by that: what else was sent stays held', async () => {
      const session = (await bench().openSession({ cap: usd(20) })).id
      for (const request of [deposit(session), bench().make.request(session, usd(1))]) {
        const reservation = await bench().sign(request)
        await expect(reservation.void(NOT_CHARGED)).rejects.toMatchObject({ refusal: { code: 'conflict' } })
      }
      const settled = await bench().sign(voucher(session))
      await settled.post(CLAIMED)
      await expect(settled.void(NOT_CHARGED)).rejects.toMatchObject({ refusal: { code: 'conflict' } })
      expect(await bench().balance(session)).toMatchObject({ held: usd(6) })
    })

    it('that is unknown is looked into; one that settled is asked of no chain', async () => {
      const session = (await bench().openSession({ cap: usd(20), networks: [CONFIRMABLE] })).id
      const on = (terms: object) => ({ terms: { ...terms, network: CONFIRMABLE } })
      const paid = await bench().sign(voucher(session, counts, on(VOUCHER)))
      await paid.post(CLAIMED)
      const brought = await bench().sign(deposit(session, usd(5), on(DEPOSIT)))
      await brought.post(CLAIMED)
      const lost = await bench().sign(voucher(session, counts, on(VOUCHER)))
      await lost.leaveUnknown('No answer.')
      const claimed = await bench().ledger.claimUnproven({ networks: [CONFIRMABLE], limit: 9 })
      expect(claimed.map(({ id }) => id).sort()).toEqual([brought.paymentId, lost.paymentId].sort())
      await bench().ledger.resolve(lost.paymentId, EXPIRED)
      bench().clock.advance(3_600_000)
      await bench().ledger.resolve(brought.paymentId, SETTLED)
      expect(await bench().ledger.claimUnproven({ networks: [CONFIRMABLE], limit: 9 })).toEqual([])
    })

    it('is in no sum of money, which has its deposit already', async () => {
      const session = (await bench().openSession({ cap: usd(20) })).id
      const held = await bench().sign(deposit(session))
      await bench().sign(voucher(session))
      const { ledger } = bench()
      expect((await ledger.totals()).exposure).toEqual({ USD: usd(5) })
      const { network, asset, payer } = termsOf(1n)
      expect(await ledger.heldBy({ network, token: asset.address, payer })).toBe(usd(5))
      await held.post(CLAIMED)
      const now = bench().clock.now()
      const activity = await ledger.insight.activity({ since: now - (now % 1_000), until: now + 1_000, step_ms: 1_000 })
      expect(activity.reduce((sum, { amount }) => sum + amount, 0n)).toBe(usd(5))
      expect(activity.reduce((sum, { count }) => sum + count, 0)).toBe(2)
    })

    it('and a deposit are told apart by their receipts, and after a restart', async () => {
      const session = (await bench().openSession({ cap: usd(20) })).id
      const { channel, paymentId } = await opened(session)
      const { paymentId: bought_ } = await bought(channel)
      await charged(await tell(await current(channel), { charged: usd(2), over: bought_ }))
      const ledger = await bench().store.restart()
      expect((await ledger.payment(paymentId))?.terms).toMatchObject(DEPOSIT)
      expect((await ledger.payment(bought_))?.terms).toMatchObject(VOUCHER)
      const { items } = await ledger.receipts({ session }, { limit: 9 })
      expect(new Set(items.map(({ scheme }) => scheme))).toEqual(new Set(['batch-settlement/deposit', 'batch-settlement/voucher']))
    })
  })

  const current = async (channel: Channel): Promise<Channel> => {
    const found = await bench().ledger.channels.channel(channel.id)
    if (!found) throw new Error('the channel is gone')
    return found
  }

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
  })

  describe('a channel that closes', () => {
    const endings: Record<string, (id: string) => Promise<unknown>> = {
      closed: (id) => bench().ledger.close(id),
      revoked: (id) => bench().ledger.revoke(id),
      expired: async () => bench().clock.advance(3_600_000),
    }

    it.each(Object.keys(endings))('does so once its session, or one above it, is %s; nothing is vouched for any more', async (how) => {
      const parent = await bench().openSession({ cap: usd(20) })
      const child = await bench().openSession({ cap: usd(20), parent: parent.id, expiresAt: bench().clock.now() + 7_200_000 })
      const { channel } = await opened(child.id)
      const late = await bench().reserve(voucher(child.id))
      expect(await bench().ledger.channels.claimClosing(9)).toEqual([])
      await endings[how]?.(parent.id)
      const closing = await claimOne()
      expect(closing).toMatchObject({ id: channel.id, state: 'closing', version: channel.version + 1 })
      const vouching = { version: closing.version, paymentId: late.paymentId, cumulative: usd(2) }
      expect(await bench().ledger.channels.vouch(channel.id, vouching)).toBeUndefined()
      expect(await tell(closing, { state: 'open', charged: usd(1) })).toMatchObject({ state: 'closing' })
    })

    it('is looked into by one at a time, longest waiting first, and not before it is put off to', async () => {
      const sessions = [await bench().openSession(), await bench().openSession(), await bench().openSession()]
      const { channels } = bench().ledger
      const opened_: Channel[] = []
      for (const { id } of sessions) opened_.push(await channels.open(newChannel(bench(), id)))
      const [first, second, third] = opened_.map(({ id }) => id)
      for (const channel of [opened_[1], opened_[0]]) {
        if (channel) await tell(channel, { state: 'closing' })
        bench().clock.advance(1)
      }
      await bench().ledger.close(sessions[2]?.id ?? '')
      const ids = async (limit: number) => (await channels.claimClosing(limit)).map(({ id }) => id)
      expect(await ids(1)).toEqual([second])
      expect(await ids(9)).toEqual([first, third])
      expect(await ids(9)).toEqual([])
      await channels.putOff(first ?? '', bench().clock.now() + 1_000)
      await channels.putOff(third ?? '', bench().clock.now())
      expect(await ids(9)).toEqual([third])
      bench().clock.advance(1_000)
      expect(await ids(9)).toEqual([first])
      bench().clock.advance(CHANNEL_LEASE_MS)
      expect(await ids(9)).toEqual([second, third, first])
    })

    it('frees what came back, in its session and all above it, and nothing of what limits count', async () => {
      const parent = await bench().openSession({ cap: usd(9) })
      const session = await bench().openSession({ cap: usd(8), parent: parent.id, limits: { perTool: { '*': usd(3) } } })
      const { channel, paymentId } = await opened(session.id)
      const paid = await charged(channel)
      const more = deposit(session.id, usd(3))
      const reservation = await bench().reserve(more)
      const pending = await vouch(paid, { paymentId: more.paymentId, cumulative: usd(3), deposit: usd(3) })
      await reservation.record(authorizationFor(more))
      await reservation.post(CLAIMED)
      const whole = await tell(pending, { deposited: usd(8), charged: usd(3), over: more.paymentId })
      for (const id of [session.id, parent.id]) expect(await bench().balance(id)).toEqual({ spent: usd(8), held: 0n, payments: 3 })
      const closing = await tell(whole, { state: 'closing' })
      await expect(end(closing, usd(8) + 1n)).rejects.toThrow(RangeError)
      const closed = await end(closing, usd(4.5))
      expect(closed).toMatchObject({ state: 'closed', returned: usd(4.5), transaction: '0xend', closedAt: bench().clock.now() })
      expect(await end(closing, usd(4.5))).toBeUndefined()
      for (const id of [session.id, parent.id]) expect(await bench().balance(id)).toEqual({ spent: usd(3.5), held: 0n, payments: 3 })
      expect(await bench().verdict(bench().make.request(session.id, 1n))).toBe('tool_limit_exceeded')
      expect(await bench().ledger.payment(more.paymentId)).toMatchObject({ refunded: usd(3), state: 'settled' })
      expect(await bench().ledger.payment(paymentId)).toMatchObject({ refunded: usd(1.5), state: 'settled' })
      for (const payment of [paymentId, more.paymentId]) {
        const [last] = (await bench().ledger.receipts({ payment }, { limit: 1 })).items
        expect(last).toMatchObject({ kind: 'amendment', transaction: CLAIMED.transaction })
        expect(last?.settlement).toBe(`Channel ${channel.id} is closed: deposited 8, charged 3, returned 4.5 USDC.`)
      }
      expect(await bench().ledger.verifyReceipts()).toMatchObject({ ok: true })
      expect(await bench().ledger.channels.current(channel)).toBeUndefined()
      expect(await bench().ledger.channels.claimClosing(9)).toEqual([])
      expect(await bench().ledger.channels.open(newChannel(bench(), session.id))).toMatchObject({ state: 'opening' })
    })

    it('says so on its deposits where nothing came back, and leaves out what was never taken', async () => {
      const session = (await bench().openSession({ cap: usd(20) })).id
      const { channel, paymentId } = await opened(session)
      const dead = await bench().sign(deposit(session))
      const pending = await vouch(channel, { paymentId: dead.paymentId, cumulative: usd(2), deposit: usd(5) })
      await dead.leaveUnknown('No answer.')
      const closing = await tell(pending, { state: 'closing' })
      await expect(end(closing, usd(5) + 1n)).rejects.toThrow(RangeError)
      await bench().ledger.resolve(dead.paymentId, DEAD)
      expect(await end(closing, 0n)).toMatchObject({ state: 'closed', pending: null })
      expect(await bench().balance(session)).toEqual({ spent: usd(5), held: 0n, payments: 1 })
      const [last] = (await bench().ledger.receipts({ payment: paymentId }, { limit: 1 })).items
      expect(last?.settlement).toContain('deposited 5, charged 1, returned 0 USDC')
      expect((await bench().ledger.receipts({ payment: dead.paymentId }, { limit: 9 })).items.at(0)).toMatchObject({ state: 'void' })
    })

    it('waits for the outcome of its deposit: only what is spent can come back', async () => {
      const session = (await bench().openSession({ cap: usd(20) })).id
      const fresh = await bench().ledger.channels.open(newChannel(bench(), session))
      const unknown = await bench().sign(deposit(session))
      const pending = await vouch(fresh, { paymentId: unknown.paymentId, cumulative: usd(1), deposit: usd(5) })
      await unknown.leaveUnknown('No answer.')
      const closing = await tell(await tell(pending, { deposited: usd(5) }), { state: 'closing' })
      await expect(end(closing, usd(5))).rejects.toMatchObject({ refusal: { code: 'conflict' } })
      expect(await bench().balance(session)).toMatchObject({ held: usd(5) })
      await bench().ledger.resolve(unknown.paymentId, SETTLED)
      await end(closing, usd(5))
      expect(await bench().balance(session)).toEqual({ spent: 0n, held: 0n, payments: 1 })
    })

    it('counts the agent’s answer on: a deposit that came back whole is owed to nobody', async () => {
      const session = (await bench().openSession({ cap: usd(20) })).id
      const { channel, paymentId } = await opened(session)
      const again = await bench().ledger.payment(paymentId)
      expect(again).toMatchObject({ delivered: false, dispute: null })
      await end(await tell(channel, { state: 'closing' }), usd(4))
      expect(await bench().ledger.payment(paymentId)).toMatchObject({ refunded: usd(4) })
      const { reservation } = { reservation: await bench().sign(bench().make.request(session, usd(16))) }
      await reservation.delivered(COMPLETE)
      expect(await bench().balance(session)).toMatchObject({ spent: usd(1), held: usd(16) })
    })
  })
}

export type Bought = { readonly reservation: Reservation }
