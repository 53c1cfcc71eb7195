import { describe, expect, it } from 'vitest'
import { openCase } from '../../src/payment/case.ts'
import { judge } from '../../src/payment/judge.ts'
import { chooseOffer } from '../../src/rails/quote.ts'
import { challenge, NETWORK, type Rig, startRig } from './rig.ts'

async function judged(rig: Pick<Rig, 'deps' | 'request' | 'session'>, changes: Parameters<Rig['request']>[0] = {}) {
  const opened = openCase(rig.deps, rig.request(changes), challenge())
  if (opened.kind !== 'challenge') throw new Error('no challenge')
  const quote = chooseOffer(opened.case.challenge, rig.session)
  if ('code' in quote) throw new Error(quote.detail)
  return judge(opened.case, quote)
}

describe('judging a quote', () => {
  it('an allowed payment carries the whole attempt, the tier’s frequency and the wish to pin', async () => {
    await using rig = await startRig()
    expect(await judged(rig)).toMatchObject({
      kind: 'allowed',
      pin: true,
      decision: { tier: 'autonomous', frequency: { tier: 'autonomous', max: 100, per_ms: 3_600_000 } },
      attempt: { tier: 'autonomous', trust: 'verified', terms: { amount: 1_000n } },
    })
  })

  it('a refusal carries the rule and the amount', async () => {
    await using rig = await startRig()
    const verdict = await judged(rig, { url: 'https://stranger.test/' })
    if (verdict.kind !== 'refused') throw new Error('it was allowed')
    expect(verdict.refusal).toMatchObject({ code: 'no_tier_matches', rule: 'default', amount: 1_000n, currency: 'USD' })
    expect(verdict.refusal.detail).toContain('recipients.verified')
  })

  it('the scope of the session is judged with the payment’s category', async () => {
    await using rig = await startRig({ session: { scope: { categories: ['search'] } } })
    expect(await judged(rig)).toMatchObject({ kind: 'refused', refusal: { code: 'out_of_scope' } })
  })

  it.each(['open', 'report'] as const)(
    'mode %s lets pass what the tiers refuse, and keeps on record what enforce would do',
    async (mode) => {
      await using rig = await startRig({ policy: { mode } })
      const verdict = await judged(rig, { url: 'https://stranger.test/' })
      if (verdict.kind !== 'allowed') throw new Error('it was refused')
      expect(verdict.attempt.wouldBe).toMatch(/^no_tier_matches: /)
    },
  )

  it('people are told where a facilitator lists another price, and the verdict is the same', async () => {
    await using rig = await startRig()
    const priced = (amount: bigint) => {
      const listed = { url: 'https://api.example.com/', network: NETWORK, payTo: '0x', amount, currency: 'USD' }
      return { ...rig, deps: { ...rig.deps, discovery: { known: () => listed, alternatives: () => [] } } }
    }
    const [cheaper, same] = [await judged(priced(500n)), await judged(priced(1_000n))]
    const facts = (verdict: typeof same) => verdict.matter.classification?.facts
    expect(facts(cheaper)).toContain('A facilitator lists this resource for $0.0005; it asks for $0.001.')
    expect(facts(same)).not.toContainEqual(expect.stringContaining('facilitator'))
    expect([cheaper.kind, same.kind]).toEqual(['allowed', 'allowed'])
  })

  it('R13: a blocked recipient is refused in every mode', async () => {
    await using rig = await startRig({ policy: { mode: 'open' } })
    const verdict = await judged(rig, { url: 'https://blocked.example.com/' })
    expect(verdict).toMatchObject({ kind: 'refused', refusal: { code: 'recipient_blocked' } })
  })
})
