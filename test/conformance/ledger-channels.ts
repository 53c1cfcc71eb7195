/** Channels of payment: their deposits are spent whole and once, their vouchers are counted by limits alone (G1, G4). */
import { describe, expect, it } from 'vitest'
import { authorizationFor, CLAIMED, CONFIRMABLE, NEVER_SIGNED, termsOf, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'
import { accountsOfChannels } from './ledger-channel-accounts.ts'
import { closingChannels } from './ledger-channel-closing.ts'
import { modelOfChannels } from './ledger-channel-model.ts'
import { channelSteps, DEPOSIT, NOT_CHARGED, VOUCHER } from './ledger-channel-steps.ts'
import { DEAD, EXPIRED, SETTLED } from './ledger-findings.ts'

export function channelsConformance(bench: () => Bench): void {
  accountsOfChannels(bench)
  closingChannels(bench)
  modelOfChannels(bench)
  const steps = channelSteps(bench)
  const { counts, deposit, voucher, tell, opened, bought, charged, current } = steps

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
      const other = (await bench().openSession({ cap: usd(20) })).id
      await bench().sign(voucher(other))
      await ledger.close(other)
      // Nothing is held there, whatever becomes of the voucher.
      expect((await ledger.totals()).sessions).toEqual({ open: 1, closed: 1 })
      const { network, asset, payer } = termsOf(1n)
      expect(await ledger.heldBy({ network, token: asset.address, payer })).toBe(usd(5))
      await held.post(CLAIMED)
      const now = bench().clock.now()
      const activity = await ledger.insight.activity({ since: now - (now % 1_000), until: now + 1_000, step_ms: 1_000 })
      expect(activity.reduce((sum, { amount }) => sum + amount, 0n)).toBe(usd(5))
      expect(activity.reduce((sum, { count }) => sum + count, 0)).toBe(3)
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
}
