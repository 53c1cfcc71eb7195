import { describe, expect, it } from 'vitest'
import { isoTime, OwnPaymentView, ownPaymentView, PaymentView, paymentView, SessionView, sessionView } from '../../src/admin/views.ts'
import { buy, deny, MERCHANT, startFixture, WALLET } from './fixture.ts'

describe('views', () => {
  it('a session’s JSON fits the published schema, amounts as strings, absent bounds absent', async () => {
    await using fixture = await startFixture()
    const { id } = await fixture.open({ limits: { perTool: { web_search: 0 }, perWindow: [] } })
    const session = await fixture.ledger.session(id)
    if (!session) throw new Error('no session')
    const view = sessionView(session, { now: fixture.clock.now(), address: WALLET })
    expect(SessionView.strict().parse(JSON.parse(JSON.stringify(view)))).toEqual(view)
    expect(view.limits).toEqual({ perTool: { web_search: '0.00' }, perWindow: [] })
    expect(view).toMatchObject({ cap: '25.00', wallet: { name: null, address: WALLET }, state: 'open' })
  })

  it('the state is the one of now', async () => {
    await using fixture = await startFixture()
    const { id } = await fixture.open()
    const session = await fixture.ledger.session(id)
    if (!session) throw new Error('no session')
    expect(sessionView(session, { now: session.expiresAt, address: null }).state).toBe('expired')
    expect(sessionView({ ...session, spent: session.cap }, { now: 0, address: null })).toMatchObject({
      state: 'exhausted',
      remaining: '0.00',
    })
  })

  it('a payment’s JSON fits the published schema, with and without terms', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    await deny(fixture, { sessionId })
    const settled = await buy(fixture, { sessionId, amount: 1n })
    const view = paymentView(settled)
    expect(PaymentView.strict().parse(JSON.parse(JSON.stringify(view)))).toEqual(view)
    expect(view).toMatchObject({ amount: '0.000001', amountAtomic: '1', validBefore: '2026-06-27T12:02:00.000Z' })
    const bare = paymentView({ ...settled, terms: null, reservedAt: null, validBefore_s: null })
    expect(PaymentView.strict().parse(bare)).toEqual(bare)
    expect(bare).toMatchObject({ amount: null, currency: null, asset: null, recipient: null, validBefore: null, times: { reserved: null } })
  })

  it('an agent’s view of its payment names no recipient, no terms and no nonce', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const payment = await buy(fixture, { sessionId })
    const view = ownPaymentView(payment)
    expect(OwnPaymentView.strict().parse(view)).toEqual(view)
    expect(JSON.stringify(view)).not.toContain(MERCHANT)
    expect(JSON.stringify(view)).not.toContain(payment.nonce)
    expect(JSON.stringify(view)).not.toContain(payment.challengeDigest)
  })

  it('times are ISO 8601', () => {
    expect(isoTime(0)).toBe('1970-01-01T00:00:00.000Z')
  })
})
