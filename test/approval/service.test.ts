import { describe, expect, it } from 'vitest'
import type { Approval } from '../../src/approval/approval.ts'
import { createApprovals } from '../../src/approval/service.ts'
import {
  APPROVAL_POLL_MS,
  APPROVAL_SWEEP_MS,
  MAX_PENDING_APPROVALS,
  PASSED_TTL_MS,
  WINDOW_GRACE_MS,
  WINDOW_START_MS,
} from '../../src/limits.ts'
import { INBOX_START_MS } from '../../src/people-limits.ts'
import { shownOf } from './facts.ts'
import { serviceRig, storeBut, turns } from './service-rig.ts'

const NEVER = new AbortController().signal

function refusal(code: string) {
  return expect.objectContaining({ refusal: expect.objectContaining({ code }) })
}

describe('asking people', () => {
  it('opens one, tells of it, and gives its yes to one claim', async () => {
    await using rig = await serviceRig()
    const { service, request } = rig
    const asked = await service.ask(request)
    expect(asked).toMatchObject({ kind: 'approval', state: 'pending', sessionId: 'ses_1', agent: 'researcher', required: 1 })
    expect(asked.expiresAt).toBe(rig.clock.now() + request.timeout_ms)
    expect(await service.claim('ses_1', asked.digest)).toBeUndefined()
    rig.advance(4_000)
    await service.vote(asked.id, rig.yes)
    expect(rig.waited).toEqual([4_000])
    expect(await service.claim('ses_2', asked.digest)).toBeUndefined()
    expect(await service.claim('ses_1', 'other digest')).toBeUndefined()
    expect(await service.claim('ses_1', asked.digest)).toMatchObject({ id: asked.id, state: 'used', paymentId: asked.paymentId })
    expect(await service.claim('ses_1', asked.digest)).toBeUndefined()
    expect(rig.told).toEqual(['approval.requested pending', 'approval.decided approved'])
  })

  it('joins the one that waits, or that is approved, instead of asking twice', async () => {
    await using rig = await serviceRig()
    const [first, second, other] = await Promise.all([
      rig.service.ask(rig.request),
      rig.service.ask(rig.request),
      rig.service.ask({ ...rig.request, shown: shownOf({ payTo: '0x1111111111111111111111111111111111111111' }) }),
    ])
    expect(second.id).toBe(first.id)
    expect(other.id).not.toBe(first.id)
    await rig.service.vote(first.id, rig.yes)
    expect(await rig.service.ask(rig.request)).toMatchObject({ id: first.id, state: 'approved' })
    await rig.service.claim('ses_1', first.digest)
    expect((await rig.service.ask(rig.request)).id).not.toBe(first.id)
  })

  it('asks anew after a no, and after its time', async () => {
    await using rig = await serviceRig()
    const first = await rig.service.ask(rig.request)
    expect(await rig.service.vote(first.id, rig.no)).toMatchObject({
      state: 'denied',
      votes: [{ reason: 'too dear', at: rig.clock.now() }],
    })
    const second = await rig.service.ask(rig.request)
    rig.advance(rig.request.timeout_ms)
    const third = await rig.service.ask(rig.request)
    expect(new Set([first, second, third].map(({ id }) => id)).size).toBe(3)
    expect(await rig.service.approval(second.id)).toMatchObject({ state: 'expired' })
  })

  it('tells people again where a crash came before they were told, and not where messages are under way', async () => {
    await using rig = await serviceRig()
    const { id } = await rig.service.ask(rig.request)
    await rig.service.ask(rig.request)
    expect(rig.told).toEqual(['approval.requested pending', 'approval.requested pending'])
    await rig.store.queueNotices([
      {
        ...{ id: 'ntc_1', approvalId: id, type: 'approval.requested', person: 'ada', channel: 'webhook', target: 'ops', payload: '{}' },
        ...{ state: 'waiting', attempts: 0, dueAt: 0, createdAt: 0, deliveredAt: null, lastError: null },
      },
    ])
    await rig.service.ask(rig.request)
    expect(rig.told).toHaveLength(2)
  })

  it('is bounded for a session, so that a loop of an agent buries nobody', async () => {
    await using rig = await serviceRig()
    const ask = (count: number) => rig.service.ask({ ...rig.request, shown: shownOf({ url: `https://agents.example.com/${count}` }) })
    for (let count = 0; count < MAX_PENDING_APPROVALS; count++) await ask(count)
    await expect(ask(MAX_PENDING_APPROVALS)).rejects.toEqual(refusal('approval_pending'))
    expect((await ask(0)).state).toBe('pending')
    expect((await rig.service.ask({ ...rig.request, sessionId: 'ses_2' })).state).toBe('pending')
    expect(await rig.service.pending()).toBe(MAX_PENDING_APPROVALS + 1)
  })

  it('goes on where nobody can be told: the inbox has it, and an operator reads why', async () => {
    await using rig = await serviceRig()
    const service = createApprovals({ ...rig.deps, notify: () => Promise.reject(new Error('no route')) })
    expect(await service.ask(rig.request)).toMatchObject({ state: 'pending', noticedAt: null })
    expect(rig.warnings).toEqual([expect.stringContaining('Nobody could be told of approval')])
    await service.stop()
  })
})

