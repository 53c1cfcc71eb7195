import { describe, expect, it } from 'vitest'
import { runHere, writeConfig } from './running-purser.ts'

const autonomous = {
  name: 'autonomous',
  conditions: { maxAmount: 1, categories: ['search'], recipientTrust: 'verified', frequency: { max: 20, per: '1h' } },
  approval: 'none',
}
const payTo = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
const rules = {
  categories: [{ host: 'api.example.com', path: '/search*', category: 'search' }],
  recipients: { verified: [{ host: 'api.example.com', payTo }] },
}

async function policy(more: Record<string, unknown>, ...argv: string[]) {
  const { configFile } = await writeConfig(more)
  return runHere(['policy', ...argv, '--config', configFile])
}

describe('policy check', () => {
  it('says the tiers in sentences, offline', async () => {
    const { code, out } = await policy({ ...rules, tiers: [autonomous] }, 'check')
    expect(code).toBe(0)
    expect(out).toContain('autonomous: Up to $1.00 each, at most 20 per hour, for search at verified recipients: paid at once.')
    expect(out).toContain('Everything else is refused.')
    expect(out).toContain('Nothing is wrong with it.')
  })

  it('an error of the policy fails the command and is said', async () => {
    const blocked = { name: 'blocked', conditions: { categories: ['search'] }, approval: 'blocked' }
    const tiers = [autonomous, blocked]
    const { code, out } = await policy({ ...rules, tiers }, 'check')
    expect(code).toBe(1)
    expect(out).toMatch(/^error {2}autonomous: It never applies: blocked blocks everything/m)
    const json = JSON.parse((await policy({ ...rules, tiers }, 'check', '--json')).out)
    expect(json).toMatchObject({ ok: false, lint: [{ level: 'error', tier: 'autonomous' }] })
  })

  it('a tier that cannot be read is a failure with its path', async () => {
    const { code, err } = await policy({ tiers: [{ ...autonomous, approval: 'maybe' }] }, 'check')
    expect(code).toBe(1)
    expect(err).toMatch(/tiers\S*0\S*approval/)
  })
})

describe('policy explain', () => {
  const config = { ...rules, tiers: [autonomous] }
  const asked = ['explain', '--url', 'https://api.example.com/search?q=x', '--amount', '0.05']

  it('names the tier and the reason for a payment that would be made', async () => {
    const { code, out } = await policy(config, ...asked, '--pay-to', payTo)
    expect(code).toBe(0)
    expect(out).toContain('Category: search.')
    expect(out).toMatch(/^Tier autonomous \(.*\) matches\.$/m)
    expect(out).toMatch(/^Result: paid\. Tier autonomous covers \$0\.05/m)
  })

  it('names what is missing for a payment that would be refused', async () => {
    const { out } = await policy(config, ...asked, '--trust', 'unknown')
    expect(out).toMatch(/^Result: refused with no_tier_matches\./m)
    expect(out).toContain('An operator has to list the recipient under recipients.verified')
  })

  it('supposes the trust that it is told', async () => {
    const { out } = await policy(config, ...asked, '--trust', 'verified', '--json')
    expect(JSON.parse(out)).toMatchObject({ decision: { kind: 'allow', tier: 'autonomous' } })
  })

  it.each([
    [['explain'], 'Name a payment, or a resource with --url and --amount.'],
    [['explain', '--url', 'nowhere', '--amount', '1'], '--url nowhere is not a URL.'],
    [['explain', 'pay_1', '--url', 'https://x/'], 'Name a payment or a --url, not both.'],
  ])('%j is wrong usage', async (argv, reason) => {
    expect(await policy(config, ...argv)).toMatchObject({ code: 2, err: expect.stringContaining(reason) })
  })
})
