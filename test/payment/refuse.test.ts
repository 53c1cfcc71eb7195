import { describe, expect, it } from 'vitest'
import { refused } from '../../src/errors.ts'
import { refuseFault } from '../../src/payment/refuse.ts'
import { answer, settled, startRig } from './rig.ts'

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
})
