import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readPolicyFile } from '../../src/cli/policy-file.ts'
import { countingIds, testClock } from '../clock.ts'
import { capturedTerminal } from './captured-terminal.ts'

const TIER = `{ name: small, approval: none, conditions: { maxAmount: 0.10, categories: [search], recipientTrust: verified, frequency: { max: 5, per: 1h } } }`

async function read(text: string) {
  const file = join(await mkdtemp(join(tmpdir(), 'purser-policy-')), 'policy.yaml')
  await writeFile(file, text)
  return readPolicyFile(file, capturedTerminal({}, { clock: testClock(), ids: countingIds() }))
}

describe('readPolicyFile', () => {
  it.each([`[${TIER}]`, `tiers: [${TIER}]`, `{ type: tiered, tiers: [${TIER}] }`])(
    'reads tiers alone, with no rules of their own: %s',
    async (text) => {
      expect(await read(text)).toMatchObject({ type: 'tiered', tiers: [{ name: 'small', conditions: { maxAmount: 100_000n } }], rules: {} })
    },
  )

  it('reads a flat limit', async () => {
    expect(await read('{ type: flat_limit, limit: 100 }')).toEqual({ type: 'flat_limit', limit: 100_000_000n })
  })

  it('reads a whole configuration, with those rules that it states', async () => {
    const policy = await read(`mode: report\ncategories: [{ host: api.example.com, category: search }]\ntiers: [${TIER}]\n`)
    expect(policy).toMatchObject({ rules: { mode: 'report', categories: [{ host: 'api.example.com', category: 'search' }] } })
    expect('rules' in policy && Object.keys(policy.rules)).toEqual(['mode', 'categories'])
  })

  it.each([
    ['{ type: flat_limit }', /limit/],
    ['tiers: [{ name: x }]', /tiers\S*0\S*approval/],
    ['tiers: [', /cannot be read/],
    ['mood: good', /mood|no such setting/],
  ])('says what is wrong with %s', async (text, why) => {
    await expect(read(text)).rejects.toThrow(why)
  })
})
