import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { buy } from '../admin/fixture.ts'
import { startAdminApi } from './running-admin.ts'
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

const blocked = { name: 'prohibited', conditions: { categories: ['gambling'] }, approval: 'blocked' }

async function policy(more: Record<string, unknown>, ...argv: string[]) {
  const { configFile } = await writeConfig(more)
  return runHere(['policy', ...argv, '--config', configFile])
}

describe('policy check', () => {
  it('says the tiers in sentences, offline', async () => {
    const { code, out } = await policy({ ...rules, tiers: [autonomous, blocked] }, 'check')
    expect(code).toBe(0)
    expect(out).toContain('autonomous: Up to $1.00 each, at most 20 per hour, for search at verified recipients: paid at once.')
    expect(out).toContain('Everything else is refused.')
    expect(out).toMatch(/^prohibited_categories_defined +yes +It prohibits gambling\.$/m)
    expect(out).toMatch(/^scale_differentiated +no +There is no more than one ceiling, \$1\.00\.$/m)
  })

  it('one tier for everything fails, and with --strict whatever fails one of the checks', async () => {
    expect((await policy({ ...rules, tiers: [autonomous] }, 'check')).code).toBe(1)
    const { code, out } = await policy({ ...rules, tiers: [autonomous, blocked] }, 'check', '--strict', '--json')
    expect([code, JSON.parse(out)]).toEqual([1, expect.objectContaining({ ok: false, compliant: false })])
  })

  it('an error of the policy fails the command and is said', async () => {
    const all = { name: 'blocked', conditions: { categories: ['search'] }, approval: 'blocked' }
    const tiers = [autonomous, all]
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

  it('knows the addresses of recipients.blockedFiles, and says which list cannot be used', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'purser-lists-'))
    const list = join(folder, 'sanctioned.txt')
    await writeFile(list, `${payTo}  # listed\n`)
    const recipients = { ...rules.recipients, blockedFiles: [list] }
    const { out } = await policy({ ...config, recipients }, ...asked, '--pay-to', payTo)
    expect(out).toMatch(/^Result: refused with recipient_blocked\./m)
    await writeFile(list, 'nobody\n')
    expect(await policy({ ...config, recipients }, ...asked)).toMatchObject({ code: 1, err: expect.stringContaining(`${list}, line 1`) })
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

describe('policy explain of a payment', () => {
  it('shows what was decided, and the way there', async () => {
    await using purser = await startAdminApi()
    const { id: sessionId } = await purser.fixture.open()
    const { id } = await buy(purser.fixture, { sessionId, amount: 20_000n })
    const { code, out } = await purser.run('policy', 'explain', id)
    expect(code).toBe(0)
    expect(out).toMatch(/^Tier +autonomous$/m)
    expect(out).toContain('It was decided by policy abc, whose text was not kept.')
    expect(out).toMatch(/^It is settled\.$/m)
    expect(JSON.parse((await purser.run('policy', 'explain', id, '--json')).out)).toMatchObject({
      id,
      policyVersion: 'abc',
      steps: expect.any(Array),
    })
  })
})
