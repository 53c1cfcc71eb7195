import { describe, expect, it } from 'vitest'
import { policySentences, tierSentence } from '../../src/policy/sentences.ts'
import { FOUR_TIERS, tier } from './fixtures.ts'

describe('tierSentence', () => {
  it('says each tier of the documentation as a person would', () => {
    expect(FOUR_TIERS.map((one) => tierSentence(one))).toEqual([
      'Up to $1.00 each, at most 1,000 per hour, for api_calls, embeddings or search at verified recipients: paid at once.',
      'Up to $50.00 each, at most 20 per hour, for compute, data_access or saas_tools at known or verified recipients: paid after 30 seconds unless a person vetoes it.',
      'Up to $5000.00 each, at most 5 per day, for agent_hire, service_procurement or subscription at any recipient: paid once a person approves it within 4 hours.',
      'Payments for gambling, unverified_agents or sanctioned_jurisdictions at unknown recipients: never paid.',
    ])
  })

  it('names jurisdictions, several approvers, other currencies and what is empty', () => {
    const conditions = {
      maxAmount: 1,
      categories: [],
      recipientTrust: 'any',
      frequency: { max: 1, per: '10m' },
      jurisdictions: ['DE', 'FR'],
    }
    const asking = tier({ conditions, approval: 'explicit_human', timeout: '1h', approvers: 2 })
    expect(tierSentence(asking, 'EUR')).toBe(
      'Up to 1.00 EUR each, at most 1 per 10 minutes, for nothing at any recipient in DE or FR: paid once 2 people approve it within 1 hour.',
    )
    expect(tierSentence(tier({ conditions: { jurisdictions: ['KP'] }, approval: 'blocked' }))).toBe(
      'Payments at recipients in KP: never paid.',
    )
    expect(tierSentence(tier({ conditions: {}, approval: 'blocked' }))).toBe('Payments of any kind: never paid.')
  })
})

describe('further conditions', () => {
  it('say whose payments are counted, when, which of them, and what the agent has to say', () => {
    const conditions = {
      maxAmount: 1,
      categories: ['search'],
      recipientTrust: 'verified',
      frequency: { max: 5, per: '1h', of: 'recipient' },
      hours: ['Mon 08:00-18:00 UTC', 'Tue 10:00-12:00 UTC'],
      firstPayment: false,
    }
    expect(tierSentence(tier({ conditions, require: ['justification', 'task'] }))).toBe(
      'Up to $1.00 each, at most 5 per hour to a recipient, for search at verified recipients, after the first payment to a recipient’s host, within Mon 08:00-18:00 UTC or Tue 10:00-12:00 UTC, with the agent’s justification and task: paid at once.',
    )
    expect(tierSentence(tier({ conditions: { firstPayment: true, hours: ['Sun 00:00-24:00 UTC'] }, approval: 'blocked' }))).toBe(
      'Payments for the first payment to a recipient’s host within Sun 00:00-24:00 UTC: never paid.',
    )
  })
})

describe('policySentences', () => {
  it('ends with what becomes of everything else', () => {
    expect(policySentences({ tiers: [], mode: 'enforce' })).toEqual(['There are no tiers: nothing is paid.'])
    const lines = policySentences({ tiers: FOUR_TIERS, mode: 'enforce' })
    expect(lines).toHaveLength(5)
    expect(lines[0]).toMatch(/^autonomous: Up to \$1\.00/)
    expect(lines.at(-1)).toBe('Everything else is refused.')
  })

  it('says what the mode makes of it', () => {
    expect(policySentences({ tiers: [], mode: 'open' }).at(-1)).toMatch(/^Mode open: what these tiers .* is paid all the same/)
  })
})
