import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PurserError } from '../../src/errors.ts'
import { PASSED_TTL_MS } from '../../src/limits.ts'
import { INBOX_START_MS } from '../../src/people-limits.ts'
import { countingIds, testClock } from '../clock.ts'
import { deliver, type Governed, refusal, startGoverned, TELLING, untilTold } from './governed.ts'
import { charge, credentialIn, receipted } from './mpp-challenges.ts'
import { challenge, settleDown, settled, type Upstream } from './rig.ts'

const WINDOW_MS = 30_000

/** A request whose window has begun: somebody has the notice. */
async function begun(
  rig: Governed,
  options: { readonly signal?: AbortSignal; readonly again?: Parameters<typeof rig.pay>[1]; readonly upstream?: Upstream } = {},
) {
  const { signal, again, upstream = () => settled() } = options
  const before = rig.people.told.length
  const paying = rig.pay(upstream, { ...again, request: rig.request(signal ? { signal } : {}) })
  await untilTold(rig, before + 1)
  const { id } = await rig.last()
  await rig.people.approvals.noticed(id)
  await settleDown()
  return { paying, id }
}

const payments = async (rig: Governed) => (await rig.ledger.payments({}, { limit: 10 })).items.map(({ state, code }) => [state, code])

describe('a veto window', () => {
  it('runs on money that is set aside, and silence pays', async () => {
    await using rig = await startGoverned(TELLING)
    const { paying } = await begun(rig)
    expect(await rig.balance()).toMatchObject({ held: 1_000n })
    expect(await rig.last()).toMatchObject({ kind: 'veto', state: 'pending' })
    rig.advance(WINDOW_MS - 1)
    await settleDown()
    expect(rig.sent).toEqual([])
    rig.advance(1)
    await deliver(rig, await paying)
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
    const { paymentId, state } = await rig.last()
    expect(state).toBe('used')
    expect(await rig.ledger.payment(paymentId)).toMatchObject({ state: 'settled', tier: 'telling' })
  })

  it('R6: nobody is told before the reservation is on disk', async () => {
    await using rig = await startGoverned(TELLING)
    const order: string[] = []
    const reserve = rig.ledger.reserve.bind(rig.ledger)
    rig.ledger.reserve = async (request) => {
      const result = await reserve(request)
      if (result.kind === 'reserved') {
        const { reservation } = result
        const durable = reservation.durable.bind(reservation)
        reservation.durable = async () => {
          await durable()
          order.push('durable')
        }
      }
      return result
    }
    const open = rig.people.approvals.openWindow.bind(rig.people.approvals)
    rig.people.approvals.openWindow = (request) => {
      order.push('told')
      return open(request)
    }
    await begun(rig)
    expect(order).toEqual(['durable', 'told'])
  })

  it('does not begin before somebody has the notice', async () => {
    await using rig = await startGoverned(TELLING, { people: { vetoHold_ms: 200_000 } })
    const paying = rig.pay(() => settled())
    await untilTold(rig, 1)
    rig.advance(3 * WINDOW_MS)
    await settleDown()
    expect(rig.sent).toEqual([])
    await rig.people.approvals.noticed((await rig.last()).id)
    await settleDown()
    rig.advance(WINDOW_MS)
    await deliver(rig, await paying)
  })

  it('a veto refuses at once, frees the money, and is told again without a new window', async () => {
    await using rig = await startGoverned(TELLING)
    const { paying, id } = await begun(rig)
    await rig.deny('not this week')
    const said = refusal(await paying)
    expect(said).toMatchObject({ code: 'vetoed', moneyState: 'none', tier: 'telling' })
    expect(said?.detail).toContain('not this week')
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 0n })
    expect(await payments(rig)).toEqual([['void', 'vetoed']])
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'vetoed' })
    expect((await rig.last()).id).toBe(id)
    expect(rig.sent).toEqual([])
  })

  it('G5: a veto that arrives in the same instant as the end wins', async () => {
    await using rig = await startGoverned(TELLING)
    const { approvals } = rig.people
    const close = approvals.closeWindow.bind(approvals)
    approvals.closeWindow = async (id, waiting) => {
      await rig.deny('just in time')
      return close(id, waiting)
    }
    const { paying } = await begun(rig)
    rig.advance(WINDOW_MS)
    expect(refusal(await paying)).toMatchObject({ code: 'vetoed' })
    expect(rig.sent).toEqual([])
    expect(await rig.balance()).toMatchObject({ held: 0n })
  })

  it('with nobody to tell it begins when somebody reads the inbox soon enough, and silence pays then', async () => {
    await using rig = await startGoverned(TELLING, { people: { reachable: 0 } })
    const paying = rig.pay(() => settled())
    await untilTold(rig, 1)
    rig.advance(INBOX_START_MS - 1)
    await rig.people.approvals.noticed((await rig.last()).id)
    await rig.people.approvals.sweep()
    rig.advance(WINDOW_MS)
    await deliver(rig, await paying)
    expect(await rig.last()).toMatchObject({ kind: 'veto', state: 'used' })
  })

  it('with nobody to tell it becomes an approval: nothing goes through unseen', async () => {
    await using rig = await startGoverned(TELLING, { people: { reachable: 0 } })
    const paying = rig.pay(() => settled())
    await untilTold(rig, 1)
    rig.advance(INBOX_START_MS)
    await rig.people.approvals.sweep()
    await settleDown()
    expect(await rig.balance()).toMatchObject({ held: 0n })
    rig.advance(10_000)
    await settleDown()
    expect(rig.sent).toEqual([])
    expect(await rig.last()).toMatchObject({ kind: 'approval', state: 'pending' })
    await rig.approve()
    await deliver(rig, await paying)
    expect(await rig.last()).toMatchObject({ state: 'used' })
    expect(await payments(rig)).toEqual([
      ['settled', null],
      ['void', 'approval_pending'],
    ])
  })

  it('a ledger that cannot be read before anybody is told leaves nothing held, and the same request may try again', async () => {
    await using rig = await startGoverned(TELLING)
    const known = rig.ledger.session.bind(rig.ledger)
    rig.ledger.session = async (id) => {
      if (id !== 'ses_parent') return known(id)
      throw new PurserError({ code: 'ledger_unavailable', detail: 'for a moment' })
    }
    const request = rig.request()
    const child = { ...request, session: { ...request.session, parent: 'ses_parent' } }
    expect(refusal(await rig.pay(() => settled(), { request: child }))).toMatchObject({ code: 'ledger_unavailable' })
    expect(await rig.balance()).toMatchObject({ held: 0n, spent: 0n })
    await rig.deps.inFlight.idle()
    const { paying } = await begun(rig)
    rig.advance(WINDOW_MS)
    await deliver(rig, await paying)
  })

  it('R16: its agent goes away in the instant of its end: nothing is paid that nobody waits for, and one repeat may claim it', async () => {
    await using rig = await startGoverned(TELLING)
    const gone = new AbortController()
    const { paying } = await begun(rig, { signal: gone.signal })
    gone.abort()
    rig.advance(WINDOW_MS)
    await paying
    await rig.deps.inFlight.idle()
    expect(rig.sent).toEqual([])
    expect(await rig.balance()).toMatchObject({ held: 0n, spent: 0n })
    expect(await rig.last()).toMatchObject({ state: 'passed' })
    await deliver(rig, await rig.pay(() => settled()))
    expect(await rig.last()).toMatchObject({ state: 'used' })
  })

  it('R16: its agent goes away: the window runs on, frees the money at its end, and one repeat may claim it', async () => {
    await using rig = await startGoverned(TELLING)
    const gone = new AbortController()
    const { paying } = await begun(rig, { signal: gone.signal })
    gone.abort()
    await paying
    await settleDown()
    expect(await rig.balance()).toMatchObject({ held: 1_000n })
    expect(await rig.last()).toMatchObject({ state: 'pending' })
    rig.advance(WINDOW_MS)
    await rig.deps.inFlight.idle()
    expect(await rig.balance()).toMatchObject({ held: 0n, spent: 0n })
    expect(await rig.last()).toMatchObject({ state: 'passed' })
    expect(rig.sent).toEqual([])
    rig.advance(PASSED_TTL_MS - 1)
    await deliver(rig, await rig.pay(() => settled()))
    expect(await rig.last()).toMatchObject({ state: 'used' })
    const next = await begun(rig)
    expect(await rig.last()).toMatchObject({ kind: 'veto', state: 'pending' })
    await rig.deny()
    await next.paying
    expect(rig.sent).toHaveLength(1)
  })

  it('R16: the claim is worth nothing after five minutes: a new window runs', async () => {
    await using rig = await startGoverned(TELLING)
    const gone = new AbortController()
    const { paying, id } = await begun(rig, { signal: gone.signal })
    gone.abort()
    await paying
    await settleDown()
    rig.advance(WINDOW_MS)
    await rig.deps.inFlight.idle()
    rig.advance(PASSED_TTL_MS)
    const again = await begun(rig)
    expect(again.id).not.toBe(id)
    rig.advance(WINDOW_MS)
    await deliver(rig, await again.paying)
  })

  it('a veto after the agent has gone frees the money, and the repeat is told', async () => {
    await using rig = await startGoverned(TELLING)
    const gone = new AbortController()
    const { paying } = await begun(rig, { signal: gone.signal })
    gone.abort()
    await paying
    await settleDown()
    await rig.deny('no')
    await rig.deps.inFlight.idle()
    expect(await rig.balance()).toMatchObject({ held: 0n })
    expect(await payments(rig)).toEqual([['void', 'vetoed']])
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'vetoed' })
    expect(rig.sent).toEqual([])
  })

  it('R16: a repeat joins the window that runs by itself, and pays at its end', async () => {
    await using rig = await startGoverned(TELLING)
    const gone = new AbortController()
    const { paying, id } = await begun(rig, { signal: gone.signal })
    gone.abort()
    await paying
    const repeat = rig.pay(() => settled())
    await settleDown()
    expect((await rig.last()).id).toBe(id)
    rig.advance(WINDOW_MS)
    await deliver(rig, await repeat)
    expect(rig.people.told.filter(({ news }) => news === 'veto.opened')).toHaveLength(1)
    expect(rig.sent).toHaveLength(1)
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })

  it('R1: a keyed repeat joins it too', async () => {
    await using rig = await startGoverned(TELLING, { people: { vetoHold_ms: 10_000 } })
    const request = () => rig.request({ headers: ['Idempotency-Key', 'order-1'] })
    const first = rig.pay(() => settled(), { request: request() })
    await untilTold(rig, 1)
    await rig.people.approvals.noticed((await rig.last()).id)
    await settleDown()
    rig.advance(10_000)
    expect(refusal(await first)).toMatchObject({ code: 'approval_pending', moneyState: 'held', retryAfter_s: 20 })
    const second = rig.pay(() => settled(), { request: request() })
    await settleDown()
    rig.advance(10_000)
    expect(refusal(await second)).toMatchObject({ code: 'approval_pending' })
    const third = rig.pay(() => settled(), { request: request() })
    await settleDown()
    rig.advance(10_000)
    await deliver(rig, await third)
    expect(rig.sent).toHaveLength(1)
  })

  it('R3: identical requests that wait side by side have a window each', async () => {
    await using rig = await startGoverned(TELLING)
    const first = await begun(rig)
    const second = await begun(rig)
    expect(second.id).not.toBe(first.id)
    expect(await rig.balance()).toMatchObject({ held: 2_000n })
    rig.advance(WINDOW_MS)
    const outcomes = await Promise.all([first.paying, second.paying])
    for (const outcome of outcomes) await deliverOne(outcome)
    expect(rig.sent).toHaveLength(2)
  })

  it.each([
    ['closed', async (rig: Governed) => void (await rig.ledger.close(rig.session.id)), 'session_closed'],
    ['revoked', async (rig: Governed) => void (await rig.ledger.revoke(rig.session.id)), 'session_revoked'],
    [
      'halted',
      async (rig: Governed) => rig.ledger.halt({ scope: 'all', value: '', reason: 'drill', at: rig.clock.now() }),
      'payments_halted',
    ],
  ])('a session that is %s meanwhile ends it at once, and frees the money', async (_name, act, code) => {
    await using rig = await startGoverned(TELLING)
    const { paying, id } = await begun(rig)
    await act(rig)
    expect(refusal(await paying)).toMatchObject({ code })
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 0n })
    expect(await rig.people.approvals.approval(id)).toMatchObject({ state: 'withdrawn' })
    rig.advance(WINDOW_MS)
    await settleDown()
    expect(rig.sent).toEqual([])
  })

  it('another policy meanwhile: the payment is decided on anew, and people hear of it again', async () => {
    await using rig = await startGoverned(TELLING)
    const { paying, id } = await begun(rig)
    rig.govern({ version: 'v2' })
    rig.advance(WINDOW_MS)
    await untilTold(rig, 2)
    expect(await rig.people.approvals.approval(id)).toMatchObject({ state: 'withdrawn' })
    expect((await rig.last()).shown.policyVersion).toBe('v2')
    await rig.deny()
    expect(refusal(await paying)).toMatchObject({ code: 'vetoed' })
    expect(rig.sent).toEqual([])
  })

  it('G5: a challenge that differs at the end starts over; nothing is paid for what nobody saw', async () => {
    await using rig = await startGoverned(TELLING)
    const { paying, id } = await begun(rig, { again: { again: () => challenge({ amount: '2000' }) } })
    rig.advance(WINDOW_MS)
    await untilTold(rig, 2)
    expect(await rig.people.approvals.approval(id)).toMatchObject({ state: 'withdrawn' })
    expect(await rig.last()).toMatchObject({ kind: 'veto', state: 'pending', shown: { amountAtomic: 2_000n } })
    expect(await rig.balance()).toMatchObject({ held: 2_000n })
    await rig.deny()
    await paying
    expect(rig.sent).toEqual([])
  })

  it('a challenge with a nonce and an end of its own that outlives the window is paid as it was reserved', async () => {
    await using rig = await startGoverned(TELLING)
    const asked: string[] = []
    const again = () => {
      asked.push('again')
      return charge({ id: 'two' })
    }
    const { paying } = await begun(rig, { upstream: () => receipted(), again: { unpaid: charge({ id: 'one' }), again } })
    rig.advance(WINDOW_MS)
    await deliver(rig, await paying)
    expect(asked).toEqual([])
    expect(credentialIn(rig.sent[0] ?? []).challenge.id).toBe('one')
  })

  it('a challenge that ends in the window is asked for again: what nobody vetoed pays the fresh one, and nobody is told twice', async () => {
    await using rig = await startGoverned(TELLING)
    const unpaid = charge({ id: 'one', expires: '2026-06-27T12:00:35Z' })
    const { paying, id } = await begun(rig, { upstream: () => receipted(), again: { unpaid, again: () => charge({ id: 'two' }) } })
    rig.advance(WINDOW_MS)
    await deliver(rig, await paying)
    expect(rig.sent.map((headers) => credentialIn(headers).challenge.id)).toEqual(['two'])
    expect(rig.people.told).toHaveLength(1)
    expect(await rig.last()).toMatchObject({ id, state: 'used' })
    expect(await payments(rig)).toEqual([
      ['settled', null],
      ['void', 'approval_pending'],
    ])
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n, payments: 1 })
  })

  it('a process that is about to stop frees the money; the window runs on and becomes a claim', async () => {
    await using rig = await startGoverned(TELLING)
    const { paying } = await begun(rig)
    rig.people.stop()
    expect(refusal(await paying)).toMatchObject({ code: 'approval_pending' })
    expect(await rig.balance()).toMatchObject({ held: 0n })
    expect(await rig.last()).toMatchObject({ state: 'pending' })
  })

  it('R5: a restart in the middle frees the money, and the window that runs out meanwhile is one repeat’s claim', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'purser-window-'))
    const shared = { folder, clock: testClock(), ids: countingIds(), session: { id: 'ses_resumed' } }
    try {
      const before = await startGoverned(TELLING, { ...shared, runId: 'run_1' })
      const { id } = await begun(before)
      await before[Symbol.asyncDispose]()
      await using rig = await startGoverned(TELLING, { ...shared, runId: 'run_2' })
      expect(await rig.balance()).toMatchObject({ held: 0n })
      const repeat = rig.pay(() => settled())
      await settleDown()
      expect((await rig.last()).id).toBe(id)
      rig.advance(WINDOW_MS)
      await deliver(rig, await repeat)
      expect(rig.people.told.map(({ news }) => news)).toEqual([])
      expect(await rig.last()).toMatchObject({ id, state: 'used' })
      expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

async function deliverOne(outcome: Awaited<ReturnType<Governed['pay']>>): Promise<void> {
  if (outcome.kind !== 'answer') throw new Error(`no answer: ${refusal(outcome)?.detail}`)
  await outcome.delivered({ status: 200, bytes: 5, complete: true })
}
