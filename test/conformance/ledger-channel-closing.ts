/** The end of a channel: what is left comes back to the budgets that spent it, once, and the receipts say so (G1, G9). */
import { describe, expect, it } from 'vitest'
import { CHANNEL_LEASE_MS } from '../../src/channel-limits.ts'
import type { Channel } from '../../src/ledger/channels.ts'
import { authorizationFor, CLAIMED, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'
import { channelSteps, newChannel } from './ledger-channel-steps.ts'
import { DEAD, SETTLED } from './ledger-findings.ts'

export function closingChannels(bench: () => Bench): void {
  const { deposit, voucher, vouch, tell, opened, charged, claimOne, end } = channelSteps(bench)

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

    it('that gives its deposit back whole is owed nothing for it', async () => {
      const session = (await bench().openSession({ cap: usd(20) })).id
      const fresh = await bench().ledger.channels.open(newChannel(bench(), session))
      const lost = await bench().sign(deposit(session))
      const pending = await vouch(fresh, { paymentId: lost.paymentId, cumulative: usd(1), deposit: usd(5) })
      await lost.leaveUnknown('The server says that it failed.')
      expect(await bench().ledger.resolve(lost.paymentId, SETTLED)).toMatchObject({ dispute: 'settled_though_denied' })
      const closing = await tell(await tell(pending, { deposited: usd(5), over: lost.paymentId }), { state: 'closing' })
      await end(closing, usd(5))
      expect(await bench().ledger.payment(lost.paymentId)).toMatchObject({ dispute: null, refunded: usd(5) })
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
  })
}
