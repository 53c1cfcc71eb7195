import { describe, expect, it } from 'vitest'
import { MERCHANT } from '../admin/fixture.ts'
import { FOUR_TIERS } from '../policy/fixtures.ts'
import { startAdminApi } from './running-admin.ts'

const start = () => startAdminApi({ policy: () => ({ mode: 'enforce', version: 'v1', tiers: FOUR_TIERS, sentences: [], lint: [] }) })
const hire = ['authorize', '--agent', 'buyer', '--amount', '89', '--category', 'agent_hire', '--recipient', MERCHANT, '--trust', 'known']

describe('authorize', () => {
  it('says the tier, what follows, and where it can be decided', async () => {
    await using api = await start()
    const { code, out } = await api.run(...hire, '--justification', 'a review')
    expect(code).toBe(0)
    expect(out).toMatch(/^Status +awaiting approval: nothing is paid before people have said yes$/m)
    expect(out).toMatch(/^Tier +collaborative$/m)
    expect(out).toMatch(/^Approval +(apr_\S+): purser approvals show \1$/m)
    expect(out).toMatch(/^Audit id +aud-2026-06-27-001$/m)
    expect((await api.run('approvals', 'list')).out).toContain('$89.00')
  })

  it('a dry run leaves nothing', async () => {
    await using api = await start()
    expect((await api.run(...hire, '--dry-run')).out).toMatch(/^Audit id +none: a dry run$/m)
    expect((await api.run('approvals', 'list')).out).toBe('Nothing waits here.\n')
  })

  it('ends with 1 where it is blocked or refused, and with --json says the same', async () => {
    await using api = await start()
    const gamble = ['authorize', '--agent', 'buyer', '--amount', '1', '--category', 'gambling', '--recipient', 'casino.example']
    expect(await api.run(...gamble)).toMatchObject({ code: 1, out: expect.stringMatching(/^Status +blocked \(tier_prohibited\)$/m) })
    const { code, out } = await api.run(...gamble, '--json')
    expect([code, JSON.parse(out).status]).toEqual([1, 'blocked'])
  })

  it.each([[['authorize']], [[...hire, '--amount', 'much']], [[...hire, '--trust', 'any']]])('%j is wrong usage', async (argv) => {
    await using api = await start()
    expect((await api.run(...argv)).code).toBe(2)
  })
})
