import { describe, expect, it } from 'vitest'
import { type Alert, alertFacts, alertKey, type ProhibitedPayment, prohibitedAlert } from '../../src/approval/alert.ts'

const GAMBLE: Alert = {
  ...{ type: 'payment.prohibited', sessionId: 'ses_1', agent: 'procurement', owner: 'olga', at: 0 },
  ...{ sentence: 'A payment of $5.00 to casino.example was prohibited.', facts: [] },
}

describe('alert', () => {
  it('an agent in a loop is one alert in each span; another session, kind or topic is another', () => {
    const key = (more: Partial<Alert>) => alertKey({ ...GAMBLE, ...more }, 600_000)
    expect(key({})).toBe(key({ at: 599_999, facts: [['Attempt', 'pay_2']] }))
    expect(key({ topic: 'casino' })).toBe(key({ topic: 'casino', sentence: 'other words' }))
    const others = [key({}), key({ at: 600_000 }), key({ sessionId: 'ses_2' }), key({ type: 'session.drift' }), key({ sentence: 'other' })]
    expect(new Set(others).size).toBe(5)
  })

  it('values from elsewhere are cleaned', () => {
    expect(alertFacts([['Host\u202e', '\u001b[31mred']])).toEqual([{ label: 'Host', value: 'red' }])
  })

  it('a prohibited payment is told of with who, where, how much and why', () => {
    const payment: ProhibitedPayment = {
      ...{
        type: 'payment.prohibited' as const,
        paymentId: 'pay_1',
        sessionId: 'ses_1',
        agent: 'procurement',
        owner: 'olga',
        tier: 'prohibited',
      },
      ...{ reason: 'Category gambling.', host: 'casino.example', url: 'https://casino.example/bet', amount: 5_000_000n, currency: 'USD' },
      payTo: '0x2222222222222222222222222222222222222222',
    }
    const alert = prohibitedAlert(payment, 1_000)
    expect(alert.sentence).toBe('procurement tried to pay $5.00 to casino.example: prohibited by the tier "prohibited". Nothing was paid.')
    expect(Object.fromEntries(alert.facts)).toMatchObject({ Amount: '$5.00', Recipient: payment.payTo, Reason: 'Category gambling.' })
    expect(alertKey(alert, 600_000)).toBe(alertKey(prohibitedAlert({ ...payment, paymentId: 'pay_2', amount: 1n }, 2_000), 600_000))
    const elsewhere = { ...payment, payTo: '0x3333333333333333333333333333333333333333' }
    // The server chooses its address anew for each answer, if it likes.
    expect(alertKey(alert, 600_000)).toBe(alertKey(prohibitedAlert(elsewhere, 3_000), 600_000))
  })
})
