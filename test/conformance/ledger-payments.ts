/** The life of a payment: what may follow what, and what moves with it (G2, G4, R5, R6). */
import { describe, expect, it } from 'vitest'
import { authorizationFor, BROKEN, CLAIMED, COMPLETE, NEVER_SENT, NEVER_SIGNED, OTHER_PAY_TO, PAY_TO, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

const CONFLICT = { refusal: { code: 'conflict' } }

export function paymentsConformance(bench: () => Bench): void {
  stepsConformance(bench)
  crashConformance(bench)
  memoryConformance(bench)
  listsConformance(bench)
}

function stepsConformance(bench: () => Bench): void {
  describe('a payment', () => {
    it('goes from reserved over signed and sent to settled, and held becomes spent', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(2))
      const reservation = await bench().reserve(request)
      expect(reservation).toMatchObject({ paymentId: request.paymentId, purchaseId: request.purchaseId, nonce: request.nonce })
      expect(reservation.authorization).toBeUndefined()
      expect(await reservation.payment()).toMatchObject({
        ...request.attempt,
        state: 'reserved',
        reservedAt: bench().clock.now(),
        count: 1,
      })
      expect(await bench().balance(id)).toEqual({ spent: 0n, held: usd(2), payments: 1 })
      await reservation.record(authorizationFor(request))
      expect(await reservation.payment()).toMatchObject({ state: 'signed', validBefore_s: authorizationFor(request).validBefore_s })
      reservation.sent()
      expect(await reservation.payment()).toMatchObject({ state: 'sent', sentAt: bench().clock.now() })
      await reservation.post(CLAIMED)
      expect(await reservation.payment()).toMatchObject({ state: 'settled', transaction: CLAIMED.transaction, settlement: CLAIMED.reason })
      expect(await bench().balance(id)).toEqual({ spent: usd(2), held: 0n, payments: 1 })
    })

    it('is voided where nothing was signed, and held is free again', async () => {
      const { id } = await bench().openSession()
      const reservation = await bench().reserve(bench().make.request(id, usd(2)))
      await reservation.void(NEVER_SIGNED)
      expect(await reservation.payment()).toMatchObject({ state: 'void', code: NEVER_SIGNED.code, settlement: NEVER_SIGNED.reason })
      expect(await bench().balance(id)).toEqual({ spent: 0n, held: 0n, payments: 0 })
    })

    it('is voided after signing only by proof that no byte left', async () => {
      const { id } = await bench().openSession()
      const reservation = await bench().sign(bench().make.request(id, usd(2)))
      await expect(reservation.void(NEVER_SIGNED)).rejects.toMatchObject(CONFLICT)
      await reservation.void(NEVER_SENT)
      expect(await bench().balance(id)).toEqual({ spent: 0n, held: 0n, payments: 0 })
    })

    it('is never voided once it was sent', async () => {
      const { id } = await bench().openSession()
      const reservation = await bench().sign(bench().make.request(id, usd(2)))
      reservation.sent()
      await expect(reservation.void(NEVER_SENT)).rejects.toMatchObject(CONFLICT)
      expect(await bench().balance(id)).toMatchObject({ held: usd(2) })
    })

    it('stays held while it is unknown, and late evidence settles it', async () => {
      const { id } = await bench().openSession()
      const reservation = await bench().sign(bench().make.request(id, usd(2)))
      await reservation.leaveUnknown('The connection broke.')
      expect(await reservation.payment()).toMatchObject({ state: 'unknown', settlement: 'The connection broke.' })
      expect(await bench().balance(id)).toEqual({ spent: 0n, held: usd(2), payments: 1 })
      await expect(reservation.void(NEVER_SENT)).rejects.toMatchObject(CONFLICT)
      await reservation.post(CLAIMED)
      expect(await bench().balance(id)).toEqual({ spent: usd(2), held: 0n, payments: 1 })
    })

    it('repeats of a step change nothing', async () => {
      const { id } = await bench().openSession()
      const [settled, dropped] = [
        await bench().sign(bench().make.request(id, usd(2))),
        await bench().reserve(bench().make.request(id, usd(1))),
      ]
      await settled.leaveUnknown('first')
      await settled.leaveUnknown('second')
      expect(await settled.payment()).toMatchObject({ settlement: 'first' })
      await settled.post(CLAIMED)
      await settled.post({ ...CLAIMED, transaction: `0x${'cd'.repeat(32)}` })
      await dropped.void(NEVER_SIGNED)
      await dropped.void(NEVER_SIGNED)
      expect(await settled.payment()).toMatchObject({ transaction: CLAIMED.transaction })
      expect(await bench().balance(id)).toEqual({ spent: usd(2), held: 0n, payments: 1 })
    })

    it('takes better evidence for what is settled already', async () => {
      const { id } = await bench().openSession()
      const reservation = await bench().sign(bench().make.request(id, usd(2)))
      await reservation.post({ ...CLAIMED, transaction: undefined })
      await reservation.post(CLAIMED)
      expect(await reservation.payment()).toMatchObject({ transaction: CLAIMED.transaction })
      expect(await bench().balance(id)).toMatchObject({ spent: usd(2) })
    })

    it('is not resolved in two ways', async () => {
      const { id } = await bench().openSession()
      const [settled, dropped, fresh] = [
        await bench().sign(bench().make.request(id, usd(1))),
        await bench().reserve(bench().make.request(id, usd(1))),
        await bench().reserve(bench().make.request(id, usd(1))),
      ]
      await settled.post(CLAIMED)
      await dropped.void(NEVER_SIGNED)
      await expect(settled.void(NEVER_SENT)).rejects.toMatchObject(CONFLICT)
      await expect(settled.leaveUnknown('why')).rejects.toMatchObject(CONFLICT)
      await expect(dropped.post(CLAIMED)).rejects.toMatchObject(CONFLICT)
      await expect(dropped.delivered(COMPLETE)).rejects.toMatchObject(CONFLICT)
      await expect(fresh.post(CLAIMED)).rejects.toMatchObject(CONFLICT)
      await expect(fresh.leaveUnknown('why')).rejects.toMatchObject(CONFLICT)
      await expect(fresh.delivered(COMPLETE)).rejects.toMatchObject(CONFLICT)
      expect(await bench().balance(id)).toEqual({ spent: usd(1), held: usd(1), payments: 2 })
    })

    it('is not posted on a settlement that proves nothing', async () => {
      const { id } = await bench().openSession()
      const reservation = await bench().sign(bench().make.request(id, usd(1)))
      await expect(reservation.post({ ...CLAIMED, kind: 'unproven' })).rejects.toThrow('unproven')
      expect(await bench().balance(id)).toMatchObject({ spent: 0n, held: usd(1) })
    })

    it('is signed once', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1))
      const reservation = await bench().sign(request)
      await expect(reservation.record(authorizationFor(request))).rejects.toMatchObject(CONFLICT)
    })

    it('keeps no signature for anything else than what was reserved', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1))
      const reservation = await bench().reserve(request)
      const signed = authorizationFor(request)
      const others = [
        { ...signed, nonce: `0x${'9'.repeat(64)}` as const },
        { ...signed, payTo: OTHER_PAY_TO } as const,
        { ...signed, transfer: { ...signed.transfer, value: signed.transfer.value + 1n } },
        { ...signed, transfer: { ...signed.transfer, to: OTHER_PAY_TO } } as const,
      ]
      for (const other of others) await expect(reservation.record(other)).rejects.toThrow('not what was reserved')
      expect(await reservation.payment()).toMatchObject({ state: 'reserved', validBefore_s: null })
    })

    it('has a nonce of its own for ever', async () => {
      const { id } = await bench().openSession()
      const first = bench().make.request(id, usd(1))
      const reservation = await bench().reserve(first)
      await reservation.void(NEVER_SIGNED)
      await expect(bench().ledger.reserve(bench().make.request(id, usd(1), { nonce: first.nonce }))).rejects.toThrow()
      expect(await bench().balance(id)).toEqual({ spent: 0n, held: 0n, payments: 0 })
    })

    it('is refused, and recorded as such, for a challenge whose nonce is used, whoever asks and whatever became of the first', async () => {
      const { id } = await bench().openSession()
      const other = await bench().openSession()
      const first = bench().make.request(id, usd(1), { challengeNonce: true })
      await (await bench().reserve(first)).void(NEVER_SIGNED)
      const { nonce } = first
      for (const sessionId of [id, other.id]) {
        const again = bench().make.request(sessionId, usd(1), { nonce, challengeNonce: true })
        expect(await bench().verdict(again)).toBe('conflict')
        expect(await bench().ledger.payment(again.paymentId)).toMatchObject({ state: 'denied', code: 'conflict', nonce: null })
        expect(await bench().balance(sessionId)).toEqual({ spent: 0n, held: 0n, payments: 0 })
      }
    })

    it('two at once for one challenge: one of them is reserved', async () => {
      const requests = await Promise.all(
        [1, 2, 3, 4].map(async () => bench().make.request((await bench().openSession()).id, usd(1), { challengeNonce: true })),
      )
      const nonce = requests[0]?.nonce ?? '0x'
      const verdicts = await Promise.all(requests.map((request) => bench().verdict({ ...request, nonce })))
      expect(verdicts.sort()).toEqual(['conflict', 'conflict', 'conflict', 'reserved'])
    })

    it('of a transfer that was signed beforehand is made once, whoever asks and whatever became of the first: others take another', async () => {
      const requests = await Promise.all(
        [1, 2, 3, 4].map(async () => bench().make.request((await bench().openSession()).id, usd(1), { presigned: true })),
      )
      const nonce = requests[0]?.nonce ?? '0x'
      const verdicts = await Promise.all(requests.map((request) => bench().verdict({ ...request, nonce })))
      expect(verdicts.sort()).toEqual(['decide_again', 'decide_again', 'decide_again', 'reserved'])
      const { id } = await bench().openSession()
      const [first, again, another] = [1, 2, 3].map(() => bench().make.request(id, usd(1), { presigned: true }))
      if (!first || !again || !another) throw new Error('three were made')
      await (await bench().reserve(first)).void(NEVER_SIGNED)
      expect(await bench().verdict({ ...again, nonce: first.nonce })).toBe('decide_again')
      expect(await bench().ledger.payment(again.paymentId)).toBeUndefined()
      expect(await bench().verdict({ ...again, nonce: another.nonce })).toBe('reserved')
    })

    it('is delivered by a complete 2xx, and stays delivered', async () => {
      const { id } = await bench().openSession()
      const reservation = await bench().sign(bench().make.request(id, usd(1)))
      await reservation.post(CLAIMED)
      await reservation.delivered(BROKEN)
      expect(await reservation.payment()).toMatchObject({ delivered: false, delivery: BROKEN })
      await reservation.delivered({ ...COMPLETE, complete: false })
      expect(await reservation.payment()).toMatchObject({ delivered: false })
      await reservation.delivered(COMPLETE)
      await reservation.delivered(BROKEN)
      expect(await reservation.payment()).toMatchObject({ delivered: true, delivery: COMPLETE, deliveredAt: bench().clock.now() })
    })
  })
}

