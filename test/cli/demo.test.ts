import { describe, expect, it } from 'vitest'
import { spawnPurser } from './running-purser.ts'

describe('demo', () => {
  it('a real paid request over http and over https, a refusal by the cap, and a chain that agrees with the ledger', async () => {
    const { code, out, err } = await spawnPurser(['demo'])
    expect(err).not.toMatch(/^purser:/m)
    expect(out).toContain('paid 0.001 USD in tier autonomous; 0.019 USD remains')
    expect(out).toContain('paid 0.01 USD in tier autonomous; 0.009 USD remains')
    expect(out).toContain('403  spending_limit_exceeded')
    expect(out).toContain('1 USDC before, 0.989 USDC now')
    expect(out.match(/^ok /gm)).toHaveLength(7)
    expect(out).toContain('Remaining: $0.009 of $0.02.')
    expect(code).toBe(0)
  }, 120_000)

  it('with --json says the same as one value', async () => {
    const { code, out } = await spawnPurser(['demo', '--json'])
    expect(JSON.parse(out)).toMatchObject({ ok: true, session: { spent: '0.011', held: '0.00' } })
    expect(code).toBe(0)
  }, 120_000)
})