describe('a claim', () => {
  it('is had by one of all who come at once, over all processes', async () => {
    await using rig = await serviceRig()
    const other = rig.second()
    const { id, digest } = await rig.service.ask(rig.request)
    await rig.service.vote(id, rig.yes)
    const claims = await Promise.all(Array.from({ length: 20 }, (_, index) => (index % 2 ? other : rig.service).claim('ses_1', digest)))
    expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1)
    await other.stop()
  })

  it('can be given back by whoever has it, once, and pays under another id then', async () => {
    await using rig = await serviceRig()
    const { id, digest } = await rig.service.ask(rig.request)
    await rig.service.vote(id, rig.yes)
    const first = await rig.service.claim('ses_1', digest)
    if (!first) throw new Error('nothing to claim')
    await rig.service.unclaim(first)
    const second = await rig.service.claim('ses_1', digest)
    expect(second).toMatchObject({ id, state: 'used' })
    expect(second?.paymentId).not.toBe(first.paymentId)
    await rig.service.unclaim(first)
    expect(await rig.service.claim('ses_1', digest)).toBeUndefined()
  })

  it('is the oldest one first', async () => {
    await using rig = await serviceRig()
    const windows = [await rig.service.openWindow(rig.window), await rig.service.openWindow({ ...rig.window, paymentId: 'pay_2' })]
    for (const { id } of windows) await rig.service.noticed(id)
    rig.advance(30_000)
    for (const { id } of windows) await rig.service.closeWindow(id, false)
    const claims = [await rig.service.claim('ses_1', windows[0]?.digest ?? ''), await rig.service.claim('ses_1', windows[0]?.digest ?? '')]
    expect(claims.map((claim) => claim?.id)).toEqual(windows.map(({ id }) => id))
  })
})

describe('waiting', () => {
  const waiting = async (wait_ms: number, signal = NEVER) => {
    const rig = await serviceRig()
    const { id } = await rig.service.ask(rig.request)
    let answer: Approval | undefined
    const done = rig.service.settled(id, wait_ms, signal).then((approval) => {
      answer = approval
    })
    await turns()
    return { rig, id, done, answer: () => answer }
  }

  it('ends at once when people decide, also in another process', async () => {
    const { rig, id, done, answer } = await waiting(60_000)
    await using _ = rig
    expect(answer()).toBeUndefined()
    const other = rig.second()
    await other.vote(id, rig.no)
    await done
    expect(answer()).toMatchObject({ state: 'denied' })
    expect(rig.pauses.size).toBe(0)
    await other.stop()
  })

  it('ends when it has lasted long enough, with what stands', async () => {
    const { rig, done, answer } = await waiting(APPROVAL_POLL_MS + 500)
    await using _ = rig
    rig.advance(APPROVAL_POLL_MS)
    await turns()
    expect(answer()).toBeUndefined()
    rig.advance(500)
    await done
    expect(answer()).toMatchObject({ state: 'pending' })
  })

  it('ends when the agent has gone, and when the service stops', async () => {
    const gone = new AbortController()
    const first = await waiting(60_000, gone.signal)
    await using _ = first.rig
    gone.abort()
    await first.done
    const second = await waiting(60_000)
    await using __ = second.rig
    await second.rig.service.stop()
    await second.done
    expect([first.answer()?.state, second.answer()?.state]).toEqual(['pending', 'pending'])
  })

  it('sees by itself what no news told of', async () => {
    await using rig = await serviceRig({ wrap: (store) => storeBut(store, { watchApprovals: () => () => undefined }) })
    const { id } = await rig.service.ask(rig.request)
    const settled = rig.service.settled(id, 60_000, NEVER)
    await turns()
    await rig.service.vote(id, rig.yes)
    await turns()
    rig.advance(APPROVAL_POLL_MS)
    expect(await settled).toMatchObject({ state: 'approved' })
  })

  it('for what is not there is an error', async () => {
    await using rig = await serviceRig()
    await expect(rig.service.settled('apr_none', 0, NEVER)).rejects.toEqual(refusal('not_found'))
    await expect(rig.service.vote('apr_none', rig.yes)).rejects.toEqual(refusal('not_found'))
  })
})

