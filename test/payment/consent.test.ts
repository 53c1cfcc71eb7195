import { describe, expect, it } from 'vitest'
import type { Approval } from '../../src/approval/approval.ts'
import { DENIAL_TOLD_MS, EXPIRY_TOLD_MS } from '../../src/limits.ts'
import { aheadDigest } from '../../src/payment/ahead-record.ts'
import { CLAIM_LOST_MS, CLAIM_TTL_MS } from '../../src/people-limits.ts'
import { approvalOf } from './approval-fixture.ts'
import { ASKING, ASKING_TWO, deliver, type Governed, refusal, startGoverned, TELLING, untilTold } from './governed.ts'
import { challenge, NETWORK, RULES, settleDown, settled } from './rig.ts'

/** Fails from its call number `after` on, until the returned function is called. */
function broken<T extends object>(target: T, name: keyof T & string, after = 0): () => void {
  const works: unknown = Reflect.get(target, name)
  if (typeof works !== 'function') throw new Error(`there is no ${name}`)
  let calls = 0
  Reflect.set(target, name, async (...given: unknown[]) => {
    if (calls++ >= after) throw new Error('broken for a moment')
    return Reflect.apply(works, target, given)
  })
  return () => void Reflect.set(target, name, works)
}

describe('asking people before the money', () => {
  it('G5: sets nothing aside before a yes, then pays under the approval’s id, with who said it on record', async () => {
    await using rig = await startGoverned(ASKING)
    const paying = rig.pay(() => settled(), { request: rig.request({ hints: { payNever: false, justification: 'the report' } }) })
    await untilTold(rig, 1)
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 0n })
    const asked = await rig.last()
    expect(asked).toMatchObject({ state: 'pending', kind: 'approval', required: 1 })
    expect(asked.shown).toMatchObject({ tier: 'asking', justification: 'the report', remaining: 1_000_000n, amount: 1_000n })
    await rig.approve('ops')
    await deliver(rig, await paying)
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
    expect(await rig.ledger.payment(asked.paymentId)).toMatchObject({
      state: 'settled',
      tier: 'asking',
      context: { approval: { id: asked.id, digest: asked.digest, votes: [{ person: 'ops', channel: 'cli', reason: 'fine' }] } },
    })
    expect(await rig.last()).toMatchObject({ state: 'used' })
  })

  it('answers approval_pending when the hold is over; the same request claims the yes, once', async () => {
    await using rig = await startGoverned(ASKING)
    const waiting = rig.pay(() => settled())
    await untilTold(rig, 1)
    rig.advance(30_000)
    const said = refusal(await waiting)
    const { id, paymentId } = await rig.last()
    expect(said).toMatchObject({
      ...{ code: 'approval_pending', paymentId, moneyState: 'none', retryAfter_s: 10, tier: 'asking', remaining: 1_000_000n },
      approvalUrl: `https://ops.example/approvals/${id}`,
    })
    expect(said?.detail).toContain('one person')
    await rig.approve()
    await deliver(rig, await rig.pay(() => settled()))
    expect(await rig.ledger.payment(paymentId)).toMatchObject({ state: 'settled' })
    const second = rig.pay(() => settled())
    await untilTold(rig, 3)
    rig.advance(30_000)
    expect(refusal(await second)).toMatchObject({ code: 'approval_pending' })
    expect((await rig.last()).id).not.toBe(id)
    expect(rig.sent).toHaveLength(1)
  })

  it('a no is told with its reason, on record, and again for a while without asking anew', async () => {
    await using rig = await startGoverned(ASKING)
    const waiting = rig.pay(() => settled())
    await untilTold(rig, 1)
    await rig.deny('we have that data')
    const said = refusal(await waiting)
    expect(said).toMatchObject({ code: 'approval_denied', tier: 'asking' })
    expect(said?.detail).toContain('we have that data')
    expect(said?.nextAction).toContain('Up to $0.0005 at api.example.com is paid by tier free without asking.')
    const { id } = await rig.last()
    expect(await rig.ledger.payment(said?.paymentId ?? '')).toMatchObject({ state: 'denied', context: { approval: { id } } })
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'approval_denied' })
    expect((await rig.last()).id).toBe(id)
    rig.advance(DENIAL_TOLD_MS)
    const again = rig.pay(() => settled())
    await untilTold(rig, 3)
    expect((await rig.last()).id).not.toBe(id)
    await rig.approve()
    await deliver(rig, await again)
  })

  it('R15: people are asked no longer than the session lasts', async () => {
    await using rig = await startGoverned(ASKING, { session: { expiresAt: Date.parse('2026-06-27T12:05:00Z') } })
    const waiting = rig.pay(() => settled())
    await untilTold(rig, 1)
    expect((await rig.last()).expiresAt).toBe(Date.parse('2026-06-27T12:05:00Z'))
    rig.advance(30_000)
    expect(refusal(await waiting)).toMatchObject({ code: 'approval_pending' })
  })

  it('nobody decides in time: refused by itself, with an alternative, and a later repeat asks anew', async () => {
    const expiresAt = Date.parse('2026-06-28T12:00:00Z')
    await using rig = await startGoverned(ASKING, { people: { hold_ms: 3 * 3_600_000 }, session: { expiresAt } })
    const waiting = rig.pay(() => settled())
    await untilTold(rig, 1)
    rig.advance(3_600_000)
    await rig.people.approvals.sweep()
    const said = refusal(await waiting)
    expect(said).toMatchObject({ code: 'approval_expired', retryAfter_s: 60 })
    expect(said?.nextAction).toContain('tier free')
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'approval_expired' })
    rig.advance(EXPIRY_TOLD_MS)
    const again = rig.pay(() => settled())
    await untilTold(rig, 3)
    await rig.approve()
    await deliver(rig, await again)
    expect(rig.sent).toHaveLength(1)
  })

  it('two people have to say yes where the tier wants two', async () => {
    await using rig = await startGoverned(ASKING_TWO)
    const paying = rig.pay(() => settled())
    await untilTold(rig, 1)
    await rig.approve('alice')
    await settleDown()
    expect(rig.sent).toEqual([])
    await rig.approve('bob')
    await deliver(rig, await paying)
    expect(rig.sent).toHaveLength(1)
  })

  it('G5: an approval never overrides a refusal of the policy in force, and is not used up by it', async () => {
    await using rig = await startGoverned(ASKING)
    const waiting = rig.pay(() => settled())
    await untilTold(rig, 1)
    rig.advance(30_000)
    await waiting
    await rig.approve()
    rig.govern({ rules: { ...RULES, recipients: { ...RULES.recipients, blocked: [{ host: 'api.example.com' }] } } })
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'recipient_blocked' })
    expect(rig.sent).toEqual([])
    expect(await rig.last()).toMatchObject({ state: 'approved' })
  })

  it('G5: what is judged when it is claimed is the policy of that moment, also between the claim and its use', async () => {
    await using rig = await startGoverned(ASKING)
    const waiting = rig.pay(() => settled())
    await untilTold(rig, 1)
    rig.advance(30_000)
    await waiting
    await rig.approve()
    const { approvals } = rig.people
    const claim = approvals.claim.bind(approvals)
    approvals.claim = async (...asked) => {
      const claimed = await claim(...asked)
      rig.govern({ rules: { ...RULES, recipients: { ...RULES.recipients, blocked: [{ host: 'api.example.com' }] } } })
      return claimed
    }
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'recipient_blocked' })
    expect(rig.sent).toEqual([])
    expect(await rig.last()).toMatchObject({ state: 'approved' })
  })

  it('G5: one yes does not do where the policy in force wants two by now', async () => {
    await using rig = await startGoverned(ASKING)
    const waiting = rig.pay(() => settled())
    await untilTold(rig, 1)
    rig.advance(30_000)
    await waiting
    await rig.approve()
    const first = await rig.last()
    rig.govern({ tiers: ASKING_TWO, version: 'v2' })
    const again = rig.pay(() => settled())
    await untilTold(rig, 3)
    rig.advance(30_000)
    expect(refusal(await again)).toMatchObject({ code: 'approval_pending' })
    expect(await rig.people.approvals.approval(first.id)).toMatchObject({ state: 'withdrawn' })
    expect(await rig.last()).toMatchObject({ required: 2, votes: [] })
    expect(rig.sent).toEqual([])
  })

  it('identical requests that wait side by side wait for one approval, and one of them is paid by it', async () => {
    await using rig = await startGoverned(ASKING)
    const both = [rig.pay(() => settled()), rig.pay(() => settled())]
    await untilTold(rig, 1)
    await rig.approve()
    await untilTold(rig, 3)
    rig.advance(30_000)
    const outcomes = await Promise.all(both)
    expect(outcomes.map((one) => refusal(one)?.code ?? one.kind).sort()).toEqual(['answer', 'approval_pending'])
    expect(rig.sent).toHaveLength(1)
  })

  it('R1: keyed requests that wait side by side are one purchase, approved once', async () => {
    await using rig = await startGoverned(ASKING)
    const request = () => rig.request({ headers: ['Idempotency-Key', 'order-1'] })
    const buy = async () => {
      const outcome = await rig.pay(() => settled(), { request: request() })
      if (outcome.kind === 'answer') await outcome.delivered({ status: 200, bytes: 5, complete: true })
      return refusal(outcome)?.code ?? outcome.kind
    }
    const both = [buy(), buy()]
    await untilTold(rig, 1)
    await rig.approve()
    const outcomes = await Promise.all(both)
    expect(outcomes).toContain('answer')
    expect(outcomes.every((one) => one === 'answer' || one === 'purchase_in_progress')).toBe(true)
    expect((await rig.people.approvals.approvals({}, { limit: 10 })).items).toHaveLength(1)
    expect(rig.sent).toHaveLength(1)
  })

  it('a session that is closed meanwhile ends the wait at once, and nobody is paid', async () => {
    await using rig = await startGoverned(ASKING)
    const waiting = rig.pay(() => settled())
    await untilTold(rig, 1)
    await rig.ledger.close(rig.session.id)
    expect(refusal(await waiting)).toMatchObject({ code: 'session_closed' })
    expect(rig.sent).toEqual([])
  })

  it('a halt ends the wait at once', async () => {
    await using rig = await startGoverned(ASKING)
    const waiting = rig.pay(() => settled())
    await untilTold(rig, 1)
    await rig.ledger.halt({ scope: 'recipient', value: 'api.example.com', reason: 'drill', at: rig.clock.now() })
    expect(refusal(await waiting)).toMatchObject({ code: 'payments_halted' })
    expect(rig.sent).toEqual([])
  })

  it('an agent that goes away leaves the approval, which its repeat claims', async () => {
    await using rig = await startGoverned(ASKING)
    const gone = new AbortController()
    const waiting = rig.pay(() => settled(), { request: rig.request({ signal: gone.signal }) })
    await untilTold(rig, 1)
    gone.abort()
    await waiting
    await rig.approve()
    await deliver(rig, await rig.pay(() => settled()))
    expect(rig.sent).toHaveLength(1)
  })

  it('a process that is about to stop answers who waits', async () => {
    await using rig = await startGoverned(ASKING)
    const waiting = rig.pay(() => settled())
    await untilTold(rig, 1)
    rig.people.stop()
    expect(refusal(await waiting)).toMatchObject({ code: 'approval_pending' })
    expect(await rig.last()).toMatchObject({ state: 'pending' })
  })

  it('an aged challenge is asked for again, and must still be the payment that was approved', async () => {
    await using rig = await startGoverned(ASKING)
    const paying = rig.pay(() => settled(), { again: () => challenge({ amount: '2000' }) })
    await untilTold(rig, 1)
    rig.advance(20_000)
    const first = await rig.last()
    await rig.approve()
    await untilTold(rig, 3)
    expect(await rig.last()).toMatchObject({ state: 'pending', shown: { amountAtomic: 2_000n } })
    rig.advance(10_000)
    expect(refusal(await paying)).toMatchObject({ code: 'approval_pending' })
    expect(await rig.people.approvals.approval(first.id)).toMatchObject({ state: 'approved' })
    expect(rig.sent).toEqual([])
  })

  it('an upstream that asks for no payment any more is not paid, and the approval stays', async () => {
    await using rig = await startGoverned(ASKING)
    const paying = rig.pay(() => settled(), { again: () => undefined })
    await untilTold(rig, 1)
    rig.advance(20_000)
    await rig.approve()
    expect(refusal(await paying)).toMatchObject({ code: 'challenge_invalid' })
    expect(await rig.last()).toMatchObject({ state: 'approved' })
    expect(rig.sent).toEqual([])
  })

  it('people are not asked for what does not fit into the session anyway', async () => {
    await using rig = await startGoverned(ASKING, { session: { cap: 500n } })
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'spending_limit_exceeded' })
    expect(rig.people.told).toEqual([])
  })

  it('a yes that was asked for ahead is claimed by the payment that it describes, once, and by no other', async () => {
    await using rig = await startGoverned(ASKING)
    const { session } = rig
    const described = { session, amount: 1_000n, category: 'api_calls', network: NETWORK, justification: null }
    const digest = aheadDigest({ ...described, recipient: 'api.example.com' })
    const yes = { person: 'ops', verdict: 'approve', reason: 'fine', channel: 'cli', at: 0 } as const
    const ahead = approvalOf({ id: 'apr_ahead', paymentId: 'pay_ahead', state: 'approved', votes: [yes], sessionId: session.id, digest })
    await rig.ledger.approvals.insertApproval({ ...ahead, expiresAt: rig.clock.now() + 60_000 })
    await deliver(rig, await rig.pay(() => settled()))
    expect(await rig.people.approvals.approval('apr_ahead')).toMatchObject({ state: 'used' })
    const again = rig.pay(() => settled())
    await untilTold(rig, 1)
    await rig.deny()
    expect(refusal(await again)).toMatchObject({ code: 'approval_denied' })
    expect(rig.sent).toHaveLength(1)
  })

  describe('while people are asked ahead for the same payment', () => {
    /** A question as `POST /v1/authorize` leaves it, with the hold of the agent's request over. */
    async function askedAhead(more: Partial<Approval> = {}) {
      const rig = await startGoverned(more.required === undefined ? ASKING : ASKING_TWO)
      const { session } = rig
      const described = { session, amount: 1_000n, category: 'api_calls', network: NETWORK, justification: null }
      const digest = aheadDigest({ ...described, recipient: 'api.example.com' })
      const ahead = approvalOf({ id: 'apr_ahead', paymentId: 'pay_ahead', sessionId: session.id, digest, ...more })
      await rig.ledger.approvals.insertApproval({ ...ahead, expiresAt: rig.clock.now() + 3_600_000 })
      const vote = (verdict: 'approve' | 'deny') =>
        rig.people.approvals.vote('apr_ahead', { person: 'ops', verdict, reason: 'said ahead', channel: 'cli' })
      return { rig, vote }
    }

    it('the payment waits for that yes, and nobody is asked twice', async () => {
      const { rig, vote } = await askedAhead()
      await using _ = rig
      const paying = rig.pay(() => settled())
      await settleDown()
      await vote('approve')
      await deliver(rig, await paying)
      expect(rig.people.told.map(({ news, approval }) => [news, approval.id])).toEqual([['approval.decided', 'apr_ahead']])
      expect(await rig.last()).toMatchObject({ id: 'apr_ahead', state: 'used' })
      expect(await rig.ledger.payment('pay_ahead')).toMatchObject({ state: 'settled' })
    })

    it('a request that may wait no longer hears of it, and of the no that comes meanwhile', async () => {
      const { rig, vote } = await askedAhead()
      await using _ = rig
      const waiting = rig.pay(() => settled())
      await settleDown()
      rig.advance(30_000)
      expect(refusal(await waiting)).toMatchObject({ code: 'approval_pending', paymentId: 'pay_ahead', moneyState: 'none' })
      await vote('deny')
      expect(refusal(await rig.pay(() => settled()))).toMatchObject({
        code: 'approval_denied',
        detail: expect.stringContaining('said ahead'),
      })
      expect(rig.people.told).toHaveLength(1)
      expect(rig.sent).toEqual([])
    })

    it('which needs fewer people than the payment does, they are asked for the payment', async () => {
      const { rig } = await askedAhead({ required: 1 })
      await using _ = rig
      const paying = rig.pay(() => settled())
      await untilTold(rig, 1)
      expect(await rig.last()).toMatchObject({ required: 2, state: 'pending' })
      rig.advance(30_000)
      expect(refusal(await paying)).toMatchObject({ code: 'approval_pending' })
    })
  })

  it.each<[string, (rig: Governed) => () => void]>([
    ['the wallet does not sign', (rig) => broken(rig.deps.wallet, 'signTransfer')],
    ['the ledger fails while it is judged', (rig) => broken(rig.deps.ledger, 'history', 1)],
    ['the ledger fails while it is reserved', (rig) => broken(rig.deps.ledger, 'reserve')],
    ['the balance cannot be asked', (rig) => broken(rig.deps.funds, 'cover')],
  ])('where %s a claimed yes is given back, and pays once later', async (_what, breaks) => {
    await using rig = await startGoverned(ASKING)
    const waiting = rig.pay(() => settled())
    await untilTold(rig, 1)
    rig.advance(30_000)
    await waiting
    await rig.approve()
    const mend = breaks(rig)
    expect((await rig.pay(() => settled())).kind).toBe('refuse')
    expect(rig.sent).toEqual([])
    expect(await rig.last()).toMatchObject({ state: 'approved' })
    expect(await rig.balance()).toMatchObject({ held: 0n, spent: 0n })
    mend()
    await deliver(rig, await rig.pay(() => settled()))
    expect(await rig.last()).toMatchObject({ state: 'used' })
    expect(rig.sent).toHaveLength(1)
  })

  it('what the wallet cannot cover gives the approval back', async () => {
    let wallet = 999n
    await using rig = await startGoverned(ASKING, { balance: async () => wallet })
    const waiting = rig.pay(() => settled())
    await untilTold(rig, 1)
    await rig.approve()
    expect(refusal(await waiting)).toMatchObject({ code: 'wallet_insufficient' })
    expect(await rig.last()).toMatchObject({ state: 'approved' })
    wallet = 1_000n
    rig.advance(60_000)
    await deliver(rig, await rig.pay(() => settled()))
    expect(await rig.last()).toMatchObject({ state: 'used' })
  })

  it.each([[[]], [['Idempotency-Key', 'order-1']]])(
    'a yes that died with its claimer is had by a repeat a while later, headers %j',
    async (headers) => {
      await using rig = await startGoverned(ASKING)
      const request = () => rig.request({ headers })
      const waiting = rig.pay(() => settled(), { request: request() })
      await untilTold(rig, 1)
      rig.advance(30_000)
      await waiting
      await rig.approve()
      const { id, digest } = await rig.last()
      // Another process claimed it, and was killed before it reserved.
      const lost = await rig.people.approvals.claim(rig.session.id, digest)
      rig.advance(CLAIM_LOST_MS)
      await deliver(rig, await rig.pay(() => settled(), { request: request() }))
      expect(await rig.last()).toMatchObject({ id, state: 'used' })
      expect((await rig.last()).paymentId).not.toBe(lost?.paymentId)
      expect(rig.people.told).toHaveLength(2)
      expect(rig.sent).toHaveLength(1)
    },
  )

  it('G5: an approval that was paid on is never given back, however long ago that was', async () => {
    await using rig = await startGoverned(ASKING)
    const first = rig.pay(() => settled())
    await untilTold(rig, 1)
    await rig.approve()
    await deliver(rig, await first)
    const { id } = await rig.last()
    rig.advance(CLAIM_LOST_MS)
    const second = rig.pay(() => settled())
    await untilTold(rig, 3)
    expect(await rig.people.approvals.approval(id)).toMatchObject({ state: 'used' })
    expect(rig.sent).toHaveLength(1)
    rig.advance(30_000)
    expect(refusal(await second)).toMatchObject({ code: 'approval_pending' })
  })

  it('G5: a claim whose claimer may still be at work is not given to anybody else', async () => {
    await using rig = await startGoverned(ASKING)
    const waiting = rig.pay(() => settled())
    await untilTold(rig, 1)
    rig.advance(30_000)
    await waiting
    await rig.approve()
    const { id, digest } = await rig.last()
    await rig.people.approvals.claim(rig.session.id, digest)
    rig.advance(CLAIM_LOST_MS - 1)
    const second = rig.pay(() => settled())
    await untilTold(rig, 3)
    expect(await rig.people.approvals.approval(id)).toMatchObject({ state: 'used' })
    rig.advance(30_000)
    expect(refusal(await second)).toMatchObject({ code: 'approval_pending' })
    expect(rig.sent).toEqual([])
  })

  it('a claimer that stood still is too late for its claim before anybody else may have it', async () => {
    await using rig = await startGoverned(ASKING)
    const waiting = rig.pay(() => settled())
    await untilTold(rig, 1)
    rig.advance(30_000)
    await waiting
    await rig.approve()
    const reserve = rig.deps.ledger.reserve.bind(rig.deps.ledger)
    const reserved: string[] = []
    rig.deps.ledger.reserve = async (asked) => {
      if (reserved.length === 0) rig.advance(CLAIM_TTL_MS)
      const outcome = await reserve(asked)
      reserved.push(outcome.kind)
      return outcome
    }
    await deliver(rig, await rig.pay(() => settled()))
    expect(reserved).toEqual(['decide_again', 'reserved'])
    expect(CLAIM_TTL_MS).toBeLessThan(CLAIM_LOST_MS)
    expect(await rig.last()).toMatchObject({ state: 'used' })
  })

  it('what could not be reserved gives the approval back', async () => {
    await using rig = await startGoverned(ASKING, { session: { cap: 1_500n } })
    const waiting = rig.pay(() => settled())
    await untilTold(rig, 1)
    rig.advance(30_000)
    await waiting
    await rig.approve()
    rig.govern({ tiers: TELLING.map((tier) => ({ ...tier, approval: 'none' as const })) })
    await deliver(rig, await rig.pay(() => settled(), { request: rig.request({ url: 'https://api.example.com/other' }) }))
    rig.govern({ tiers: ASKING })
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'spending_limit_exceeded' })
    expect(await rig.last()).toMatchObject({ state: 'approved' })
    await rig.ledger.topUp(rig.session.id, { amount: 1_000n, extend_ms: 0 })
    await deliver(rig, await rig.pay(() => settled()))
    expect(await rig.last()).toMatchObject({ state: 'used' })
  })
})
