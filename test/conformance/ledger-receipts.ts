/** Receipts: every attempt leaves its entry, chained per session; identical refusals are counted in one (G9, R17). */
import { describe, expect, it } from 'vitest'
import { verifyChain } from '../../src/audit/chain.ts'
import type { Receipt, ReceiptFilter } from '../../src/audit/receipt.ts'
import type { Refusal } from '../../src/errors.ts'
import type { Page, PageRequest } from '../../src/ledger/ledger.ts'
import { REFUSAL_RUN_MS } from '../../src/limits.ts'
import { authorizationFor, CLAIMED, COMPLETE, NEVER_SENT, NEVER_SIGNED, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

export function receiptsConformance(bench: () => Bench): void {
  /** Oldest first. */
  async function receipts(filter: ReceiptFilter = {}): Promise<Receipt[]> {
    return [...(await bench().ledger.receipts(filter, { limit: 1_000 })).items].reverse()
  }
  const tale = (entries: readonly Receipt[]) => entries.map(({ kind, state, count }) => `${kind} ${state} ${count}`)

  describe('receipts', () => {
    it('tell of a payment what happened, with the signature only once nobody can take it any more', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(0.05), {
        attempt: { task: 't1', categories: ['search'], justification: 'for the “report”' },
      })
      const reservation = await bench().sign(request)
      reservation.sent()
      await reservation.leaveUnknown('The connection broke.')
      await reservation.post(CLAIMED)
      await reservation.delivered(COMPLETE)
      const shown = { transaction: CLAIMED.transaction ?? '', block: 7n, reason: 'The chain shows it.' }
      await bench().ledger.resolve(request.paymentId, { kind: 'settled', evidence: 'confirmed', ...shown })
      const entries = await receipts()
      expect(tale(entries)).toEqual(['conclusion unknown 1', 'amendment settled 1', 'amendment settled 1', 'amendment settled 1'])
      const [unknown, settled, delivered, confirmed] = entries
      const { signature } = authorizationFor(request)
      expect(unknown).toMatchObject({
        signature: null,
        signatureDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
        settlement: 'The connection broke.',
      })
      expect(settled).toMatchObject({ signature: null, transaction: CLAIMED.transaction, delivered: false, number: 2 })
      expect(delivered).toMatchObject({
        number: 3,
        delivered: true,
        delivery: COMPLETE,
        amount: '0.05',
        amountAtomic: '50000',
        currency: 'USD',
        resource: request.attempt.url,
        recipient: request.attempt.terms.payTo,
        categories: ['search'],
        nonce: request.nonce,
        previousHash: settled?.hash,
      })
      expect(confirmed).toMatchObject({ signature, evidence: 'confirmed', block: '7' })
      expect(await bench().ledger.receipt(delivered?.id ?? '')).toEqual(delivered)
    })

    it('conclude a payment that was voided, and never show its signature', async () => {
      const { id } = await bench().openSession()
      const [unsigned, unsent] = [
        await bench().reserve(bench().make.request(id, usd(1))),
        await bench().sign(bench().make.request(id, usd(1))),
      ]
      await unsigned.void(NEVER_SIGNED)
      await unsent.void(NEVER_SENT)
      expect(await receipts()).toMatchObject([
        { kind: 'conclusion', state: 'void', code: NEVER_SIGNED.code, signatureDigest: null },
        { kind: 'conclusion', state: 'void', code: NEVER_SENT.code, signature: null, signatureDigest: expect.any(String) },
      ])
    })

    it('are found by the tool, the tier, the recipient and the context of their payment', async () => {
      const { id } = await bench().openSession()
      const bought = async (attempt: object) => {
        const reservation = await bench().sign(bench().make.request(id, usd(1), { attempt }))
        await reservation.post(CLAIMED)
        return reservation.paymentId
      }
      const one = await bought({
        tool: 'web_search',
        tier: 'small',
        host: 'one.example',
        context: { onBehalfOf: ['planner'], trace: 'abc' },
      })
      const two = await bought({ tool: 'mail', tier: 'large', host: 'two.example' })
      const found = async (filter: ReceiptFilter) => (await receipts(filter)).map(({ paymentId }) => paymentId)
      expect(await found({ tool: 'web_search' })).toEqual([one])
      expect(await found({ tier: 'large' })).toEqual([two])
      expect(await found({ onBehalfOf: 'planner', trace: 'abc' })).toEqual([one])
      expect(await found({ trace: 'abcd' })).toEqual([])
      expect(await found({ recipient: 'ONE.example' })).toEqual([one])
      const [{ recipient } = { recipient: null }] = await receipts()
      expect(await found({ recipient: recipient?.toUpperCase() ?? '', session: id })).toEqual([one, two])
      expect(await found({ tool: 'web_search', tier: 'large' })).toEqual([])
    })

    it('of a span of time come in its order, page by page, each once, also where the clock was set back', async () => {
      const { id } = await bench().openSession()
      const start = bench().clock.now()
      for (const step of [0, 3_000, -2_000, 0, 2_000, 60_000]) {
        bench().clock.advance(step)
        await (await bench().reserve(bench().make.request(id, usd(1), { attempt: { tool: 'clock' } }))).void(NEVER_SIGNED)
      }
      const span = { since: start, until: start + 3_001 }
      const walk = async <T>(list: (page: PageRequest) => Promise<Page<T>>) => {
        const items: T[] = []
        for (let cursor: string | null | undefined; cursor !== null; ) {
          const page = await list(cursor === undefined ? { limit: 2 } : { limit: 2, cursor })
          items.push(...page.items)
          cursor = page.next
        }
        return items
      }
      for (const more of [{}, { agent: 'researcher' }, { tool: 'clock' }, { session: id }]) {
        const entries = await walk((page) => bench().ledger.receipts({ ...span, ...more }, page))
        const payments = await walk((page) => bench().ledger.payments({ ...span, ...more }, page))
        expect(entries.map(({ at }) => Date.parse(at) - start)).toEqual([3_000, 3_000, 1_000, 1_000, 0])
        expect(payments.map(({ decidedAt }) => decidedAt - start)).toEqual([3_000, 3_000, 1_000, 1_000, 0])
        expect(new Set([...entries, ...payments].map((one) => one.id)).size).toBe(10)
      }
    })

    it('are numbered without a gap and chained in each session, under concurrency too', async () => {
      const sessions = [await bench().openSession({ cap: usd(5) }), await bench().openSession({ cap: usd(5) })]
      await Promise.all(
        Array.from({ length: 20 }, async (_, turn) => {
          const { id } = sessions[turn % 2] ?? sessions[0] ?? { id: '' }
          const result = await bench().ledger.reserve(
            bench().make.request(id, usd(1), { attempt: { url: `https://api.example.com/${turn}` } }),
          )
          if (result.kind === 'reserved') await result.reservation.void(NEVER_SIGNED)
        }),
      )
      for (const { id } of sessions) {
        const chain = await receipts({ session: id })
        expect(chain.map(({ number }) => number)).toEqual(Array.from({ length: 10 }, (_, index) => index + 1))
        expect(verifyChain(chain)).toMatchObject({ ok: true })
      }
      expect(await bench().ledger.verifyReceipts()).toMatchObject({ ok: true, count: 20, chains: 2, brokenAt: null })
    })

    it('go on with the chain after a restart, and tell of what the crash left', async () => {
      const { id } = await bench().openSession()
      await bench().sign(bench().make.request(id, usd(1)))
      const unsigned = bench().make.request(id, usd(1))
      await bench().reserve(unsigned)
      await bench().store.restart()
      await bench().ledger.resume(unsigned.purchase)
      await bench().ledger.close(id)
      expect(tale(await receipts()).sort()).toEqual(['conclusion unknown 1', 'conclusion void 1'])
      expect(await bench().ledger.verifyReceipts()).toMatchObject({ ok: true, count: 2 })
    })

    it('are filtered by session, payment, agent, kind and time', async () => {
      const { id } = await bench().openSession()
      const request = bench().make.request(id, usd(1))
      await (await bench().reserve(request)).void(NEVER_SIGNED)
      bench().clock.advance(1_000)
      await bench().ledger.refuse(bench().make.attempt(id, { agent: 'other' }), { code: 'tier_prohibited', detail: 'no' })
      const now = bench().clock.now()
      const filters: [ReceiptFilter, number][] = [
        [{}, 2],
        [{ session: id }, 2],
        [{ session: 'none' }, 0],
        [{ payment: request.paymentId }, 1],
        [{ agent: 'other' }, 1],
        [{ kind: 'refusal' }, 1],
        [{ since: now }, 1],
        [{ until: now }, 1],
      ]
      for (const [filter, count] of filters) expect(await receipts(filter), JSON.stringify(filter)).toHaveLength(count)
      expect(await bench().ledger.receipt('rcp_none')).toBeUndefined()
    })
  })

  describe('refusals', () => {
    const refusal: Refusal = { code: 'no_tier_matches', detail: 'No tier names this category.', nextAction: 'Ask.' }

    it('are written down and come back with the payment id and the balance', async () => {
      const { id } = await bench().openSession({ cap: usd(2) })
      await bench().reserve(bench().make.request(id, usd(0.5)))
      const attempt = bench().make.attempt(id, { terms: bench().make.request(id, usd(1)).attempt.terms })
      const written = await bench().ledger.refuse(attempt, refusal)
      expect(written).toEqual({
        ...refusal,
        paymentId: expect.stringMatching(/^pay_/),
        sessionId: id,
        tier: 'autonomous',
        rule: 'tiers.autonomous',
        currency: 'USD',
        amount: usd(1),
        cap: usd(2),
        spent: 0n,
        held: usd(0.5),
        remaining: usd(1.5),
      })
      const payment = await bench().ledger.payment(written.paymentId ?? '')
      expect(payment).toMatchObject({
        state: 'denied',
        code: 'no_tier_matches',
        reason: refusal.detail,
        purchaseId: null,
        nonce: null,
        count: 1,
      })
      expect(await receipts()).toMatchObject([{ kind: 'refusal', state: 'denied', code: 'no_tier_matches', amount: '1.00' }])
    })

    it('need a session that exists', async () => {
      await expect(bench().ledger.refuse(bench().make.attempt('none'), refusal)).rejects.toMatchObject({ refusal: { code: 'not_found' } })
    })

    it('that repeat are counted in the one entry, which is amended at powers of ten', async () => {
      const { id } = await bench().openSession()
      const written: Refusal[] = []
      for (let turn = 0; turn < 11; turn++) written.push(await bench().ledger.refuse(bench().make.attempt(id), refusal))
      expect(new Set(written.map(({ paymentId }) => paymentId)).size).toBe(1)
      expect(await bench().ledger.payment(written[0]?.paymentId ?? '')).toMatchObject({ count: 11 })
      expect(tale(await receipts())).toEqual(['refusal denied 1', 'amendment denied 10'])
    })

    it('of the limits are counted the same way', async () => {
      const { id } = await bench().openSession({ cap: usd(1) })
      for (let turn = 0; turn < 3; turn++) expect(await bench().verdict(bench().make.request(id, usd(2)))).toBe('spending_limit_exceeded')
      expect((await bench().ledger.payments({ session: id }, { limit: 10 })).items).toMatchObject([{ state: 'denied', count: 3 }])
    })

    it('after the span begin a new entry, and the chain learns how often the old one came', async () => {
      const { id } = await bench().openSession()
      const first = await bench().ledger.refuse(bench().make.attempt(id), refusal)
      bench().clock.advance(REFUSAL_RUN_MS - 1)
      expect(await bench().ledger.refuse(bench().make.attempt(id), refusal)).toMatchObject({ paymentId: first.paymentId })
      bench().clock.advance(1)
      const second = await bench().ledger.refuse(bench().make.attempt(id), refusal)
      expect(second.paymentId).not.toBe(first.paymentId)
      expect(tale(await receipts())).toEqual(['refusal denied 1', 'amendment denied 2', 'refusal denied 1'])
      expect(await bench().ledger.verifyReceipts()).toMatchObject({ ok: true })
    })

    it('that differ in session, code, method, URL or terms are entries of their own', async () => {
      const [one, two] = [await bench().openSession(), await bench().openSession()]
      const attempt = bench().make.attempt(one.id)
      const { terms } = bench().make.request(one.id, usd(1)).attempt
      await bench().ledger.refuse(attempt, refusal)
      await bench().ledger.refuse({ ...attempt, sessionId: two.id }, refusal)
      await bench().ledger.refuse(attempt, { ...refusal, code: 'out_of_scope' })
      await bench().ledger.refuse({ ...attempt, method: 'POST' }, refusal)
      await bench().ledger.refuse({ ...attempt, url: 'https://api.example.com/other' }, refusal)
      await bench().ledger.refuse({ ...attempt, terms }, refusal)
      expect(await receipts({ kind: 'refusal' })).toHaveLength(6)
    })
  })
}
