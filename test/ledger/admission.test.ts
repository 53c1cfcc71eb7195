import { describe, expect, it } from 'vitest'
import { barBreach, haltBreach, limitBreach, type Usage } from '../../src/ledger/admission.ts'
import type { Session, SessionLimits } from '../../src/session/session.ts'
import { countingIds } from '../clock.ts'
import { fixtures, PAY_TO, usd } from './fixtures.ts'

const NOW = Date.parse('2026-06-27T12:00:00Z')
const make = fixtures(countingIds(), () => NOW)

function session(id: string, changes: Partial<Session> = {}): Session {
  const { tokenHash: _, ...terms } = make.session({ id })
  return { ...terms, spent: 0n, held: 0n, payments: 0, refills: 0, status: 'open', ...changes }
}

const unused: Usage = { spending: { used: () => 0n }, rolling: { sum: () => 0n, leaves: () => undefined } }
const { attempt } = make.request('ses_a', usd(3), { attempt: { tool: 'web' } })
const breach = (limits: SessionLimits, usage: Usage = unused) => limitBreach([session('ses_a', { limits })], attempt, { usage, now: NOW })

describe('a breach', () => {
  it('is none where everything fits', () => {
    expect(breach({ perPayment: usd(3), perTool: { web: usd(3) }, perWindow: [{ max: usd(3), per_ms: 1 }] })).toBeUndefined()
  })

  it('names the values', () => {
    const used = { ...unused, spending: { used: () => usd(1.5) } }
    expect(breach({ perPayment: usd(2) })?.detail).toBe('$3.00 is more than the $2.00 that one payment of session ses_a may be.')
    expect(breach({ perTool: { web: usd(2) } }, used)?.detail).toBe(
      '$3.00 does not fit: $1.50 of $2.00 for tool "web" are used in session ses_a.',
    )
    expect(breach({ perTool: {} })?.detail).toBe('The limits of session ses_a do not name tool "web", so nothing may be paid there.')
    expect(breach({ payments: 0 })?.detail).toBe('Session ses_a may make 0 payments and has made 0.')
    expect(limitBreach([session('ses_a', { held: usd(24) })], attempt, { usage: unused, now: NOW })?.detail).toBe(
      '$3.00 does not fit: $1.00 of $25.00 remain in session ses_a. Its owner, ops, can top it up.',
    )
  })

  it('of a window says when enough will have left it', () => {
    const rolling = { sum: () => usd(2), leaves: (_: unknown, amount: bigint) => (amount === usd(1) ? NOW - 400 : undefined) }
    expect(breach({ perWindow: [{ max: usd(4), per_ms: 1_000 }] }, { ...unused, rolling })).toEqual({
      code: 'window_limit_exceeded',
      detail: '$3.00 does not fit: $2.00 of $4.00 for any 1 s are used in session ses_a.',
      resetsAt: NOW + 600,
    })
  })

  it('of an ancestor says whose it is, and comes after the session’s own', () => {
    const lineage = [session('ses_a'), session('ses_b', { held: usd(25) })] as const
    expect(limitBreach(lineage, attempt, { usage: unused, now: NOW })?.detail).toMatch(
      /ses_b\. It is an ancestor of session ses_a\. Its owner, ops, can top it up\.$/,
    )
    const own = [session('ses_a', { limits: { perPayment: 0n } }), session('ses_b', { held: usd(25) })] as const
    expect(limitBreach(own, attempt, { usage: unused, now: NOW })?.code).toBe('per_payment_limit_exceeded')
  })
})

describe('a bar', () => {
  it('is that of the first session of the lineage that cannot pay', () => {
    expect(barBreach([session('ses_a'), session('ses_b')], NOW)).toBeUndefined()
    expect(barBreach([session('ses_a'), session('ses_b', { status: 'revoked' })], NOW)).toEqual({
      code: 'session_revoked',
      detail: 'Session ses_b was revoked. It is an ancestor of session ses_a.',
    })
    expect(barBreach([session('ses_a', { status: 'closed' })], NOW)).toEqual({
      code: 'session_closed',
      detail: 'Session ses_a was closed.',
    })
  })
})

describe('a halt', () => {
  const lineage = [session('ses_a'), session('ses_b')] as const
  it.each([
    ['all', '', true],
    ['agent', 'researcher', true],
    ['agent', 'research', false],
    ['session', 'ses_b', true],
    ['session', 'ses_c', false],
    ['recipient', PAY_TO, true],
    ['recipient', 'other.test', false],
  ] as const)('of %s %j stops the payment: %s', (scope, value, stops) => {
    expect(haltBreach([{ scope, value, reason: 'secret reason', at: NOW }], lineage, attempt) !== undefined).toBe(stops)
  })

  it('says since when and why, so that the agent can tell its user', () => {
    expect(haltBreach([{ scope: 'all', value: '', reason: 'odd spending', at: NOW }], lineage, attempt)).toEqual({
      code: 'payments_halted',
      detail: 'All payments are halted since 2026-06-27T12:00:00.000Z: odd spending.',
    })
  })
})
