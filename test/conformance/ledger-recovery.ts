/** Recovery: what nobody works on any more is resolved, by one run only, at start and all the time (R3, R5, R9). */
import { describe, expect, it } from 'vitest'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { PROOF_LEASE_MS, PURCHASE_LEASE_MS } from '../../src/limits.ts'
import { CLAIMED, COMPLETE, CONFIRMABLE, NETWORK, NEVER_SENT, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

export function recoveryConformance(bench: () => Bench): void {
  takingOver(bench)
  claiming(bench)
}

function takingOver(bench: () => Bench): void {
  describe('recovery', () => {
    it('leaves alone what somebody works on', async () => {
      const { id } = await bench().openSession()
      const reserved = await bench().reserve(bench().make.request(id, usd(1)))
      const signed = await bench().sign(bench().make.request(id, usd(2)))
      signed.orphan()
      expect(await bench().ledger.takeOver()).toBe(0)
      expect([(await reserved.payment()).state, (await signed.payment()).state]).toEqual(['reserved', 'signed'])
    })

    it('frees what was left unsigned, and calls unknown what was left signed, once', async () => {
      const { id } = await bench().openSession()
      const reserved = await bench().reserve(bench().make.request(id, usd(1)))
      const signed = await bench().sign(bench().make.request(id, usd(2)))
      const sent = await bench().sign(bench().make.request(id, usd(4)))
      sent.sent()
      for (const one of [reserved, signed, sent]) one.release()
      await bench().settled(id)
      expect(await bench().ledger.takeOver()).toBe(3)
      expect(await bench().ledger.takeOver()).toBe(0)
      const states = await Promise.all([reserved, signed, sent].map(async (one) => (await one.payment()).state))
      expect(states).toEqual(['void', 'unknown', 'unknown'])
      expect(await bench().balance(id)).toEqual({ spent: 0n, held: usd(6), payments: 2 })
    })

    it('takes an attempt whose lease is over for one that nobody works on', async () => {
      const { id } = await bench().openSession({ expiresAt: bench().clock.now() + 86_400_000 })
      const signed = await bench().sign(bench().make.request(id, usd(2)))
      bench().clock.advance(PURCHASE_LEASE_MS - 1)
      expect(await bench().ledger.takeOver()).toBe(0)
      bench().clock.advance(1)
      expect(await bench().ledger.takeOver()).toBe(1)
      expect(await signed.payment()).toMatchObject({ state: 'unknown' })
    })

    it('at start does so for every run that has ended, and tells each state once', async () => {
      const { id } = await bench().openSession()
      const reserved = await bench().reserve(bench().make.request(id, usd(1)))
      const signed = await bench().sign(bench().make.request(id, usd(2)))
      const settled = await bench().sign(bench().make.request(id, usd(4)))
      await settled.post(CLAIMED)
      bench().told.length = 0
      await bench().store.restart()
      expect(await bench().ledger.takeOver()).toBe(0)
      expect([...bench().told].sort()).toEqual(
        [`${reserved.paymentId} void`, `${settled.paymentId} found disputed`, `${signed.paymentId} unknown`].sort(),
      )
      expect(await bench().ledger.payment(settled.paymentId)).toMatchObject({ dispute: 'settled_not_delivered' })
    })
  })

  describe('what a payment goes through', () => {
    it('is told once for each state that it enters, whoever brings it there', async () => {
      const { id } = await bench().openSession({ cap: usd(10) })
      const request = bench().make.request(id, usd(1))
      const settled = await bench().sign(request)
      settled.sent()
      settled.sent()
      await settled.leaveUnknown('why')
      await settled.leaveUnknown('why')
      settled.sent()
      await settled.post(CLAIMED)
      await settled.post(CLAIMED)
      await settled.delivered(COMPLETE)
      const voided = await bench().sign(bench().make.request(id, usd(1)))
      await voided.void(NEVER_SENT)
      const refused = await bench().ledger.reserve(bench().make.request(id, usd(100)))
      const states = (paymentId: string) =>
        bench()
          .told.filter((line) => line.startsWith(`${paymentId} `))
          .map((line) => line.split(' ')[1])
      expect(states(settled.paymentId)).toEqual(['reserved', 'signed', 'sent', 'unknown', 'settled'])
      expect(states(voided.paymentId)).toEqual(['reserved', 'signed', 'void'])
      expect(states(refused.kind === 'refused' ? (refused.refusal.paymentId ?? '') : '')).toEqual(['denied'])
    })
  })
}

function claiming(bench: () => Bench): void {
  /** Claims what is due, and gives the ids. */
  const claim = async (networks: readonly string[] = [], limit = 10, ledger: Ledger = bench().ledger) =>
    (await ledger.claimUnproven({ networks, limit })).map(({ id }) => id)

  async function unknown(dollars: number, network = NETWORK): Promise<string> {
    const { id } = await bench().openSession({ networks: [network] })
    const reservation = await bench().sign(bench().make.request(id, usd(dollars), { terms: { network } }))
    await reservation.leaveUnknown('why')
    reservation.release()
    return reservation.paymentId
  }

  describe('payments to look into', () => {
    it('are unknown ones, oldest due first, bounded, and nobody else’s for the time of a claim', async () => {
      const one = await unknown(1)
      bench().clock.advance(1)
      const [two, three] = [await unknown(2), await unknown(3)]
      expect(await claim([], 2)).toEqual([one, two])
      expect(await claim()).toEqual([three])
      expect(await claim()).toEqual([])
      bench().clock.advance(PROOF_LEASE_MS)
      expect(await claim()).toEqual([one, two, three])
    })

    it('are those that were left signed too, which become unknown first', async () => {
      const { id } = await bench().openSession()
      const left = await bench().sign(bench().make.request(id, usd(1)))
      const working = await bench().sign(bench().make.request(id, usd(1)))
      left.release()
      await bench().settled(id)
      expect(await claim()).toEqual([left.paymentId])
      expect(await left.payment()).toMatchObject({ state: 'unknown' })
      expect(await working.payment()).toMatchObject({ state: 'signed' })
    })

    it('are those that expired or settled on a server’s word only where their chain can be asked', async () => {
      const expired = await unknown(1, CONFIRMABLE)
      await bench().ledger.resolve(expired, { kind: 'expired', reason: 'The window closed.' })
      const { id } = await bench().openSession({ networks: [CONFIRMABLE] })
      const settled = await bench().sign(bench().make.request(id, usd(1), { terms: { network: CONFIRMABLE } }))
      await settled.post(CLAIMED)
      expect(await claim()).toEqual([])
      expect(await claim([NETWORK])).toEqual([])
      expect((await claim([CONFIRMABLE])).sort()).toEqual([expired, settled.paymentId].sort())
      for (const one of [expired, settled.paymentId]) {
        await bench().ledger.resolve(one, {
          kind: 'settled',
          evidence: 'confirmed',
          transaction: CLAIMED.transaction ?? '',
          block: 9n,
          reason: 'Seen.',
        })
      }
      bench().clock.advance(PROOF_LEASE_MS)
      expect(await claim([CONFIRMABLE])).toEqual([])
    })

    it('are put off until their time', async () => {
      const one = await unknown(1)
      await claim()
      await bench().ledger.putOff(one, bench().clock.now() + 10)
      expect(await claim()).toEqual([])
      bench().clock.advance(10)
      expect(await claim()).toEqual([one])
    })

    it('are not those whose outcome is known, and putting them off does not change that', async () => {
      const one = await unknown(1)
      await bench().ledger.resolve(one, { kind: 'dead', evidence: 'confirmed', block: 9n, reason: 'Unused.' })
      await bench().ledger.putOff(one, 0)
      expect(await claim([NETWORK])).toEqual([])
    })

    it('are free again when the run that claimed them has ended', async () => {
      const one = await unknown(1)
      expect(await claim()).toEqual([one])
      await bench().store.restart()
      expect(await claim()).toEqual([one])
    })
  })
}
