import { describe, expect, it } from 'vitest'
import { balanceText, display, remainingLine } from '../../src/cli/statement.ts'

const session = {
  id: 'ses_1',
  agent: 'a',
  purpose: 'p',
  currency: 'USD',
  cap: '10.00',
  spent: '1.50',
  held: '0.03',
  remaining: '8.47',
  expiresAt: '2026-06-27T13:00:00.000Z',
  state: 'open',
  payments: 3,
}

describe('statement', () => {
  it('says what remains in one line', () => {
    expect(remainingLine(session)).toBe('Remaining: $8.47 of $10.00')
  })

  it('shows currencies other than the dollar by their code, and what is below zero with its sign', () => {
    expect(display('8.47', 'EUR')).toBe('8.47 EUR')
    expect(display('-0.50', 'EUR')).toBe('-0.50 EUR')
    expect([display('5', 'USD'), display('0.000001', 'USD')]).toEqual(['$5.00', '$0.000001'])
  })

  it('shows whatever a stranger may have asked for', () => {
    expect(display(`${'9'.repeat(60)}.00`, 'USD')).toBe(`$${'9'.repeat(60)}.00`)
  })

  it('the balance of a recurring budget says how it grows and when', () => {
    const refill = { amount: '0.50', every: '1h', max: '2.00' }
    const text = balanceText({ ...session, refill, refillsAt: '2026-06-27T13:00:00.000Z' })
    expect(text).toContain('Refill    $0.50 every 1h, up to $2.00 remaining; the next at 2026-06-27T13:00:00.000Z')
    expect(balanceText({ ...session, refill, refillsAt: null })).toContain('up to $2.00 remaining\n')
  })

  it('the balance says how much of the cap is used, and of how many payments', () => {
    expect(balanceText(session)).toContain('] 15% used\n')
    expect(balanceText({ ...session, limits: { payments: 5 } })).toContain('Payments  3 of 5\n')
    expect(balanceText({ ...session, payments: 0, singleUse: true })).toContain('Payments  0 of 1\n')
  })

  it('the balance says that what is held may still be taken', () => {
    const text = balanceText(session)
    expect(text).toContain('Held      $0.03  (set aside: it waits for people, or its outcome is not known yet)')
    expect(text).toContain('Spent     $1.50')
    expect(text).toContain('Payments  3')
  })

  it('the balance says where the wallet holds less than the cap promises', () => {
    const warning = 'The wallet has $12.00 free.'
    expect(balanceText({ ...session, outerCeiling: { free: '12.00', warning } })).toContain(`Warning   ${warning}`)
    expect(balanceText({ ...session, outerCeiling: { free: '12.00', warning: null } })).not.toContain('Warning')
  })

  it('nothing held needs no explanation', () => {
    expect(balanceText({ ...session, held: '0.00' })).toMatch(/Held +\$0\.00$/m)
  })
})
