import { describe, expect, it } from 'vitest'
import { isFlat, PROPORTION_CHECKS, proportionOf } from '../../src/policy/proportion.ts'
import type { Tier } from '../../src/policy/tiers.ts'
import { FOUR_TIERS, tier } from './fixtures.ts'

const tiered = (tiers: readonly Tier[]) => proportionOf({ type: 'tiered', tiers })
const without = (name: string) => FOUR_TIERS.filter((one) => one.name !== name)
const changed = (name: string, more: Partial<Tier>) => FOUR_TIERS.map((one) => (one.name === name ? { ...one, ...more } : one))

const WIDE = { maxAmount: 5, categories: ['data'], recipientTrust: 'any', frequency: { max: 1, per: '1h' } }

describe('proportionOf', () => {
  it('the four tiers pass all five checks', () => {
    const { compliant, checks, regulatory_confidence, reason, regulatory_risk, remediation } = tiered(FOUR_TIERS)
    expect({ compliant, regulatory_confidence, reason, regulatory_risk, remediation }).toEqual({
      compliant: true,
      regulatory_confidence: 'high',
    })
    expect(Object.values(checks)).toEqual([true, true, true, true, true])
    expect(Object.keys(checks)).toEqual([...PROPORTION_CHECKS])
  })

  it('a flat limit passes none, and is told what to do instead', () => {
    const verdict = proportionOf({ type: 'flat_limit', limit: 100_000_000n })
    expect(verdict).toMatchObject({ compliant: false, regulatory_confidence: 'low', regulatory_risk: 'high' })
    expect(Object.values(verdict.checks)).toEqual([false, false, false, false, false])
    expect(verdict.reason).toMatch(/^A flat limit of \$100\.00 asks nothing about what a payment is for\./)
    expect(verdict.remediation).toContain('explicit_human')
    expect(isFlat(verdict)).toBe(true)
  })

  it('one tier for everything is a flat limit by another name', () => {
    const verdict = tiered([tier({ audit: 'batch_daily' })])
    expect(verdict).toMatchObject({ compliant: false, checks: { audit_proportionate: true, prohibited_categories_defined: false } })
    expect(isFlat(verdict)).toBe(true)
    expect(isFlat(tiered(FOUR_TIERS))).toBe(false)
  })

  it.each([
    ['prohibited_categories_defined', without('prohibited'), 'No blocked tier names a category.'],
    [
      'prohibited_categories_defined',
      changed('prohibited', { conditions: { jurisdictions: ['KP'] } }),
      'No blocked tier names a category.',
    ],
    ['audit_proportionate', FOUR_TIERS.map(({ audit: _, ...one }) => one), 'Tier autonomous does not say its audit.'],
    [
      'audit_proportionate',
      changed('collaborative', { audit: 'per_transaction' }),
      'Tier collaborative has the approval explicit_human and only the audit per_transaction',
    ],
    [
      'audit_proportionate',
      changed('autonomous', { audit: 'per_transaction_enhanced' }),
      'Tier supervised allows more than autonomous, and is audited less.',
    ],
    [
      'complexity_differentiated',
      [...FOUR_TIERS.slice(0, 1), tier({ conditions: { ...WIDE }, audit: 'batch_daily' }), ...FOUR_TIERS.slice(3)],
      'decided in the same way: approval none',
    ],
    [
      'scale_differentiated',
      FOUR_TIERS.map((one) => (one.approval === 'blocked' ? one : { ...one, conditions: { ...one.conditions, maxAmount: 1n } })),
      'no more than one ceiling, $0.000001',
    ],
    [
      'nature_differentiated',
      FOUR_TIERS.map((one) => ({ ...one, conditions: { ...one.conditions, categories: ['any'] } })),
      'whatever they are for',
    ],
  ])('%s fails alone where it is not so, and the reason says why', (check, tiers, why) => {
    const verdict = tiered(tiers)
    const failed = PROPORTION_CHECKS.filter((name) => !verdict.checks[name])
    expect(failed).toEqual([check])
    expect(verdict).toMatchObject({ compliant: false, regulatory_confidence: 'medium', regulatory_risk: 'medium' })
    expect(verdict.reason).toContain(why)
  })

  it('no tiers at all are no policy', () => {
    const verdict = tiered([])
    expect(verdict).toMatchObject({ compliant: false, regulatory_confidence: 'low', regulatory_risk: 'high' })
    expect(verdict.reason).toContain('Every payment is refused')
  })
})
