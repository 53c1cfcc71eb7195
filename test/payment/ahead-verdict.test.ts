import { describe, expect, it } from 'vitest'
import { hostOfRecipient, judgeAhead } from '../../src/payment/ahead-verdict.ts'
import { ALICE, rules } from '../policy/fixtures.ts'
import { startAhead } from './ahead-rig.ts'

describe('judgeAhead', () => {
  it('derives trust from the listings where the request says nothing of it', async () => {
    await using rig = await startAhead()
    const { recipientTrust: _, ...silent } = rig.request()
    expect((await judgeAhead(rig.deps, silent)).decision).toMatchObject({ kind: 'deny', code: 'no_tier_matches' })
    const policy = { ...rig.deps.policy(), rules: rules({ verified: [{ host: 'api.example.com' }] }) }
    expect((await judgeAhead({ ...rig.deps, policy: () => policy }, silent)).decision).toMatchObject({ kind: 'allow', tier: 'autonomous' })
  })

  it('a sanctioned recipient stays one, whatever the request says of its trust and category', async () => {
    await using rig = await startAhead()
    const listed = rules({ verified: [{ host: 'api.example.com', jurisdiction: 'KP' }], jurisdictions: { sanctioned: ['KP'] } })
    const policy = { ...rig.deps.policy(), rules: listed }
    const { classification } = await judgeAhead({ ...rig.deps, policy: () => policy }, rig.request())
    expect(classification.categories).toEqual(['embeddings', 'sanctioned_jurisdictions'])
  })

  it('a recipient is a host or an address', () => {
    expect([hostOfRecipient('API.example.com'), hostOfRecipient(ALICE)]).toEqual(['api.example.com', ''])
    expect(hostOfRecipient('4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU')).toBe('')
  })
})