describe('a veto window', () => {
  it('runs from the first notice to its end, and its payment goes on where the agent waits', async () => {
    await using rig = await serviceRig()
    const { service } = rig
    const opened = await service.openWindow(rig.window)
    expect(opened).toMatchObject({ kind: 'veto', state: 'pending', paymentId: 'pay_reserved', window: { startedAt: null } })
    const settled = service.settled(opened.id, 120_000, NEVER)
    await turns()
    rig.advance(10_000)
    await service.noticed(opened.id)
    await turns()
    expect(await service.closeWindow(opened.id, true)).toMatchObject({ state: 'pending' })
    rig.advance(30_000)
    expect(await settled).toMatchObject({ state: 'pending', expiresAt: rig.clock.now() })
    expect(await service.closeWindow(opened.id, true)).toMatchObject({ state: 'used', paymentId: 'pay_reserved' })
    await expect(service.vote(opened.id, rig.no)).rejects.toEqual(refusal('conflict'))
  })

  it('is stopped by a veto, at its last instant too', async () => {
    await using rig = await serviceRig()
    const { id } = await rig.service.openWindow(rig.window)
    await rig.service.noticed(id)
    rig.advance(30_000)
    expect(await rig.service.vote(id, rig.no)).toMatchObject({ state: 'vetoed' })
    expect(await rig.service.closeWindow(id, true)).toMatchObject({ state: 'vetoed' })
    expect(rig.told).toEqual(['veto.opened pending', 'approval.decided vetoed'])
  })

  it('becomes a claim for one repeat within five minutes where nobody waits', async () => {
    await using rig = await serviceRig()
    const { id, digest } = await rig.service.openWindow(rig.window)
    await rig.service.noticed(id)
    rig.advance(30_000)
    expect(await rig.service.closeWindow(id, false)).toMatchObject({ state: 'passed' })
    expect((await rig.service.approval(id))?.paymentId).not.toBe('pay_reserved')
    rig.advance(PASSED_TTL_MS - 1)
    expect(await rig.service.claim('ses_1', digest)).toMatchObject({ id, state: 'used' })
    expect(await rig.service.claim('ses_1', digest)).toBeUndefined()
  })

  it('is no claim after five minutes', async () => {
    await using rig = await serviceRig()
    const { id, digest } = await rig.service.openWindow(rig.window)
    await rig.service.noticed(id)
    rig.advance(30_000)
    await rig.service.closeWindow(id, false)
    rig.advance(PASSED_TTL_MS)
    expect(await rig.service.claim('ses_1', digest)).toBeUndefined()
  })

  it('whose process died becomes a claim when its repeat comes, or the sweep, and not while somebody may wait', async () => {
    for (const find of ['repeat', 'sweep'] as const) {
      await using rig = await serviceRig()
      const { id, digest } = await rig.service.openWindow(rig.window)
      await rig.service.noticed(id)
      rig.advance(30_000 + WINDOW_GRACE_MS - 1)
      expect(await rig.service.claim('ses_1', digest)).toBeUndefined()
      expect(await rig.service.sweep()).toBe(0)
      rig.advance(1)
      if (find === 'sweep') expect(await rig.service.sweep()).toBe(1)
      expect(await rig.service.claim('ses_1', digest)).toMatchObject({ id, state: 'used' })
      // Whoever waited after all finds another payment there, and goes on with nothing.
      const found = await rig.service.closeWindow(id, true)
      expect(found.state === 'used' && found.paymentId === 'pay_reserved').toBe(false)
    }
  })

  it('where nobody can be told asks for a yes instead, unless somebody reads the inbox first', async () => {
    await using rig = await serviceRig({ queued: (_, news) => (news === 'veto.opened' ? 0 : 1) })
    const opened = await rig.service.openWindow(rig.window)
    expect(opened).toMatchObject({ kind: 'veto', state: 'pending', expiresAt: rig.clock.now() + INBOX_START_MS })
    const read = await rig.service.openWindow({ ...rig.window, paymentId: 'pay_2', shown: shownOf({ url: 'https://other.example/' }) })
    rig.advance(INBOX_START_MS - 1)
    await rig.service.noticed(read.id)
    expect(await rig.service.sweep()).toBe(0)
    rig.advance(1)
    expect(await rig.service.sweep()).toBe(1)
    const turned = await rig.service.approval(opened.id)
    expect(turned).toMatchObject({ kind: 'approval', state: 'pending', window: null })
    expect(turned?.paymentId).not.toBe('pay_reserved')
    expect(turned?.shown.reason).toContain('Nobody could be told of its veto window, so silence does not pay it.')
    expect(await rig.service.approval(read.id)).toMatchObject({ kind: 'veto', window: { startedAt: rig.clock.now() - 1 } })
    expect(rig.told).toEqual(['veto.opened pending', 'veto.opened pending', 'approval.requested pending'])
    expect(await rig.service.claim('ses_1', opened.digest)).toBeUndefined()
  })

  it('settles those who wait when its notices turn out to be undeliverable, and never joins two questions', async () => {
    await using rig = await serviceRig()
    const question = await rig.service.ask(rig.request)
    const first = await rig.service.openWindow(rig.window)
    const settled = rig.service.settled(first.id, 60_000, NEVER)
    await turns()
    expect(await rig.service.undeliverable(first.id)).toMatchObject({ id: question.id })
    expect(await settled).toMatchObject({ id: first.id, state: 'withdrawn' })
    await rig.service.withdraw(question.id)
    const second = await rig.service.openWindow({ ...rig.window, paymentId: 'pay_2' })
    const other = rig.service.settled(second.id, 60_000, NEVER)
    await turns()
    await rig.service.undeliverable(second.id)
    expect(await other).toMatchObject({ id: second.id, kind: 'approval', state: 'pending' })
    expect(await rig.service.undeliverable(second.id)).toMatchObject({ id: second.id, kind: 'approval' })
  })

  it('that has reached somebody stays one, whatever other messages do', async () => {
    await using rig = await serviceRig()
    const { id } = await rig.service.openWindow(rig.window)
    await rig.service.noticed(id)
    expect(await rig.service.undeliverable(id)).toMatchObject({ kind: 'veto', window: { startedAt: rig.clock.now() } })
  })

  it('that reaches nobody for long needs a yes instead', async () => {
    await using rig = await serviceRig()
    const { id } = await rig.service.openWindow(rig.window)
    rig.advance(WINDOW_START_MS - 1)
    expect(await rig.service.sweep()).toBe(0)
    rig.advance(1)
    expect(await rig.service.sweep()).toBe(1)
    expect(await rig.service.approval(id)).toMatchObject({ kind: 'approval', state: 'pending' })
  })
})

