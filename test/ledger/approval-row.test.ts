import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Notice } from '../../src/approval/approval.ts'
import {
  APPROVAL_STATES,
  approvalColumns,
  isOpenQuestion,
  LIVE_STATES,
  noticeColumns,
  readApproval,
  readNotice,
} from '../../src/ledger/approval-row.ts'
import { type Row, RowError } from '../../src/ledger/rows.ts'
import { anyText } from '../any-text.ts'
import { approvalOf, shownOf, windowOf } from '../approval/facts.ts'
import { countingIds } from '../clock.ts'

const basis = { ids: countingIds(), now: 1_000 }

/** Integers come as bigint from the database. */
function rowOf(columns: Record<string, string | number | null>): Row {
  return Object.fromEntries(Object.entries(columns).map(([name, value]) => [name, typeof value === 'number' ? BigInt(value) : value]))
}

describe('the row of an approval', () => {
  it('holds all of it, amounts beyond 64 bits and what strangers write included', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n }), anyText(), fc.option(fc.string()), (amount, untrusted, tool) => {
        const approval = approvalOf({ ...basis, shown: { amountAtomic: amount, untrusted, tool } }, { votes: [] })
        expect(readApproval(rowOf(approvalColumns(approval)))).toEqual(approval)
      }),
    )
    const window = windowOf(basis, { window: { length_ms: 5, startedAt: 7 } })
    expect(readApproval(rowOf(approvalColumns(window)))).toEqual(window)
  })

  it('is read whatever else a caller put into what is shown', () => {
    const more = { ...shownOf(), more: 1n }
    const approval = approvalOf({ ...basis, shown: more })
    expect(readApproval(rowOf(approvalColumns(approval))).shown).toEqual(shownOf())
  })

  it.each(APPROVAL_STATES)('is due while something can become of it: %s', (state) => {
    const { due_at } = approvalColumns(approvalOf(basis, { state, expiresAt: 9 }))
    expect(due_at).toBe(LIVE_STATES.includes(state) ? 9 : null)
  })

  it('is due when one more person is to be told, as long as it is pending', () => {
    const due = (state: 'pending' | 'approved') => approvalColumns(approvalOf(basis, { state, expiresAt: 9, escalateAt: 4 }))
    expect([due('pending').due_at, due('approved').due_at]).toEqual([4, 9])
    expect(readApproval(rowOf(due('pending')))).toMatchObject({ escalateAt: 4 })
  })

  it('lets only typed errors out, whatever stands there', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        expect(() => readApproval({ body })).toThrow(RowError)
      }),
    )
  })

  it('is an open question while a yes is waited for', () => {
    expect(isOpenQuestion(approvalOf(basis))).toBe(true)
    expect(isOpenQuestion(windowOf(basis))).toBe(false)
    expect(isOpenQuestion(approvalOf(basis, { state: 'approved' }))).toBe(false)
  })
})

describe('the row of a notice', () => {
  it.each(['waiting', 'delivered', 'dead', 'not_needed'] as const)('holds all of one that is %s', (state) => {
    const notice: Notice = {
      ...{ id: 'ntc_1', approvalId: 'apr_1', type: 'veto.opened', person: 'ada', channel: 'slack', target: 'ops', payload: '{}', state },
      ...{ attempts: 2, dueAt: 5, createdAt: 3, deliveredAt: state === 'delivered' ? 6 : null, lastError: null },
    }
    expect(readNotice(rowOf(noticeColumns(notice)))).toEqual(notice)
  })

  it('is of a known channel', () => {
    const row = { id: 'a', approval_id: null, type: 't', person: 'p', channel: 'pigeon', target: 'x', payload: '' }
    expect(() => readNotice(row)).toThrow('channel')
  })
})
