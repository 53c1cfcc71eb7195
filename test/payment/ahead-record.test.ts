import { describe, expect, it } from 'vitest'
import { approvalDigest } from '../../src/approval/digest.ts'
import { aheadDigest, aheadShown, attemptAhead } from '../../src/payment/ahead-record.ts'
import { judgeAhead } from '../../src/payment/ahead-verdict.ts'
import { ALICE } from '../policy/fixtures.ts'
import { startAhead } from './ahead-rig.ts'

describe('the approval of an authorization ahead', () => {
  it('is bound to session, amount, category, recipient and network, and to nothing else', async () => {
    await using rig = await startAhead()
    const digest = aheadDigest(rig.request())
    const others = [
      { amount: 20_001n },
      { category: 'search' },
      { recipient: 'other.example' },
      { recipient: ALICE },
      { recipient: '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU' },
      { recipient: '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDu' },
      { network: 'eip155:8453' },
      { session: { ...rig.session, id: 'ses_2' } },
    ]
    expect(new Set([digest, ...others.map((more) => aheadDigest(rig.request(more)))]).size).toBe(9)
    expect(aheadDigest(rig.request({ justification: 'other words', recipientTrust: 'unknown' }))).toBe(digest)
  })

  it('what people are shown has the very digest that a claim asks for', async () => {
    await using rig = await startAhead()
    const request = rig.request({ justification: 'translate it' })
    const attempt = attemptAhead(rig.deps, request, { ...(await judgeAhead(rig.deps, request)), context: { auditId: 'aud-1' } })
    const shown = aheadShown(request, attempt)
    expect(approvalDigest({ ...shown, sessionId: 'ses_1' })).toBe(aheadDigest(request))
    expect(shown).toMatchObject({
      amount: 20_000n,
      payTo: 'api.example.com',
      justification: 'translate it',
      remaining: 100_000_000n,
      tier: 'autonomous',
    })
  })
})
