import { describe, expect, it } from 'vitest'
import { MAX_STORY_RECEIPTS } from '../../src/people-limits.ts'
import { HIRE } from '../approval/approvals-at-hand.ts'
import { type Answer, buy, deny, expectProblem, type Fixture, MERCHANT, startFixture } from './fixture.ts'

const story = async (fixture: Fixture, id: string): Promise<Answer> => (await fixture.ask(`/v1/payments/${id}/story`)).json()
const kinds = ({ steps }: Answer): string[] => steps.map(({ kind }: Answer) => kind)

describe('GET /v1/payments/{id}/story', () => {
  it('tells a payment from its challenge to its settlement, and what became known later', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const { id } = await buy(fixture, { sessionId, amount: 2_000_000n })
    fixture.clock.advance(60_000)
    await fixture.ask(`/v1/payments/${id}/refunds`, { body: { amount: '0.25', evidence: 'bank letter' } })
    const told = await story(fixture, id)
    expect(kinds(told)).toEqual(['challenged', 'decided', 'reserved', 'signed', 'sent', 'settled', 'disputed', 'refunded'])
    expect(told).toMatchObject({ payment: { id, refunded: '0.25' }, partial: false })
    expect(told.steps.at(-1)).toMatchObject({ title: 'Money came back', facts: [{ label: 'in all', value: '0.25 USD' }] })
    for (const { receiptId } of told.steps.slice(-3)) expect((await fixture.ask(`/v1/receipts/${receiptId}`)).status).toBe(200)
  })

  it('one with very many entries leaves out its oldest, and says so', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const { id } = await buy(fixture, { sessionId, amount: 2_000_000n })
    for (let refund = 0; refund < MAX_STORY_RECEIPTS; refund += 1)
      await fixture.ask(`/v1/payments/${id}/refunds`, { body: { amount: '0.001', evidence: `letter ${refund}` } })
    const told = await story(fixture, id)
    const entries = told.steps.filter(({ receiptId }: Answer) => receiptId !== null)
    expect([told.partial, new Set(entries.map(({ receiptId }: Answer) => receiptId)).size]).toEqual([true, MAX_STORY_RECEIPTS])
    expect(entries.at(-1).facts).toEqual([{ label: 'in all', value: '0.20 USD', untrusted: false }])
  })

  it('a refusal is short', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    await deny(fixture, { sessionId })
    const { items }: Answer = await (await fixture.ask('/v1/payments')).json()
    const told = await story(fixture, items[0].id)
    expect(kinds(told)).toEqual(['challenged', 'decided', 'refused'])
    expect(told.steps[2].facts).toEqual([{ label: 'code', value: 'no_tier_matches', untrusted: false }])
  })

  it('what waits for people has a story too, with their words and without a row of its own', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open({ cap: '100.00' })
    const question = { sessionId, agent: 'procurement-agent', shown: HIRE, required: 2, timeout_ms: 3_600_000 }
    const { id, paymentId } = await fixture.deps.people.approvals.ask(question)
    const token = await fixture.token('approver', 'anna')
    fixture.clock.advance(1_000)
    await fixture.ask(`/v1/approvals/${id}/approve`, { token, body: { reason: 'fine \u202eby me', channel: 'console' } })
    const told = await story(fixture, paymentId)
    expect(kinds(told)).toEqual(['challenged', 'decided', 'asked', 'noticed', 'voted'])
    expect(told.steps[2].title).toBe('2 people were asked to approve it')
    expect(told.steps[4]).toMatchObject({
      title: 'anna said yes',
      facts: [
        { label: 'by', value: 'console', untrusted: false },
        { label: 'reason', value: 'fine by me', untrusted: true },
      ],
    })
  })

  it('there is none of what was never asked', async () => {
    await using fixture = await startFixture()
    await expectProblem(await fixture.ask('/v1/payments/pay_none/story'), 'not_found', 404)
  })
})

describe('GET /v1/approvals/{id}/previous', () => {
  it('is the last settled payment to the same recipient, and says whether it was at the same host', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const shown = { ...HIRE, payTo: MERCHANT }
    const question = { sessionId, agent: 'procurement-agent', shown, required: 1, timeout_ms: 3_600_000 }
    const approval = await fixture.deps.people.approvals.ask(question)
    const previous = async (): Promise<Answer> => (await fixture.ask(`/v1/approvals/${approval.id}/previous`)).json()
    expect(await previous()).toEqual({ payment: null, sameHost: false })
    await buy(fixture, { sessionId, host: 'elsewhere.example' })
    expect(await previous()).toMatchObject({ payment: { host: 'elsewhere.example' }, sameHost: false })
    const last = await buy(fixture, { sessionId, host: HIRE.host })
    await buy(fixture, { sessionId, host: HIRE.host, end: 'void' })
    expect(await previous()).toMatchObject({ payment: { id: last.id }, sameHost: true })
  })

  it('there is none of what nobody was asked', async () => {
    await using fixture = await startFixture()
    await expectProblem(await fixture.ask('/v1/approvals/apr_none/previous'), 'not_found', 404)
  })
})
