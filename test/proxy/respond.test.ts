import { describe, expect, it } from 'vitest'
import { headerValue, headerValues } from '../../src/http.ts'
import { refusalAnswer } from '../../src/proxy/respond.ts'

describe('respond', () => {
  it.each([
    ['none', 'none'],
    ['held', 'unknown'],
    ['moved', 'moved'],
    ['unknown', 'unknown'],
    [undefined, 'none'],
  ] as const)('money %s is told as Purser-Money: %s', (moneyState, said) => {
    const { headers } = refusalAnswer({ code: 'payment_unknown', detail: 'x', ...(moneyState && { moneyState }) }, { mode: 'forward' })
    expect(headerValue(headers, 'purser-money')).toBe(said)
  })

  it('is a problem document of the length that it says, which nobody stores', () => {
    const { status, headers, body } = refusalAnswer({ code: 'spending_limit_exceeded', detail: 'Näh', remaining: 5n }, { mode: 'forward' })
    expect(status).toBe(403)
    expect(headerValue(headers, 'content-type')).toBe('application/problem+json')
    expect(headerValue(headers, 'content-length')).toBe(String(body.length))
    expect(headerValue(headers, 'cache-control')).toBe('no-store')
    expect(JSON.parse(Buffer.from(body).toString())).toMatchObject({
      code: 'spending_limit_exceeded',
      detail: 'Näh',
      remaining: '0.000005',
    })
  })

  it.each([
    ['forward', 407, 'proxy-authenticate', 'Basic realm="purser"'],
    ['intercept', 407, 'proxy-authenticate', 'Basic realm="purser"'],
    ['reverse', 401, 'www-authenticate', 'Bearer realm="purser"'],
  ] as const)('%s: who has no session is asked for one with %d', (mode, status, name, value) => {
    const answer = refusalAnswer({ code: 'session_required', detail: 'x' }, { mode })
    expect(answer.status).toBe(status)
    expect(headerValue(answer.headers, name)).toBe(value)
  })

  it('payment, tier and waiting time are headers too; what a header cannot carry is left to the document', () => {
    const { headers } = refusalAnswer(
      { code: 'approval_pending', detail: 'x', paymentId: 'pay_1', tier: 'täglich\r\nX: 1', retryAfter_s: 1.2 },
      { mode: 'forward' },
    )
    expect(headerValue(headers, 'purser-payment')).toBe('pay_1')
    expect(headerValue(headers, 'retry-after')).toBe('2')
    expect(headerValue(headers, 'purser-tier')).toBeUndefined()
  })

  it('where no tier was found there is no header that names one', () => {
    const { headers } = refusalAnswer({ code: 'no_tier_matches', detail: 'x', tier: '' }, { mode: 'forward' })
    expect(headerValues(headers, 'purser-tier')).toEqual([])
  })

  it('further headers replace ours of the same name', () => {
    const { headers } = refusalAnswer({ code: 'vetoed', detail: 'x' }, { mode: 'forward', headers: ['purser-money', 'moved'] })
    expect(headerValues(headers, 'purser-money')).toEqual(['moved'])
  })
})
