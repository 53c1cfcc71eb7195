import { expect, it } from 'vitest'
import { findRefusal, sayRefusal } from '../../src/mcp/explain.ts'
import { DENIED, doorAnswering, SETTLED } from './door.ts'

const doorWith = (...pages: unknown[]) => doorAnswering({ 'GET /v1/session/payments': pages })

it('the latest refusal, with what the catalogue says to do', async () => {
  const refusal = await findRefusal(doorWith({ items: [SETTLED, DENIED], next: null }), undefined)
  expect(refusal).toMatchObject({ payment: { id: 'pay_2' }, title: 'The payment is larger than a single payment may be', retrySafe: true })
  expect(sayRefusal(refusal)).toBe(
    'GET https://a.example/x for 10.00 USD: The payment is larger than a single payment may be. It costs 10.00 USD; at most 1.00 USD. (tier autonomous, rule limits.perPayment) What to do: Buy something that costs less, or ask for a session with a larger limit per payment.',
  )
})

it('looks on further pages, as far as it is bounded', async () => {
  const door = doorWith({ items: [SETTLED], next: 'c 1' }, { items: [DENIED], next: null })
  expect((await findRefusal(door, undefined)).payment.id).toBe('pay_2')
  expect(door.asked.at(-1)).toEqual(['GET', '/v1/session/payments?limit=1000&cursor=c%201'])
  const endless = doorWith({ items: Array.from({ length: 1_000 }, () => SETTLED), next: 'again' })
  await expect(findRefusal(endless, undefined)).rejects.toThrow('Nothing of this session was refused lately.')
  expect(endless.asked).toHaveLength(5)
})

it('what was not refused is said to be so', async () => {
  const door = doorAnswering({ 'GET /v1/session/payments/pay_1': [SETTLED] })
  const finding = findRefusal(door, 'pay_1')
  await expect(finding).rejects.toThrow('This payment was not refused. pay_1: settled, 0.001 USD')
  expect(door.asked).toEqual([['GET', '/v1/session/payments/pay_1']])
})
