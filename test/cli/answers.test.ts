import { describe, expect, it } from 'vitest'
import { pageOf, SessionAnswer, WalletAnswer } from '../../src/cli/answers.ts'

const session = {
  id: 'ses_1',
  agent: 'a',
  purpose: 'p',
  currency: 'USD',
  cap: '10.00',
  spent: '0.00',
  held: '0.00',
  remaining: '10.00',
  expiresAt: '2026-06-27T13:00:00.000Z',
  state: 'open',
}

describe('answers', () => {
  it('keeps what a newer Purser adds', () => {
    expect(SessionAnswer.parse({ ...session, brandNew: 1 })).toMatchObject({ brandNew: 1 })
  })

  it.each([10, '1e3', '$10', ''])('an amount is a decimal string, never %j', (cap) => {
    expect(SessionAnswer.safeParse({ ...session, cap }).success).toBe(false)
  })

  it('a page says whether there is more', () => {
    expect(pageOf(SessionAnswer).safeParse({ items: [session], next: null }).success).toBe(true)
    expect(pageOf(SessionAnswer).safeParse({ items: [session] }).success).toBe(false)
  })

  it('an address is an address', () => {
    expect(WalletAnswer.safeParse({ address: '0x12' }).success).toBe(false)
  })
})