describe('what is overdue', () => {
  it('is ended by the sweep, people hear of a question that nobody answered', async () => {
    await using rig = await serviceRig()
    const asked = await rig.service.ask(rig.request)
    const approved = await rig.service.ask({ ...rig.request, sessionId: 'ses_2' })
    await rig.service.vote(approved.id, rig.yes)
    rig.told.length = 0
    rig.service.start()
    await turns()
    rig.advance(rig.request.timeout_ms)
    await turns()
    for (const { id } of [asked, approved]) expect(await rig.service.approval(id)).toMatchObject({ state: 'expired' })
    expect(rig.told).toEqual(['approval.expired expired'])
    expect(await rig.service.pending()).toBe(0)
  })

  it('is looked for again after a failure, which an operator reads of', async () => {
    let broken = true
    await using rig = await serviceRig({
      wrap: (store) =>
        storeBut(store, {
          overdueApprovals: (...args: Parameters<typeof store.overdueApprovals>) =>
            broken ? Promise.reject(new Error('away')) : store.overdueApprovals(...args),
        }),
    })
    const { id } = await rig.service.ask({ ...rig.request, timeout_ms: 10 })
    rig.service.start()
    await turns()
    expect(rig.warnings).toEqual(['Overdue approvals could not be ended.'])
    broken = false
    rig.advance(APPROVAL_SWEEP_MS)
    await turns()
    expect(await rig.service.approval(id)).toMatchObject({ state: 'expired' })
  })
})

