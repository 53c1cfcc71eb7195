import { describe, expect, it } from 'vitest'
import { refused } from '../../src/errors.ts'
import { openCase } from '../../src/payment/case.ts'
import { pending, refuseFault } from '../../src/payment/refuse.ts'
import { approvalOf } from './approval-fixture.ts'
import { answer, challenge, settled, startRig } from './rig.ts'

describe('what the agent is told', () => {
  it('a fault that is expected keeps its own code', async () => {
    await using rig = await startRig()
    const outcome = refuseFault(rig.deps, rig.request(), refused('ledger_unavailable', 'The disk is full.'))
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'ledger_unavailable', sessionId: rig.session.id } })
  })

  it('any other fault says nothing of its inside, and that the money is not certain', async () => {
    await using rig = await startRig()
    const outcome = refuseFault(rig.deps, rig.request(), new Error('secret inside'))
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'internal_error', moneyState: 'unknown' } })
    expect(JSON.stringify(outcome)).not.toContain('secret inside')
  })

  it('a refusal after a payment has its id, tier, amount and the balance as it is now', async () => {
    await using rig = await startRig()
    const outcome = await rig.pay(() => answer(402))
    expect(outcome).toMatchObject({
      refusal: { tier: 'autonomous', amount: 1_000n, held: 1_000n, remaining: 999_000n, cap: 1_000_000n, sessionId: rig.session.id },
    })
    expect(outcome.kind === 'refuse' && outcome.refusal.paymentId).toMatch(/^pay_/)
  })

  it('the canonical line learns payment, tier, price and what the money did', async () => {
    await using rig = await startRig()
    const request = rig.request()
    await rig.pay(() => settled(), { request })
    expect(request.line).toMatchObject({ tier: 'autonomous', amount: '0.001 USD', money: 'moved' })
  })

  it('refusing in a loop leaves one record with a count', async () => {
    await using rig = await startRig()
    const ask = () => rig.pay(() => settled(), { request: rig.request({ url: 'https://stranger.test/' }) })
    await ask()
    await ask()
    const payments = await rig.ledger.payments({}, { limit: 10 })
    expect(payments.items).toMatchObject([{ state: 'denied', code: 'no_tier_matches', count: 2 }])
  })

  it('what waits for people is answered with its balance, and leaves no record of a refusal', async () => {
    await using rig = await startRig()
    const opened = openCase(rig.deps, rig.request(), challenge())
    if (opened.kind !== 'challenge') throw new Error('no challenge')
    const approval = approvalOf({ required: 2, expiresAt: rig.clock.now() + 60_000 })
    const { refusal } = await pending(opened.case, approval, { held: false })
    expect(refusal).toMatchObject({ code: 'approval_pending', paymentId: 'pay_1', moneyState: 'none', cap: 1_000_000n, retryAfter_s: 10 })
    expect(refusal.detail).toBe('Tier asking. It waits for a yes of 2 different people until 2026-06-27T12:01:00.000Z.')
    expect((await rig.ledger.receipts({}, { limit: 10 })).items).toEqual([])
  })

  it('a window that runs is worth repeating at its end, one that has not begun soon', async () => {
    await using rig = await startRig()
    const opened = openCase(rig.deps, rig.request(), challenge())
    if (opened.kind !== 'challenge') throw new Error('no challenge')
    const now = rig.clock.now()
    const window = { length_ms: 30_000, startedAt: now }
    const runs = await pending(opened.case, approvalOf({ kind: 'veto', window, expiresAt: now + 30_000 }), { held: true })
    expect(runs.refusal).toMatchObject({ retryAfter_s: 30, moneyState: 'held' })
    expect(runs.refusal.detail).toContain('may veto it until 2026-06-27T12:00:30.000Z')
    const waits = await pending(
      opened.case,
      approvalOf({ kind: 'veto', window: { ...window, startedAt: null }, expiresAt: now + 900_000 }),
      { held: true },
    )
    expect(waits.refusal).toMatchObject({ retryAfter_s: 10 })
    expect(waits.refusal.detail).toContain('People are being told')
  })
})
