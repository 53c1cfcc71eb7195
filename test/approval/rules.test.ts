import { describe, expect, it } from 'vitest'
import type { Approval, ApprovalState, Vote } from '../../src/approval/approval.ts'
import * as rules from '../../src/approval/rules.ts'
import { APPROVED_MIN_MS, PASSED_TTL_MS, WINDOW_APPROVAL_MS, WINDOW_START_MS } from '../../src/limits.ts'
import { countingIds } from '../clock.ts'
import { approvalOf, MINUTE, windowOf } from './facts.ts'

const NOW = 1_000_000
const basis = { ids: countingIds(), now: NOW }
const STATES: readonly ApprovalState[] = ['pending', 'approved', 'passed', 'used', 'denied', 'vetoed', 'expired', 'withdrawn']
const ENDED = STATES.filter((state) => !rules.isLive({ state }))

function voteOf(changes: Partial<Vote> = {}): Vote {
  return { person: 'ada', verdict: 'approve', reason: 'fine', channel: 'cli', at: NOW, ...changes }
}

/** Fails the test where nothing changed; else the version has moved on by one. */
function changed(before: Approval, ruling: rules.Ruling): Approval {
  if (ruling.kind !== 'changed') throw new Error(`expected a change, got ${ruling.kind}`)
  expect(ruling.approval.version).toBe(before.version + 1)
  return ruling.approval
}

const UNCHANGED = { kind: 'unchanged' }

function started(window = windowOf(basis), at = NOW): Approval {
  return changed(window, rules.noticed(window, at))
}

describe('an approval', () => {
  it('waits for people until its timeout', () => {
    expect(approvalOf(basis)).toMatchObject({ kind: 'approval', state: 'pending', expiresAt: NOW + 60 * MINUTE, window: null, version: 1 })
  })

  it('is approved by as many different people as it needs, and by nobody twice', () => {
    const asked = approvalOf(basis, { required: 2 })
    const once = changed(asked, rules.voted(asked, voteOf()))
    expect(once).toMatchObject({ state: 'pending', decidedAt: null, noticedAt: NOW, votes: [{ person: 'ada' }] })
    for (const person of ['ada', 'ADA ', 'Ada']) {
      const detail = expect.stringContaining('needs 2 different people')
      expect(rules.voted(once, voteOf({ person }))).toMatchObject({ kind: 'refused', code: 'conflict', detail })
    }
    expect(changed(once, rules.voted(once, voteOf({ person: 'bob' })))).toMatchObject({ state: 'approved', decidedAt: NOW })
  })

  it.each(['researcher', 'Researcher', ' researcher '])('is decided on by nobody who asks: %o', (person) => {
    for (const verdict of ['approve', 'deny'] as const) {
      const refusal = { kind: 'refused', code: 'forbidden', detail: 'Whoever asks for a payment cannot decide on it.' }
      expect(rules.voted(approvalOf(basis), voteOf({ person, verdict }))).toEqual(refusal)
    }
  })

  it('is denied by one no, whoever said yes before', () => {
    const asked = approvalOf(basis, { required: 3 })
    const once = changed(asked, rules.voted(asked, voteOf()))
    expect(changed(once, rules.voted(once, voteOf({ verdict: 'deny' })))).toMatchObject({ state: 'denied', decidedAt: NOW })
  })

  it('can be taken back until somebody comes for it', () => {
    const approved = approvalOf(basis, { state: 'approved' })
    expect(changed(approved, rules.voted(approved, voteOf({ verdict: 'deny' })))).toMatchObject({ state: 'denied' })
    expect(rules.voted(approved, voteOf({ person: 'bob' }))).toMatchObject({ kind: 'refused', code: 'conflict' })
  })

  it('stays claimable for a while after a late yes', () => {
    const asked = approvalOf(basis)
    const late = NOW + 60 * MINUTE - 1
    const approved = changed(asked, rules.voted(asked, voteOf({ at: late })))
    expect(approved.expiresAt).toBe(late + APPROVED_MIN_MS)
    expect(changed(asked, rules.voted(asked, voteOf())).expiresAt).toBe(asked.expiresAt)
  })

  it('takes no vote at its timeout or after it', () => {
    for (const verdict of ['approve', 'deny'] as const) {
      const ruling = rules.voted(approvalOf(basis), voteOf({ verdict, at: NOW + 60 * MINUTE }))
      expect(ruling).toMatchObject({ kind: 'refused', code: 'conflict', detail: expect.stringContaining('expired at') })
    }
  })

  it.each(ENDED)('takes no vote once it is %s', (state) => {
    for (const verdict of ['approve', 'deny'] as const) {
      const detail = `It is ${state} already, and stays so.`
      expect(rules.voted(approvalOf(basis, { state }), voteOf({ verdict }))).toEqual({ kind: 'refused', code: 'conflict', detail })
    }
  })
})

