import { expect, it } from 'vitest'
import { balance, payment, quote } from '../../src/mcp/shapes.ts'
import { BALANCE, DENIED } from './door.ts'

it('reads what the agent’s own door answers, and nothing beside it', () => {
  expect(balance.parse({ ...BALANCE, token: 'secret' })).toEqual(BALANCE)
  expect(payment.parse({ ...DENIED, nonce: '0x1' })).toEqual(DENIED)
})

it('what is not such an answer is not taken for one', () => {
  expect(balance.safeParse({ ...BALANCE, remaining: 4.2 }).success).toBe(false)
  expect(quote.safeParse({ payable: 'yes', reason: '' }).success).toBe(false)
})
