import { describe, expect, it } from 'vitest'
import { summarize } from '../../src/admin/session-summary.ts'
import type { Payment } from '../../src/ledger/ledger.ts'
import { MAX_SUMMARY_RECIPIENTS } from '../../src/limits.ts'
import { buy, deny, MERCHANT, startFixture } from './fixture.ts'

describe('session-summary', () => {
  it('adds up what settled, may settle, came to nothing, was refused and was never spent, of this session only', async () => {
    await using fixture = await startFixture()
    const [{ id: sessionId }, other] = [await fixture.open(), await fixture.open()]
    await buy(fixture, { sessionId: other.id })
    await buy(fixture, { sessionId, amount: 1_000_000n })
    await buy(fixture, { sessionId, amount: 500_000n, host: 'data.example' })
    await buy(fixture, { sessionId, amount: 250_000n, end: 'unknown' })
    await buy(fixture, { sessionId, amount: 125_000n, end: 'void' })
    await buy(fixture, { sessionId, amount: 2_000n, end: 'reserved' })
    await deny(fixture, { sessionId, amount: 9_000_000n })
    await deny(fixture, { sessionId, amount: 9_000_000n })
    expect(await summarize(fixture.ledger, await fixture.ledger.close(sessionId))).toEqual({
      freed: '23.25',
      payments: {
        settled: { count: 2, amount: '1.50' },
        unknown: { count: 1, amount: '0.25' },
        expired: { count: 0, amount: '0.00' },
        void: { count: 2, amount: '0.127' },
        denied: { count: 2, amount: '9.00' },
        open: { count: 0, amount: '0.00' },
      },
      byRecipient: [
        { recipient: MERCHANT, host: 'api.example.com', count: 2, amount: '1.25' },
        { recipient: MERCHANT, host: 'data.example', count: 1, amount: '0.50' },
      ],
    })
  })

  it('walks over all pages and bounds the list of recipients without losing an amount', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const sample = await buy(fixture, { sessionId })
    const items = Array.from({ length: MAX_SUMMARY_RECIPIENTS + 5 }, (_, i): Payment => ({ ...sample, host: `h${i}.example` }))
    const ledger = {
      payments: async (_: unknown, { cursor = '0' }: { cursor?: string }) => {
        const from = Number.parseInt(cursor, 10)
        const next = from + 100 < items.length ? String(from + 100) : null
        return { items: items.slice(from, from + 100), next }
      },
    }
    const { payments, byRecipient } = await summarize(ledger, await fixture.ledger.close(sessionId))
    expect(payments.settled).toEqual({ count: items.length, amount: '1005.00' })
    expect(byRecipient).toHaveLength(MAX_SUMMARY_RECIPIENTS + 1)
    expect(byRecipient.at(-1)).toEqual({ recipient: 'further recipients', host: '', count: 5, amount: '5.00' })
  })

  it('counts the vouchers of a channel, whose money is its deposit’s', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const sample = await buy(fixture, { sessionId, amount: 1_000_000n })
    const paid = (method: 'deposit' | 'voucher'): Payment => ({ ...sample, terms: sample.terms && { ...sample.terms, method } })
    const items = [paid('voucher'), paid('voucher'), paid('deposit')]
    const ledger = { payments: async () => ({ items, next: null }) }
    const { payments, byRecipient } = await summarize(ledger, await fixture.ledger.close(sessionId))
    expect(payments.settled).toEqual({ count: 3, amount: '1.00' })
    expect(byRecipient).toMatchObject([{ count: 3, amount: '1.00' }])
  })
})
