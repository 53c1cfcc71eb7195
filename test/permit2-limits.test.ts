import { expect, it } from 'vitest'
import { APPROVE_GAS, APPROVE_POLL_MS, APPROVE_POLLS } from '../src/permit2-limits.ts'

it('an approval has gas enough, and is waited for a minute', () => {
  expect(APPROVE_GAS).toBeGreaterThan(60_000n)
  expect(APPROVE_POLL_MS * APPROVE_POLLS).toBe(60_000)
})
