import { describe, expect, it } from 'vitest'
import { createAttempts } from '../../src/admin/signin-attempts.ts'
import { PurserError } from '../../src/errors.ts'
import { MAX_WRONG_SIGN_INS, WRONG_SIGN_IN_MS } from '../../src/people-limits.ts'
import { testClock } from '../clock.ts'

function refusal(check: () => void) {
  try {
    check()
  } catch (fault) {
    if (fault instanceof PurserError) return fault.refusal
    throw fault
  }
  return undefined
}

function wrong(address: string) {
  const clock = testClock()
  const attempts = createAttempts(clock)
  for (let n = 0; n < MAX_WRONG_SIGN_INS; n += 1) attempts.failed(address)
  return { clock, attempts }
}

describe('signin-attempts', () => {
  it('too many wrong tokens of one address are held up, with the time after which it may come back', () => {
    const { attempts } = wrong('203.0.113.7')
    expect(refusal(() => attempts.check('203.0.113.7'))).toMatchObject({ code: 'too_many_attempts', retryAfter_s: WRONG_SIGN_IN_MS / 1000 })
    expect(refusal(() => attempts.check('203.0.113.8'))).toBeUndefined()
  })

  it('one less is not', () => {
    const attempts = createAttempts(testClock())
    for (let n = 1; n < MAX_WRONG_SIGN_INS; n += 1) attempts.failed('203.0.113.7')
    expect(refusal(() => attempts.check('203.0.113.7'))).toBeUndefined()
  })

  it('are forgotten after the span', () => {
    const { attempts, clock } = wrong('203.0.113.7')
    clock.advance(WRONG_SIGN_IN_MS)
    expect(refusal(() => attempts.check('203.0.113.7'))).toBeUndefined()
  })

  it.each([
    ['addresses of one IPv6 network', '2001:db8:1:2::1', '2001:db8:1:2:ffff::9'],
    ['an IPv4 address in IPv6 form', '203.0.113.7', '::ffff:203.0.113.7'],
  ])('count as one: %s', (_, first, second) => {
    expect(refusal(() => wrong(first).attempts.check(second))?.code).toBe('too_many_attempts')
  })

  it('networks of IPv6 are counted apart', () => {
    expect(refusal(() => wrong('2001:db8:1:2::1').attempts.check('2001:db8:1:3::1'))).toBeUndefined()
  })
})
