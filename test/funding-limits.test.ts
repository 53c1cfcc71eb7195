import { expect, it } from 'vitest'
import * as limits from '../src/funding-limits.ts'

it('a lease outlasts a step, and an authorization every wait for a block', () => {
  expect(limits.FUNDING_LEASE_MS).toBeGreaterThan(limits.FUNDING_RETRY_MS)
  expect(limits.FUNDING_WINDOW_S * 1000).toBeGreaterThan(limits.FUNDING_RESEND_MS)
  expect(limits.FUNDING_RESEND_MS).toBeGreaterThan(limits.FUNDING_POLL_MS)
  expect(limits.FUNDING_PATIENCE_MS).toBeGreaterThan(limits.FUNDING_POLL_MS)
})
