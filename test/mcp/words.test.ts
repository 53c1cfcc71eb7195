import { expect, it } from 'vitest'
import { sayApproval, sayBalance, sayPayments, sayQuote } from '../../src/mcp/words.ts'
import { BALANCE, DENIED, SETTLED } from './door.ts'

it('the balance in sentences with every amount', () => {
  expect(sayBalance({ ...BALANCE, refillsAt: '2026-11-24T00:00:00.000Z' })).toBe(
    '4.20 USD remain of 5.00 USD: 0.30 spent, 0.50 held for payments that are not concluded. One payment may be 1.00 USD. The session is open and ends at 2026-11-23T05:00:00.000Z. The next refill falls due at 2026-11-24T00:00:00.000Z. alice can add to it.',
  )
})

it.each([
  [{ limit: 'payments', of: null, max: '10', used: '3', left: '7' }, '3 of 10 payments made.'],
  [{ limit: 'perTask', of: 'report', max: '5', used: '1', left: '4' }, 'For task "report": 1 of 5 paid calls made.'],
  [{ limit: 'perTask', of: null, max: '5', used: '1', left: '4' }, 'For no task: 1 of 5 paid calls made.'],
  [{ limit: 'perWindow', of: '1h', max: '2.00', used: '0.50', left: '1.50' }, 'For any 1h: 0.50 of 2.00 USD used, 1.50 left.'],
  [
    { limit: 'perTool', of: 'web "x"', max: '2.00', used: '0.00', left: '2.00' },
    'For tool "web \\"x\\"": 0.00 of 2.00 USD used, 2.00 left.',
  ],
])('%j is said as what is used of what', (limit, said) => {
  expect(sayBalance({ ...BALANCE, limitsUsed: [limit] })).toContain(` ${said} The session is open`)
})

it('a budget above that has less is said to bound what can be paid', () => {
  expect(sayBalance({ ...BALANCE, available: '1.00' })).toContain('Of that 1.00 USD can be paid now: a budget above this one has no more.')
})

it('payments one a line, with what became of them', () => {
  expect(sayPayments({ items: [], next: null })).toBe('There are none.')
  expect(sayPayments({ items: [DENIED, { ...SETTLED, delivered: false, amount: null }], next: 'c1' }).split('\n')).toEqual([
    'pay_2: denied (per_payment_limit_exceeded), 10.00 USD, GET https://a.example/x, 2026-11-23T04:00:00.000Z, 2 times',
    'pay_1: settled, no price, GET https://a.example/x, 2026-11-23T04:00:00.000Z, not delivered',
    'There are more: ask again with cursor c1.',
  ])
})

it.each([
  [{ payable: false, decision: 'free' }, 'It is free.'],
  [{ payable: true, decision: 'allow' }, 'It would be paid at once.'],
  [{ payable: false, decision: 'ask' }, 'A person would have to approve it.'],
  [{ payable: false, decision: 'notify' }, 'People would be told and could veto it.'],
  [{ payable: false, decision: 'deny' }, 'It would not be paid.'],
])('a quote says what would follow: %j', (quote, said) => {
  expect(sayQuote('https://a.example/', { ...quote, reason: 'Because.' })).toBe(`${said} Because.`)
})

it.each([
  ['approved', 'Make the request now.'],
  ['awaiting_approval', 'People have been asked. Make the request later; it is paid if they agree.'],
  ['awaiting_veto', 'Make the request; people are told and can veto it meanwhile.'],
  ['blocked', 'It would not be paid.'],
])('a request for approval that is %s says what to do', (status, said) => {
  expect(sayApproval({ tier: 't', status, auditId: null, reason: 'Because.' })).toBe(`Because. ${said}`)
})
