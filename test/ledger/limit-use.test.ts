/** What is looked up, every ledger shows in the conformance suite; here is how it is put together. */
import { expect, it } from 'vitest'
import { type Counted, countedBy, type LimitUseQuery, limitUses } from '../../src/ledger/limit-use.ts'
import { MAX_SHOWN_LIMIT_USES } from '../../src/people-limits.ts'
import type { Session, SessionLimits } from '../../src/session/session.ts'
import { fixtures } from './fixtures.ts'

function asked(limits: SessionLimits, more: Partial<Session> = {}): LimitUseQuery {
  const opened = fixtures(
    (prefix) => `${prefix}_1`,
    () => 0,
  ).session({ limits })
  return { session: { ...opened, spent: 0n, held: 0n, payments: 0, status: 'open', refills: 0, ...more }, task: null, now: 100_000 }
}
const counted = (buckets: Readonly<Record<string, bigint>>, sums: readonly bigint[] = [0n]): Counted => ({
  buckets: new Map(Object.entries(buckets)),
  sums,
})

it('asks for what the limits name, each window, and the steps', () => {
  const query = asked({ perTool: { web: 1n, '*': 2n }, perRecipient: { 'a.example': 1n }, perWindow: [{ max: 1n, per_ms: 60_000 }] })
  expect(countedBy(query)).toEqual({
    buckets: ['recipient:named:a.example', 'tool:web'],
    windows: [
      { series: 'charges ses_1', after: 40_000 },
      { series: 'steps ["ses_1",""]', after: -1 },
    ],
  })
})

it('a session for one payment shows that as its count', () => {
  const count = { limit: 'payments', of: null, used: 1n }
  expect(limitUses(asked({}, { singleUse: true, payments: 1 }), counted({}))).toEqual([{ ...count, max: 1n }])
  expect(limitUses(asked({ payments: 0 }, { singleUse: true, payments: 1 }), counted({}))).toEqual([{ ...count, max: 0n }])
})

it('addresses under a star are counted and never shown', () => {
  const buckets = { 'recipient:host:a.example': 3n, 'recipient:address:0xab': 3n, 'recipient:named:old.example': 1n }
  expect(limitUses(asked({ perRecipient: { '*': 9n } }), counted(buckets))).toEqual([
    { limit: 'perRecipient', of: 'a.example', max: 9n, used: 3n },
  ])
})

it('under a star the first ones are shown, and all that is named', () => {
  const others = Array.from({ length: 2 * MAX_SHOWN_LIMIT_USES }, (_, at) => [`tool:t${at}`, 1n] as const)
  const uses = limitUses(asked({ perTool: { z: 5n, '*': 9n } }), counted({ ...Object.fromEntries(others), 'tool:z': 4n }))
  expect(uses).toHaveLength(MAX_SHOWN_LIMIT_USES + 1)
  expect(uses[0]).toEqual({ limit: 'perTool', of: 'z', max: 5n, used: 4n })
})