describe('what nobody answers', () => {
  it('goes on to one more person after a while, and again, until somebody has decided', async () => {
    await using rig = await serviceRig({ escalateAfter_ms: 900_000 })
    const { id } = await rig.service.ask({ ...rig.request, required: 2 })
    const toldAfter = async (ms: number) => {
      rig.told.length = 0
      rig.advance(ms)
      await Promise.all([rig.service.sweep(), rig.second().sweep()])
      return rig.told
    }
    expect(await toldAfter(899_999)).toEqual([])
    expect(await toldAfter(1)).toEqual(['approval.unanswered pending'])
    await rig.service.vote(id, rig.yes)
    expect(await toldAfter(900_000)).toEqual(['approval.unanswered pending'])
    await rig.service.vote(id, { ...rig.yes, person: 'eve' })
    expect(await toldAfter(1_000_000)).toEqual([])
    expect(await rig.service.approval(id)).toMatchObject({ state: 'approved' })
  })

  it('goes on to nobody where that was not asked for', async () => {
    await using rig = await serviceRig()
    await rig.service.ask(rig.request)
    rig.advance(rig.request.timeout_ms - 1)
    expect(await rig.service.sweep()).toBe(0)
    expect(rig.told).toEqual(['approval.requested pending'])
  })
})

describe('the end of a session', () => {
  it('withdraws all that nobody has paid on, tells whoever was asked, and nothing of others', async () => {
    await using rig = await serviceRig()
    const url = (path: string) => ({ ...rig.request, shown: shownOf({ url: `https://agents.example.com/${path}` }) })
    const [asked, approved, used] = [await rig.service.ask(url('a')), await rig.service.ask(url('b')), await rig.service.ask(url('c'))]
    for (const { id } of [approved, used]) await rig.service.vote(id, rig.yes)
    await rig.service.claim('ses_1', used.digest)
    const other = await rig.service.ask({ ...rig.request, sessionId: 'ses_2' })
    const settled = rig.service.settled(asked.id, 60_000, NEVER)
    await rig.service.sessionEnded('ses_1')
    expect(await settled).toMatchObject({ state: 'withdrawn' })
    const states = await Promise.all([approved, used, other].map(async ({ id }) => (await rig.service.approval(id))?.state))
    expect(states).toEqual(['withdrawn', 'used', 'pending'])
    expect(await rig.service.claim('ses_1', approved.digest)).toBeUndefined()
    expect(rig.told.filter((news) => news.endsWith('withdrawn'))).toEqual(['approval.expired withdrawn'])
  })
})

describe('a restless approval', () => {
  it('is given up after a bounded number of attempts, and nothing is paid', async () => {
    let attempts = 0
    await using rig = await serviceRig({
      wrap: (store) =>
        storeBut(store, {
          replaceApproval: async () => {
            attempts += 1
            return false
          },
        }),
    })
    const { id } = await rig.service.ask(rig.request)
    await expect(rig.service.vote(id, rig.yes)).rejects.toEqual(refusal('ledger_unavailable'))
    expect(attempts).toBe(16)
  })
})
