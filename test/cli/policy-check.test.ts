import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { policyText } from '../../src/policy/written.ts'
import { FOUR_TIERS, rules } from '../policy/fixtures.ts'
import { runHere } from './running-purser.ts'

async function checked(content: unknown, ...flags: string[]) {
  const file = join(await mkdtemp(join(tmpdir(), 'purser-check-')), 'policy.json')
  await writeFile(file, JSON.stringify(content))
  return runHere(['policy', 'check', file, ...flags])
}
const { tiers } = JSON.parse(policyText({ mode: 'enforce', tiers: FOUR_TIERS, rules: rules() }))

describe('policy check of a file', () => {
  it('the four tiers pass, as a table that an auditor can read', async () => {
    const { code, out } = await checked({ tiers }, '--strict')
    expect(code).toBe(0)
    expect(out).toMatch(/^CHECK +MET +FINDING$/m)
    expect(out).toMatch(/^complexity_differentiated +yes +It decides in 3 ways: none, notify_with_veto, explicit_human\.$/m)
    expect(out).toContain('In proportion (regulatory confidence high).')
  })

  it('a flat limit fails, and what to do instead is said', async () => {
    const { code, out } = await checked({ type: 'flat_limit', limit: '100' })
    expect(code).toBe(1)
    expect(out).toContain('Not in proportion (regulatory confidence low, risk high). This is advice: the policy holds all the same.')
    expect(out).toMatch(/^What to do: Give tiers categories/m)
    expect((await runHere(['policy', 'check', '--flat-limit', '100'])).code).toBe(1)
  })

  it('as JSON it has the shape of the API', async () => {
    const { code, out } = await checked({ type: 'flat_limit', limit: 100 }, '--json')
    expect([code, JSON.parse(out)]).toEqual([
      1,
      expect.objectContaining({ ok: false, compliant: false, regulatory_risk: 'high', lint: [] }),
    ])
  })

  it('a file and a flat limit together are wrong usage', async () => {
    expect(await checked({ tiers }, '--flat-limit', '5')).toMatchObject({ code: 2, err: expect.stringContaining('not both') })
  })
})