function crashConformance(bench: () => Bench): void {
  describe('after a crash', () => {
    it('what was signed is unknown and held: another run can settle it, never void it', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(2))
      await bench().sign(request)
      await bench().store.restart()
      const resumed = await bench().ledger.resume(request.purchase)
      if (resumed.kind !== 'repeat') throw new Error(`expected a repeat, got ${resumed.kind}`)
      const { reservation } = resumed
      expect(reservation.authorization).toEqual({
        headers: authorizationFor(request).headers,
        validBefore_s: authorizationFor(request).validBefore_s,
      })
      expect(await reservation.payment()).toMatchObject({ state: 'unknown' })
      await expect(reservation.void(NEVER_SENT)).rejects.toMatchObject(CONFLICT)
      expect(await bench().balance(id)).toMatchObject({ held: usd(2) })
      await reservation.post(CLAIMED)
      expect(await bench().balance(id)).toEqual({ spent: usd(2), held: 0n, payments: 1 })
    })

    it('what was reserved and never signed is void when it is met', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(2))
      await bench().reserve(request)
      await bench().store.restart()
      expect(await bench().ledger.resume(request.purchase)).toEqual({ kind: 'none' })
      expect(await bench().ledger.payment(request.paymentId)).toMatchObject({ state: 'void' })
      expect(await bench().balance(id)).toEqual({ spent: 0n, held: 0n, payments: 0 })
    })

    it('what was reserved and never signed is void when its session is closed', async () => {
      const { id } = await bench().openSession()
      await bench().reserve(bench().make.request(id, usd(2)))
      await bench().store.restart()
      expect(await bench().ledger.close(id)).toMatchObject({ held: 0n, status: 'closed' })
    })

    it('everything that was told is still there', async () => {
      const { id } = await bench().openSession()
      const settled = await bench().sign(bench().make.request(id, usd(1)))
      await settled.post(CLAIMED)
      await settled.delivered(COMPLETE)
      const refused = await bench().ledger.reserve(bench().make.request(id, usd(100)))
      const before = await bench().ledger.payments({}, { limit: 10 })
      await bench().store.restart()
      expect(refused.kind).toBe('refused')
      expect(await bench().ledger.payments({}, { limit: 10 })).toEqual(before)
      expect(before.items.map(({ state }) => state)).toEqual(['denied', 'settled'])
      expect(await bench().ledger.verifyReceipts()).toMatchObject({ ok: true, count: 3 })
    })
  })
}

