import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { policyText } from '../../src/policy/written.ts'
import { buy, MERCHANT } from '../admin/fixture.ts'
import { FOUR_TIERS, rules } from '../policy/fixtures.ts'
import { startAdminApi } from './running-admin.ts'

const RULES = rules({
  categories: [{ host: 'api.example.com', category: 'search' }],
  verified: [{ host: 'api.example.com', payTo: MERCHANT }],
})
const { tiers } = JSON.parse(policyText({ mode: 'enforce', tiers: FOUR_TIERS, rules: RULES }))

async function fileOf(content: unknown): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), 'purser-simulate-')), 'policy.json')
  await writeFile(file, JSON.stringify(content))
  return file
}

describe('policy simulate', () => {
  it('shows which payments would have been decided otherwise, and what that would have cost', async () => {
    const inForce = { mode: 'enforce', version: 'abc', tiers: FOUR_TIERS, rules: RULES, sentences: [], lint: [] } as const
    await using purser = await startAdminApi({ policy: () => inForce })
    const { id: sessionId } = await purser.fixture.open()
    const { id } = await buy(purser.fixture, { sessionId, amount: 500_000n })
    const [autonomous] = tiers
    const file = await fileOf([{ ...autonomous, conditions: { ...autonomous.conditions, maxAmount: 0.1 } }])
    const { code, out } = await purser.run('policy', 'simulate', file)
    expect(code).toBe(0)
    expect(out).toMatch(/^Decisions changed +1$/m)
    expect(out).toMatch(/^Spent then +\$0\.50$/m)
    expect(out).toMatch(new RegExp(`^${id} +\\$0\\.50 +allow autonomous +deny no_tier_matches +https://api\\.example\\.com`, 'm'))
    expect(JSON.parse((await purser.run('policy', 'simulate', await fileOf({ tiers }), '--json')).out)).toMatchObject({
      judged: 1,
      changed: 0,
    })
  })

  it('judges by the lists of blocked addresses that the file names', async () => {
    const inForce = { mode: 'enforce', version: 'abc', tiers: FOUR_TIERS, rules: RULES, sentences: [], lint: [] } as const
    await using purser = await startAdminApi({ policy: () => inForce })
    const { id: sessionId } = await purser.fixture.open()
    await buy(purser.fixture, { sessionId, amount: 500_000n })
    const list = await fileOf('')
    await writeFile(list, `${MERCHANT}\n`)
    const { categories, recipients } = JSON.parse(policyText({ mode: 'enforce', tiers: FOUR_TIERS, rules: RULES }))
    const file = await fileOf({ tiers, categories, recipients: { ...recipients, blockedFiles: [list] } })
    expect((await purser.run('policy', 'simulate', file)).out).toMatch(/allow autonomous +deny recipient_blocked/)
  })

  it('a flat limit has nothing to judge by', async () => {
    await using purser = await startAdminApi()
    const ran = await purser.run('policy', 'simulate', await fileOf({ type: 'flat_limit', limit: 5 }))
    expect(ran).toMatchObject({ code: 2, err: expect.stringContaining('no tiers') })
  })
})
