import { describe, expect, it } from 'vitest'
import { createEstimate, type Probed } from '../../src/payment/estimate.ts'
import { challenge, NETWORK, PAY_TO, type Rig, settled, startRig, URL_ASKED } from './rig.ts'

const ask = (rig: Rig, probed: Partial<Extract<Probed, { kind: 'answer' }>> = {}, session = rig.session) => {
  const probe = async (): Promise<Probed> => ({ kind: 'answer', url: URL_ASKED, transport: 'verified-tls', answer: challenge(), ...probed })
  return createEstimate(rig.deps, probe)(session, { url: URL_ASKED, method: 'GET' })
}

describe('what something would cost', () => {
  it('names price, tier and recipient, and sets nothing aside', async () => {
    await using rig = await startRig()
    expect(await ask(rig)).toMatchObject({
      ...{ payable: true, amount: 1_000n, currency: 'USD', asset: 'USDC', network: NETWORK, recipient: PAY_TO },
      ...{ tier: 'autonomous', decision: 'allow' },
    })
    expect(await rig.balance()).toMatchObject({ held: 0n, spent: 0n })
    expect((await rig.ledger.payments({}, { limit: 10 })).items).toEqual([])
  })

  it.each<[string, Partial<Extract<Probed, { kind: 'answer' }>>, string | undefined]>([
    ['a stranger', { url: 'https://stranger.test/' }, 'no_tier_matches'],
    ['a price beyond what remains', { answer: challenge({ amount: '2000000' }) }, 'spending_limit_exceeded'],
    ['plain http', { transport: 'plain' }, 'plain_http_not_payable'],
    ['a broken challenge', { answer: { status: 402, headers: ['PAYMENT-REQUIRED', '%'], body: undefined } }, 'challenge_invalid'],
    ['something free', { answer: { status: 200, headers: [], body: undefined } }, undefined],
  ])('%s is not payable, and says why', async (_name, probed, code) => {
    await using rig = await startRig()
    const estimate = await ask(rig, probed)
    expect(estimate).toMatchObject({ payable: false, reason: expect.stringMatching(/\.$/) })
    expect(estimate.code).toBe(code)
  })

  it.each<[string, Parameters<typeof startRig>[0], string]>([
    ['more than one payment may be', { session: { limits: { perPayment: 999n } } }, 'per_payment_limit_exceeded'],
    ['one payment more than there may be', { session: { limits: { payments: 0 } } }, 'payment_count_exceeded'],
  ])('%s is not payable either', async (_name, options, code) => {
    await using rig = await startRig(options)
    expect(await ask(rig)).toMatchObject({ payable: false, code, amount: 1_000n })
  })

  it('what does not fit into the budget of an ancestor is not payable', async () => {
    await using rig = await startRig({ session: { cap: 1_999n } })
    const child = await rig.openSession({ parent: rig.session.id, cap: 1_999n })
    expect(await ask(rig, {}, child)).toMatchObject({ payable: true })
    await rig.pay(() => settled())
    const detail = `$0.001 does not fit: $0.000999 of $0.001999 remain in session ${rig.session.id}. Its owner, `
    expect(await ask(rig, {}, child)).toMatchObject({
      payable: false,
      code: 'spending_limit_exceeded',
      reason: expect.stringContaining(detail),
    })
  })

  it('while payments are halted nothing is payable', async () => {
    await using rig = await startRig()
    await rig.ledger.halt({ scope: 'agent', value: rig.session.agent, reason: 'drill', at: rig.clock.now() })
    expect(await ask(rig)).toMatchObject({ payable: false, code: 'payments_halted' })
  })

  it('a probe that fails is told as it is', async () => {
    await using rig = await startRig()
    const probe = async (): Promise<Probed> => ({ kind: 'failed', refusal: { code: 'upstream_unreachable', detail: 'No such host.' } })
    const estimate = await createEstimate(rig.deps, probe)(rig.session, { url: URL_ASKED, method: 'GET' })
    expect(estimate).toEqual({ payable: false, code: 'upstream_unreachable', reason: 'No such host.' })
  })
})