function memoryConformance(bench: () => Bench): void {
  describe('what is remembered of a recipient', () => {
    const ask = {
      agent: 'researcher',
      sessionId: 'ses_any',
      origin: 'https://api.example.com',
      network: 'eip155:84532',
      tiers: [],
    }

    it('is known only after a payment that is settled and delivered', async () => {
      const { id } = await bench().openSession()
      const known = async () => (await bench().ledger.history({ ...ask, payTo: PAY_TO })).known
      const reservation = await bench().sign(bench().make.request(id, usd(1)))
      expect(await known()).toBe(false)
      await reservation.delivered(COMPLETE)
      expect(await known()).toBe(false)
      await reservation.post(CLAIMED)
      expect(await known()).toBe(true)
      expect(await bench().ledger.history({ ...ask, payTo: PAY_TO.toLowerCase() })).toMatchObject({ known: true, lastPayTo: PAY_TO })
    })

    it('is not known by money alone, nor by a broken answer', async () => {
      const { id } = await bench().openSession()
      const reservation = await bench().sign(bench().make.request(id, usd(1)))
      await reservation.post(CLAIMED)
      await reservation.delivered(BROKEN)
      expect(await bench().ledger.history({ ...ask, payTo: PAY_TO })).toMatchObject({ known: false, lastPayTo: undefined })
    })

    it('is known to this agent, at this origin, and for this recipient', async () => {
      const { id } = await bench().openSession()
      const reservation = await bench().sign(bench().make.request(id, usd(1)))
      await reservation.post(CLAIMED)
      await reservation.delivered(COMPLETE)
      const others = [{ agent: 'other' }, { origin: 'https://other.test' }, { payTo: OTHER_PAY_TO }]
      for (const other of others) {
        expect(await bench().ledger.history({ ...ask, payTo: PAY_TO, ...other })).toMatchObject({ known: false })
      }
      expect(await bench().ledger.history({ ...ask, payTo: PAY_TO, network: 'eip155:1' })).toMatchObject({ lastPayTo: undefined })
    })

    it('names the recipient of the last such payment, and the pinned one', async () => {
      const { id } = await bench().openSession()
      for (const payTo of [PAY_TO, OTHER_PAY_TO]) {
        const reservation = await bench().sign(bench().make.request(id, usd(1), { terms: { payTo }, pin: payTo === PAY_TO }))
        await reservation.post(CLAIMED)
        await reservation.delivered(COMPLETE)
      }
      expect(await bench().ledger.history({ ...ask, payTo: PAY_TO })).toEqual({
        known: true,
        lastPayTo: OTHER_PAY_TO,
        pinnedPayTo: PAY_TO,
        frequency: {},
      })
    })
  })
}

