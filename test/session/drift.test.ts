import { describe, expect, it } from 'vitest'
import { driftsOf } from '../../src/session/drift.ts'
import type { Dealing } from '../../src/session/history.ts'
import { NOW, session } from './fixtures.ts'

const HOUR = 3_600_000
const ASKED = { host: 'a.example', categories: ['search'], at: NOW + HOUR / 2 }

/** So many payments, each so long after the one before; the first right after the opening. */
function payments(count: number, every_ms: number, changes: Partial<Dealing> = {}): Dealing[] {
  return Array.from({ length: count }, (_, at) => ({
    host: 'a.example',
    categories: ['search'],
    ...changes,
    at: NOW + every_ms * (at + 1),
  }))
}

const conductOf = (made: readonly Dealing[]) => ({ first: made.slice(0, 10), latest: made.toReversed().slice(0, 10) })

describe('drift inside a session', () => {
  it('is a host and a category that its start did not show', () => {
    const conduct = conductOf(payments(10, 30_000))
    const asked = { ...ASKED, host: 'b.example', categories: ['search', 'compute'] }
    expect(driftsOf(session(), conduct, asked)).toEqual([
      { kind: 'host', value: 'b.example', sentence: 'The start of this session showed no payment to b.example.' },
      { kind: 'category', value: 'compute', sentence: 'The start of this session showed no payment for compute.' },
    ])
    expect(driftsOf(session(), conduct, ASKED)).toEqual([])
  })

  it('stays drift however often it was paid later: only the start counts', () => {
    const made = [...payments(10, 30_000), ...payments(10, 30_000, { host: 'b.example' }).map((one) => ({ ...one, at: one.at + 300_000 }))]
    expect(driftsOf(session(), conductOf(made), { ...ASKED, host: 'b.example' })).toMatchObject([{ kind: 'host' }])
  })

  it('is nothing that the scope declares', () => {
    const declared = session({ scope: { hosts: ['*.example'], categories: ['compute'] } })
    expect(driftsOf(declared, conductOf(payments(10, 30_000)), { ...ASKED, host: 'b.example', categories: ['compute'] })).toEqual([])
  })

  it('is a pace of more than four times that of the start', () => {
    const made = payments(20, 30_000)
    const last = made.at(-1)?.at ?? 0
    const slow = made.slice(0, 10)
    const fast = Array.from({ length: 9 }, (_, at) => ({ ...ASKED, at: last + 7_000 * at }))
    const asked = { ...ASKED, at: last + 7_000 * 9 }
    expect(driftsOf(session(), conductOf([...slow, ...fast]), asked)).toEqual([
      { kind: 'pace', value: '', sentence: 'This session now pays more than 4 times as fast as it began.' },
    ])
    const steady = Array.from({ length: 9 }, (_, at) => ({ ...ASKED, at: last + 7_500 * at }))
    expect(driftsOf(session(), conductOf([...slow, ...steady]), { ...ASKED, at: last + 7_500 * 9 })).toEqual([])
  })

  it('knows no pace of a start that was a burst', () => {
    const made = payments(10, 999)
    expect(driftsOf(session(), conductOf(made), { ...ASKED, at: (made.at(-1)?.at ?? 0) + 1 })).toEqual([])
  })

  it('is nothing as long as the start lasts: ten payments, or a tenth of the life', () => {
    const asked = { ...ASKED, host: 'b.example' }
    const early = { ...asked, at: NOW + HOUR / 10 }
    expect(driftsOf(session(), conductOf(payments(9, 1_000)), early)).toEqual([])
    expect(driftsOf(session(), conductOf(payments(10, 1_000)), early)).toMatchObject([{ kind: 'host' }])
    expect(driftsOf(session(), conductOf(payments(3, 1_000)), { ...asked, at: NOW + HOUR / 10 + 1 })).toMatchObject([{ kind: 'host' }])
  })

  it('is never judged by fewer than three payments', () => {
    expect(driftsOf(session(), conductOf(payments(2, 1_000)), { ...ASKED, host: 'b.example' })).toEqual([])
    expect(driftsOf(session(), conductOf([]), ASKED)).toEqual([])
  })

  it('takes of the first ten payments those of the first tenth of the life for the start', () => {
    const early = payments(3, 1_000)
    const late = payments(7, 60_000, { host: 'b.example' }).map((one) => ({ ...one, at: one.at + HOUR / 10 }))
    expect(driftsOf(session(), conductOf([...early, ...late]), { ...ASKED, host: 'b.example' })).toMatchObject([{ kind: 'host' }])
  })
})
