import { expect, it } from 'vitest'
import { KEYED_PURCHASE_TTL_MS, REFUSAL_RUN_MS, UNDELIVERED_TTL_MS } from '../src/limits.ts'
import { LINK_LIFETIME_MS } from '../src/people-limits.ts'
import { MIN_RETENTION_MS, RETENTION_INTERVAL_MS, RETENTION_LEASE_MS, RETENTION_PAUSE_MS } from '../src/retention-limits.ts'

it('nothing leaves that a repeat, a run of refusals or a link could still be about', () => {
  for (const span_ms of [KEYED_PURCHASE_TTL_MS, UNDELIVERED_TTL_MS, REFUSAL_RUN_MS, LINK_LIFETIME_MS])
    expect(MIN_RETENTION_MS).toBeGreaterThan(span_ms)
})

it('whoever hands over keeps its turn between two steps, and loses it before the next pass', () => {
  expect(RETENTION_LEASE_MS).toBeGreaterThan(10 * RETENTION_PAUSE_MS)
  expect(RETENTION_INTERVAL_MS).toBeGreaterThan(RETENTION_LEASE_MS)
})
