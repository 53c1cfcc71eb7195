import { expect, it } from 'vitest'
import { APPROVE_GAS, APPROVE_POLL_MS, APPROVE_POLLS, MAX_PERMIT_TRANSACTIONS, MAX_PERMIT_WORDS } from '../src/permit2-limits.ts'

it('an approval has gas enough, and is waited for a minute', () => {
  expect(APPROVE_GAS).toBeGreaterThan(60_000n)
  expect(APPROVE_POLL_MS * APPROVE_POLLS).toBe(60_000)
})

it('a settlement fits what is searched for permits, read three ways, and the questions have an end', () => {
  expect(MAX_PERMIT_WORDS).toBeGreaterThan(3 * 20)
  expect(MAX_PERMIT_WORDS * MAX_PERMIT_TRANSACTIONS * 3).toBeLessThanOrEqual(60_000)
})
