import { describe, expect, it } from 'vitest'
import { CODES } from '../../src/errors.ts'
import { problem } from '../../src/session/problem.ts'

describe('problem', () => {
  it.each(CODES)('%s becomes a problem document with all that an agent needs', (code) => {
    const { status, body } = problem({ code, detail: 'What happened.' })
    expect(body).toMatchObject({ type: `urn:purser:error:${code}`, status, code, detail: 'What happened.', moneyState: 'none' })
    expect(body).toHaveProperty('title')
    expect(body).toHaveProperty('retrySafe')
    expect(body).toHaveProperty('nextAction')
  })

  it('writes amounts as decimals, times as ISO 8601, and leaves out what is not known', () => {
    const { body } = problem({
      code: 'window_limit_exceeded',
      detail: 'Too much.',
      amount: 1_000n,
      cap: 5_000_000n,
      spent: 0n,
      held: 1n,
      remaining: 4_999_999n,
      currency: 'USD',
      resetsAt: Date.parse('2026-06-27T12:00:00Z'),
      moneyState: 'held',
      retrySafe: false,
      nextAction: 'Wait.',
    })
    expect(body).toEqual({
      type: 'urn:purser:error:window_limit_exceeded',
      title: 'Too much was spent in this span of time',
      status: 403,
      detail: 'Too much.',
      code: 'window_limit_exceeded',
      currency: 'USD',
      amount: '0.001',
      cap: '5.00',
      spent: '0.00',
      held: '0.000001',
      remaining: '4.999999',
      resetsAt: '2026-06-27T12:00:00.000Z',
      moneyState: 'held',
      retrySafe: false,
      nextAction: 'Wait.',
    })
  })

  it('takes the status of the door where the refusal has one', () => {
    const { status, body } = problem({ code: 'session_required', detail: 'No session.', status: 401 })
    expect([status, body.status]).toEqual([401, 401])
  })

  it('says what the task has bought, in decimal amounts, and where each is listed', () => {
    const one = { paymentId: 'pay_1', resource: 'https://api.example.com/a', state: 'settled', delivered: true }
    const known = { count: 2, currency: 'USD', url: 'http://purser.internal/v1/session/payments?task=t' }
    const boughtInTask = { ...known, amount: 2_500_000n, amountOf: 1, latest: [{ ...one, amount: 1_250_000n }] }
    expect(problem({ code: 'session_exhausted', detail: 'Nothing remains.', boughtInTask }).body.boughtInTask).toEqual({
      ...{ ...known, amount: '2.50', amountOf: 1, latest: [{ ...one, amount: '1.25' }] },
    })
  })

  it('can be written as JSON', () => {
    const { body } = problem({ code: 'spending_limit_exceeded', detail: 'Too much.', amount: 2n ** 70n })
    expect(JSON.parse(JSON.stringify(body))).toEqual(body)
  })
})
