import { describe, expect, it } from 'vitest'
import { TierView, tierView } from '../../src/admin/tier-view.ts'
import { type Tier, tiersSchema } from '../../src/policy/tiers.ts'

const WRITTEN = {
  name: 'supervised',
  conditions: {
    maxAmount: '50.00',
    categories: ['compute'],
    recipientTrust: 'known',
    frequency: { max: 20, per: '1h' },
    jurisdictions: ['DE'],
  },
  approval: 'notify_with_veto',
  vetoWindow: '30s',
  approvers: 2,
  audit: 'per_transaction',
  micaCompliance: 'standard',
  alert: 'immediate_to_owner',
}

function read(tier: object): Tier {
  const [parsed] = tiersSchema.parse([tier])
  if (!parsed) throw new Error('no tier')
  return parsed
}

describe('tier-view', () => {
  it('a tier reads back as it was written', () => {
    const view = tierView(read(WRITTEN))
    expect(view).toEqual(WRITTEN)
    expect(TierView.strict().parse(view)).toEqual(view)
    expect(read(view)).toEqual(read(WRITTEN))
  })

  it('what is absent stays absent', () => {
    const blocked = { name: 'prohibited', conditions: {}, approval: 'blocked', approvers: 1 }
    expect(tierView(read(blocked))).toEqual(blocked)
    const { vetoWindow: _, ...rest } = WRITTEN
    const asking = { ...rest, approval: 'explicit_human', timeout: '4h' }
    expect(tierView(read(asking))).toMatchObject({ timeout: '4h' })
  })
})
