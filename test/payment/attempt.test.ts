import { describe, expect, it } from 'vitest'
import { attemptOf, termsOf } from '../../src/payment/attempt.ts'
import { chooseOffer } from '../../src/rails/quote.ts'
import { challenge, NETWORK, PAY_TO, startRig } from './rig.ts'

describe('the record of an attempt', () => {
  it('has what the agent said, and leaves empty what is not known yet', async () => {
    await using rig = await startRig()
    const hints = { payNever: false, tool: 'web', task: 't1', user: 'u1', justification: 'because' }
    const attempt = attemptOf({ request: rig.request({ hints }), challengeDigest: 'abc', challengedAt: 1, decidedAt: 2 })
    expect(attempt).toMatchObject({ tool: 'web', task: 't1', user: 'u1', justification: 'because', host: 'api.example.com' })
    expect(attempt).toMatchObject({ paymentRequestId: 'exc_1', challengeDigest: 'abc', tier: '', terms: null, trust: null, wouldBe: null })
  })

  it('names what enforce would have done, where a mode let it pass', async () => {
    await using rig = await startRig()
    const wouldBe = { kind: 'deny', code: 'no_tier_matches', tier: '', reason: 'No tier.' } as const
    const decision = { tier: '', rule: 'mode.report', reason: 'passes', policyVersion: 'v1', wouldBe }
    const facts = { request: rig.request(), challengeDigest: '', challengedAt: 1, decidedAt: 2, decision }
    expect(attemptOf(facts).wouldBe).toBe('no_tier_matches: No tier.')
  })

  it('keeps the terms with our own decimals and the price rounded up', async () => {
    await using rig = await startRig()
    const detected = rig.deps.rails[0]?.detect(challenge(), undefined)
    if (detected?.kind !== 'challenge') throw new Error('no challenge')
    const quote = chooseOffer(detected.challenge, rig.session)
    if ('code' in quote) throw new Error(quote.detail)
    expect(termsOf(quote, '0xpayer')).toMatchObject({
      ...{ rail: 'x402', scheme: 'exact', network: NETWORK, payTo: PAY_TO, payer: '0xpayer', currency: 'USD' },
      ...{ amountAtomic: 1_000n, amount: 1_000n, asset: { symbol: 'USDC', decimals: 6 } },
    })
  })
})