describe('an approval that a person asked for ahead', () => {
  it.each(['olga', 'Olga', ' olga '])('is not approved by %o who asked, who may still take it back', (person) => {
    const asked = approvalOf(basis, { requester: 'olga' })
    const detail = 'Whoever asks for a payment cannot approve it; another person has to.'
    expect(rules.voted(asked, voteOf({ person }))).toEqual({ kind: 'refused', code: 'forbidden', detail })
    expect(changed(asked, rules.voted(asked, voteOf({ person, verdict: 'deny' })))).toMatchObject({ state: 'denied' })
    expect(changed(asked, rules.voted(asked, voteOf({ person: 'anna' })))).toMatchObject({ state: 'approved' })
  })
})

describe('one more person', () => {
  const asked = (timeout_ms: number) =>
    rules.openedApproval({ ...approvalOf(basis), createdAt: NOW }, { required: 1, timeout_ms, escalateAfter_ms: 15 * MINUTE })

  it('is told when nobody has answered for a while, at the latest after half of the time that is left', () => {
    const times: number[] = []
    for (let approval = asked(60 * MINUTE); approval.escalateAt !== null; ) {
      times.push((approval.escalateAt - NOW) / MINUTE)
      expect(rules.escalated(approval, { now: approval.escalateAt - 1, escalateAfter_ms: 15 * MINUTE })).toEqual(UNCHANGED)
      approval = changed(approval, rules.escalated(approval, { now: approval.escalateAt, escalateAfter_ms: 15 * MINUTE }))
    }
    expect(times.slice(0, 4)).toEqual([15, 30, 45, 52.5])
    expect(times.at(-1)).toBeLessThan(60)
    expect(times.length).toBeLessThan(12)
  })

  it('is not told of what is over, of a window, or so late that nobody could look', () => {
    expect(asked(19_999).escalateAt).toBeNull()
    expect(asked(20_000).escalateAt).toBe(NOW + 10_000)
    expect(windowOf(basis).escalateAt).toBeNull()
    const now = NOW + 30 * MINUTE
    for (const state of STATES.filter((one) => one !== 'pending')) {
      expect(rules.escalated({ ...asked(60 * MINUTE), state }, { now })).toEqual(UNCHANGED)
    }
    expect(rules.escalated(asked(60 * MINUTE), { now: NOW + 60 * MINUTE })).toEqual(UNCHANGED)
  })
})

describe('a claim', () => {
  it.each(STATES)('on one that is %s is given only where it is approved or passed', (state) => {
    const ruling = rules.claimed(approvalOf(basis, { state }), NOW)
    if (state === 'approved' || state === 'passed')
      expect(ruling).toMatchObject({ kind: 'changed', approval: { state: 'used', version: 2 } })
    else expect(ruling).toEqual(UNCHANGED)
  })

  it('is not given at its end', () => {
    const approved = approvalOf(basis, { state: 'approved' })
    expect(rules.claimed(approved, approved.expiresAt)).toEqual(UNCHANGED)
    expect(rules.claimed(approved, approved.expiresAt - 1).kind).toBe('changed')
  })

  it('that is given back can be had again, under another payment id, and by its own holder only', () => {
    for (const kind of ['approval', 'veto'] as const) {
      const used = approvalOf(basis, { kind, state: 'used' })
      const back = changed(used, rules.unclaimed(used, { paymentId: used.paymentId, nextPaymentId: 'pay_next' }))
      expect(back).toMatchObject({ state: kind === 'veto' ? 'passed' : 'approved', paymentId: 'pay_next' })
      const again = changed(back, rules.claimed(back, NOW))
      expect(rules.unclaimed(again, { paymentId: used.paymentId, nextPaymentId: 'pay_other' })).toEqual(UNCHANGED)
    }
    const ended = approvalOf(basis, { state: 'withdrawn' })
    expect(rules.unclaimed(ended, { paymentId: ended.paymentId, nextPaymentId: 'pay_next' })).toEqual(UNCHANGED)
  })
})

