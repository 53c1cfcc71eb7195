import { describe, expect, it } from 'vitest'
import { type DecidedPayment, explainPayment } from '../../src/policy/explain-payment.ts'
import { ALICE, FOUR_TIERS } from './fixtures.ts'

const POLICY = { mode: 'enforce', tiers: FOUR_TIERS } as const
function decided(more: Partial<DecidedPayment> = {}): DecidedPayment {
  return {
    ...{ method: 'GET', url: 'https://hire.example/', agent: 'researcher', tool: null, justification: 'translate it', state: 'settled' },
    ...{ code: null, tier: 'collaborative', rule: 'tiers.collaborative', reason: 'Tier collaborative covers it.', policyVersion: 'abc' },
    ...{ wouldBe: null, categories: ['agent_hire'], trust: 'known', decidedAt: Date.parse('2026-06-27T12:00:00Z') },
    terms: { amount: 89_000_000n, currency: 'USD', payTo: ALICE },
    context: null,
    ...more,
  }
}

describe('explainPayment', () => {
  it('holds the recorded facts against each tier of the policy that decided', () => {
    const steps = explainPayment(decided(), POLICY)
    expect(steps[0]).toBe(`researcher asked for GET https://hire.example/, which costs $89.00, to be paid to ${ALICE}.`)
    expect(steps).toContain('The agent said: "translate it".')
    expect(steps).toContain('Policy abc, mode enforce:')
    expect(steps.find((step) => step.startsWith('  Tier autonomous'))).toMatch(
      /does not match: the payment is for agent_hire.*\$89\.00 is more than its \$1\.00/,
    )
    expect(steps.find((step) => step.startsWith('  Tier collaborative'))).toMatch(/applied\.$/)
    expect(steps.at(-1)).toBe('It is settled.')
  })

  it('names who approved, how, when and with which words, and what else was considered', () => {
    const votes = [{ person: 'alice', channel: 'cli', at: Date.parse('2026-06-27T12:01:00Z'), reason: 'worth it' }]
    const steps = explainPayment(
      decided({ context: { approval: { id: 'apr_1', votes }, facts: ['New host.'], alternatives: ['Tier autonomous.'] } }),
      POLICY,
    )
    expect(steps).toContain('alice approved it (apr_1) by cli at 2026-06-27T12:01:00.000Z: "worth it".')
    expect(steps).toContain('New host.')
    expect(steps).toContain('Also considered: Tier autonomous.')
    expect(explainPayment(decided({ context: { approval: { id: 'apr_2', votes: [] } } }), POLICY)).toContain(
      'It rests on apr_2, which nobody vetoed.',
    )
  })

  it('says in words what became of a payment that people were asked about and nobody waited for', () => {
    expect(explainPayment(decided({ state: 'void', code: 'approval_pending' }), POLICY).at(-1)).toBe(
      'It is void: nobody waited for it any more while people were asked. Nothing was paid; a repeat is a payment of its own.',
    )
    expect(explainPayment(decided({ state: 'void', code: 'vetoed' }), POLICY).at(-1)).toBe('It is void (vetoed).')
  })

  it('says what is not known: a count of that moment, a policy that was not kept, a price that was never seen', () => {
    const other = explainPayment(decided({ tier: '', code: 'no_tier_matches', state: 'denied' }), POLICY)
    expect(other.find((step) => step.startsWith('  Tier collaborative'))).toContain('its frequency of that moment is not known')
    expect(other.at(-1)).toBe('It is denied (no_tier_matches).')
    expect(explainPayment(decided(), undefined)).toContain('It was decided by policy abc, whose text was not kept.')
    expect(explainPayment(decided({ terms: null, trust: null, policyVersion: '' }), POLICY)).toContain(
      'It was refused before the policy was asked.',
    )
  })
})
