import { describe, expect, it } from 'vitest'
import { RowError } from '../../src/ledger/rows.ts'
import { columnsOf, readSession, readTerms, toppedUp } from '../../src/ledger/session-row.ts'
import { countingIds } from '../clock.ts'
import { fixtures, usd } from './fixtures.ts'

const NOW = 1_000_000
const make = fixtures(countingIds(), () => NOW)
const moving = { cap: usd(25), spent: 0n, held: 0n, payments: 0n, expires_at: 4_600_000n, status: 'open', refills: 0n }

/** As the database gives a row back: integers as bigint. */
function stored(changes: Parameters<typeof make.session>[0] = {}) {
  const columns = Object.entries(columnsOf(make.session({ id: 'ses_1', ...changes })))
  const row = columns.map(([name, value]) => [name, typeof value === 'number' ? BigInt(value) : value] as const)
  return { ...Object.fromEntries(row), ...moving }
}

describe('a session’s row', () => {
  it('gives back limits and scope as they were, absent dimensions absent', () => {
    const limits = {
      perPayment: 0n,
      perTool: { '*': 2n ** 59n },
      perWindow: [{ max: 1n, per_ms: 1 }],
      perTask: { payments: 0 },
      perUser: {},
    }
    const scope = { hosts: [], paths: ['/v1/*'], enforce: 'all' } as const
    const refill = { amount: 2n ** 59n, every_ms: 1_000, max: 0n }
    const row = stored({ limits, scope, refill, labels: { a: 'b' } })
    expect(readSession(row, readTerms(row))).toMatchObject({ limits, scope, refill, labels: { a: 'b' } })
    expect(Object.keys(readTerms(row).limits).sort()).toEqual(['perPayment', 'perTask', 'perTool', 'perUser', 'perWindow'])
  })

  it.each([
    ['limits', '{"perPayment":"-1"}'],
    ['limits', '{"perPayment":1.5}'],
    ['limits', '{"unknown":"1"}'],
    ['scope', '[]'],
    ['labels', 'null'],
    ['refill', '{"amount":"1","every_ms":0,"max":"1"}'],
    ['refill', '{"amount":1,"every_ms":1,"max":"1"}'],
  ])('with strange %s %s is an error: it may not read as no limit', (column, text) => {
    expect(() => readTerms({ ...stored(), [column]: text })).toThrow(RowError)
  })
})

describe('a top-up', () => {
  const row = stored()
  const session = readSession(row, readTerms(row))

  it('adds', () => {
    expect(toppedUp(session, { amount: 5n, extend_ms: 0 }, NOW)).toEqual({ cap: usd(25) + 5n, expiresAt: session.expiresAt })
    expect(toppedUp(session, { amount: 0n, extend_ms: 7 }, NOW).expiresAt).toBe(session.expiresAt + 7)
    expect(toppedUp(session, { amount: 0n, extend_ms: 7 }, session.expiresAt + 100).expiresAt).toBe(session.expiresAt + 107)
  })

  it('takes no fraction of a millisecond', () => {
    expect(() => toppedUp(session, { amount: 0n, extend_ms: 0.5 }, NOW)).toThrow('request_invalid')
  })
})