function listsConformance(bench: () => Bench): void {
  describe('lists of payments', () => {
    it('filter by every dimension, newest first', async () => {
      const [one, two] = [await bench().openSession(), await bench().openSession()]
      const a = bench().make.request(one.id, usd(1), {
        attempt: { tool: 'web', task: 't1', context: { onBehalfOf: ['planner', 'payer'], trace: 'abc' } },
      })
      const settled = await bench().sign(a)
      await settled.post(CLAIMED)
      bench().clock.advance(1_000)
      const b = bench().make.request(two.id, usd(1), { attempt: { agent: 'other', tier: 'supervised' }, terms: { payTo: OTHER_PAY_TO } })
      await bench().sign(b)
      const now = bench().clock.now()
      const filters = [
        [{}, [b, a]],
        [{ session: one.id }, [a]],
        [{ agent: 'other' }, [b]],
        [{ tool: 'web' }, [a]],
        [{ task: 't1' }, [a]],
        [{ onBehalfOf: 'payer' }, [a]],
        [{ onBehalfOf: 'pay' }, []],
        [{ trace: 'abc' }, [a]],
        [{ trace: 'abc', session: two.id }, []],
        [{ recipient: OTHER_PAY_TO.toUpperCase().replace('0X', '0x') }, [b]],
        [{ recipient: 'api.example.com' }, [b, a]],
        [{ state: 'settled' }, [a]],
        [{ state: 'signed' }, [b]],
        [{ state: 'unknown' }, []],
        [{ tier: 'supervised' }, [b]],
        [{ since: now }, [b]],
        [{ until: now }, [a]],
        [{ session: one.id, state: 'signed' }, []],
      ] as const
      for (const [filter, expected] of filters) {
        const { items } = await bench().ledger.payments(filter, { limit: 10 })
        expect(
          items.map(({ id }) => id),
          JSON.stringify(filter),
        ).toEqual(expected.map(({ paymentId }) => paymentId))
      }
    })

    it('tell how a session has paid so far: its first payments and its latest, without refused and voided ones', async () => {
      const { id } = await bench().openSession({ cap: usd(100) })
      const asked = { agent: 'researcher', sessionId: id, origin: '', network: '', payTo: '', tiers: [], conduct: true } as const
      expect((await bench().ledger.history(asked)).conduct).toEqual({ first: [], latest: [] })
      const start = bench().clock.now()
      for (let count = 0; count < 12; count++) {
        const attempt = { host: `h${count}.example`, categories: ['search'] }
        const reservation = await bench().reserve(bench().make.request(id, usd(1), { attempt }))
        if (count === 1) await reservation.void(NEVER_SIGNED)
        bench().clock.advance(1_000)
      }
      await bench().ledger.reserve(bench().make.request(id, usd(1_000)))
      const { conduct } = await bench().ledger.history(asked)
      expect(conduct?.first.map(({ host }) => host)).toEqual([0, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((count) => `h${count}.example`))
      expect(conduct?.latest.map(({ host }) => host)).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2].map((count) => `h${count}.example`))
      expect(conduct?.first[1]).toEqual({ host: 'h2.example', categories: ['search'], at: start + 2_000 })
      expect((await bench().ledger.history({ ...asked, sessionId: 'ses_other' })).conduct).toEqual({ first: [], latest: [] })
    })

    it('page through a filter without losing or repeating anything', async () => {
      const { id } = await bench().openSession()
      for (let count = 0; count < 5; count++) await bench().reserve(bench().make.request(id, usd(1)))
      const first = await bench().ledger.payments({ session: id, state: 'reserved' }, { limit: 3 })
      const second = await bench().ledger.payments({ session: id, state: 'reserved' }, { limit: 3, cursor: first.next ?? '' })
      expect(second.next).toBeNull()
      expect(new Set([...first.items, ...second.items].map((payment) => payment.id)).size).toBe(5)
    })

    it('count the payments of a task that moved money or may have', async () => {
      const { id } = await bench().openSession()
      const inTask = { attempt: { task: 't1' } }
      const settled = await bench().sign(bench().make.request(id, usd(1), inTask))
      await settled.post(CLAIMED)
      const unknown = await bench().sign(bench().make.request(id, usd(1), inTask))
      await unknown.leaveUnknown('why')
      const dropped = await bench().reserve(bench().make.request(id, usd(1), inTask))
      await dropped.void(NEVER_SIGNED)
      await bench().sign(bench().make.request(id, usd(1)))
      expect(await bench().ledger.countInTask(id, 't1')).toBe(2)
      expect(await bench().ledger.countInTask(id, 't2')).toBe(0)
    })
  })
}
