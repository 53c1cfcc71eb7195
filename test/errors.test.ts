import { expect, describe as group, it } from 'vitest'
import { CODES, describe, PurserError, refused } from '../src/errors.ts'

group('the catalogue', () => {
  it.each(CODES)('%s says what happened and what to do next', (code) => {
    const { status, title, nextAction } = describe(code)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(600)
    expect(title).toMatch(/^[A-Z].*[^.]$/)
    expect(nextAction).toMatch(/^[A-Z].*\.$/)
  })

  it('never calls what was paid or judged for good safe to repeat', () => {
    const unsafe = CODES.filter((code) => !describe(code).retrySafe)
    expect(unsafe).toEqual(expect.arrayContaining(['paid_not_delivered', 'recipient_blocked', 'tier_prohibited', 'recipient_changed']))
  })

  it.each([
    ['session_required', 407],
    ['session_revoked', 403],
    ['purchase_in_progress', 409],
    ['body_too_large_to_replay', 413],
    ['host_mismatch', 421],
    ['payment_unknown', 502],
    ['payments_halted', 503],
    ['upstream_timeout', 504],
  ] as const)('%s has the status %d that clients rely on', (code, status) => {
    expect(describe(code).status).toBe(status)
  })
})

group('PurserError', () => {
  it('carries the refusal, and the cause for the log', () => {
    const cause = new Error('disk full')
    const error = refused('ledger_unavailable', 'The ledger cannot be written.', cause)
    expect(error).toBeInstanceOf(PurserError)
    expect(error.refusal).toEqual({ code: 'ledger_unavailable', detail: 'The ledger cannot be written.' })
    expect(error.cause).toBe(cause)
    expect(error.message).toBe('ledger_unavailable: The ledger cannot be written.')
  })
})