describe('a veto window', () => {
  const close = (window: Approval, waiting: boolean, now: number) => rules.closed(window, { waiting, nextPaymentId: 'pay_next', now })

  it('starts when somebody has it before them, once', () => {
    const window = windowOf(basis)
    expect(window).toMatchObject({ window: { length_ms: 30_000, startedAt: null }, expiresAt: NOW + WINDOW_START_MS })
    const running = started(window, NOW + 5)
    expect(running).toMatchObject({ noticedAt: NOW + 5, window: { startedAt: NOW + 5 }, expiresAt: NOW + 30_005 })
    expect(rules.noticed(running, NOW + 9)).toEqual(UNCHANGED)
  })

  it('is not closed before it has started and run to its end', () => {
    expect(close(windowOf(basis), true, NOW + WINDOW_START_MS * 2)).toEqual(UNCHANGED)
    expect(close(started(), true, NOW + 29_999)).toEqual(UNCHANGED)
    expect(close(approvalOf(basis), true, NOW + 60 * MINUTE)).toEqual(UNCHANGED)
  })

  it('goes on at its end where the agent waits, under the reserved payment', () => {
    const running = started()
    expect(changed(running, close(running, true, NOW + 30_000))).toMatchObject({ state: 'used', paymentId: running.paymentId })
  })

  it('becomes a claim for five minutes where nobody waits, under another payment id', () => {
    const running = started()
    const passed = changed(running, close(running, false, NOW + 30_000))
    expect(passed).toMatchObject({ state: 'passed', paymentId: 'pay_next', expiresAt: NOW + 30_000 + PASSED_TTL_MS })
    expect(PASSED_TTL_MS).toBe(5 * MINUTE)
  })

  it('is ended by a veto at the same instant, and by no closing after it', () => {
    const running = started()
    const vetoed = changed(running, rules.voted(running, voteOf({ verdict: 'deny', at: NOW + 30_000 })))
    expect(vetoed).toMatchObject({ state: 'vetoed', decidedAt: NOW + 30_000 })
    expect(close(vetoed, true, NOW + 30_000)).toEqual(UNCHANGED)
  })

  it('is vetoed also before it has started, and as a claim that nobody has come for', () => {
    for (const window of [windowOf(basis), windowOf(basis, { state: 'passed' })]) {
      expect(changed(window, rules.voted(window, voteOf({ verdict: 'deny' })))).toMatchObject({ state: 'vetoed' })
    }
  })

  it('takes no yes: it is paid by silence', () => {
    const detail = 'It is paid by itself at the end of its window, unless somebody denies it.'
    expect(rules.voted(started(), voteOf())).toEqual({ kind: 'refused', code: 'conflict', detail })
  })

  it('that nobody can be told of needs a yes instead, and has no reserved payment', () => {
    const window = windowOf(basis)
    const asked = changed(window, rules.unseen(window, { nextPaymentId: 'pay_next', now: NOW + 7 }))
    expect(asked).toMatchObject({ kind: 'approval', state: 'pending', window: null, paymentId: 'pay_next', required: 1 })
    expect(asked).toMatchObject({ digest: window.digest, expiresAt: NOW + 7 + WINDOW_APPROVAL_MS })
    expect(close(asked, true, asked.expiresAt)).toEqual(UNCHANGED)
  })

  it('that somebody has before them stays a window', () => {
    expect(rules.unseen(started(), { nextPaymentId: 'pay_next', now: NOW })).toEqual(UNCHANGED)
    expect(rules.unseen(windowOf(basis, { state: 'vetoed' }), { nextPaymentId: 'pay_next', now: NOW })).toEqual(UNCHANGED)
  })
})

describe('the end', () => {
  it.each(['pending', 'approved', 'passed'] as const)('of one that is %s comes at its time, not before', (state) => {
    const asked = approvalOf(basis, { state })
    expect(rules.expired(asked, asked.expiresAt - 1)).toEqual(UNCHANGED)
    expect(changed(asked, rules.expired(asked, asked.expiresAt))).toMatchObject({ state: 'expired' })
  })

  it('of a window is no refusal by itself', () => {
    expect(rules.expired(started(), NOW + WINDOW_START_MS * 2)).toEqual(UNCHANGED)
    expect(rules.expired(windowOf(basis), NOW + WINDOW_START_MS * 2)).toEqual(UNCHANGED)
  })

  it.each(ENDED)('changes nothing about one that is %s', (state) => {
    const ended = approvalOf(basis, { state })
    expect(rules.expired(ended, ended.expiresAt)).toEqual(UNCHANGED)
    expect(rules.withdrawn(ended, NOW)).toEqual(UNCHANGED)
    expect(rules.noticed(ended, NOW)).toEqual(UNCHANGED)
  })

  it.each(['pending', 'approved', 'passed'] as const)('of its session withdraws one that is %s', (state) => {
    const live = approvalOf(basis, { state })
    expect(changed(live, rules.withdrawn(live, NOW))).toMatchObject({ state: 'withdrawn', decidedAt: NOW })
  })
})
