import { describe, expect, it } from 'vitest'
import { blockedFilesSchema, discoverySchema, priceDriftSchema } from '../../src/config/policy-inputs.ts'
import { issuesOf } from '../../src/session/issues.ts'

const issues = (schema: typeof priceDriftSchema | typeof discoverySchema, value: unknown) => {
  const parsed = schema.safeParse(value)
  return parsed.success ? [] : issuesOf(parsed.error)
}

describe('blockedFilesSchema', () => {
  it('reads paths from the folder of the file, so many and no more', () => {
    const schema = blockedFilesSchema('/etc/purser')
    expect(schema.parse(['lists/ofac.txt', 'file:/var/un.txt'])).toEqual(['/etc/purser/lists/ofac.txt', '/var/un.txt'])
    expect(schema.safeParse(Array.from({ length: 21 }, () => 'a')).success).toBe(false)
  })
})

describe('priceDriftSchema', () => {
  it('reports more than twice the usual price unless it is told otherwise', () => {
    expect(priceDriftSchema.parse({})).toEqual({ factor: 2_000_000n, over_ms: 2_592_000_000, on: 'report' })
    expect(priceDriftSchema.parse({ factor: 1.5, over: '7d', on: 'deny' })).toEqual({
      factor: 1_500_000n,
      over_ms: 604_800_000,
      on: 'deny',
    })
    expect(priceDriftSchema.parse(null)).toBeNull()
  })

  it.each([
    [{ factor: 1 }, 'factor', 'must be more than 1'],
    [{ factor: '0.5' }, 'factor', 'must be more than 1'],
    [{ over: '0s' }, 'over', 'must be longer than nothing'],
    [{ on: 'ask' }, 'on', 'write one of report, escalate, deny'],
  ])('%j is refused at its place', (value, path, message) => {
    expect(issues(priceDriftSchema, value)).toEqual([{ path, message }])
  })
})

describe('discoverySchema', () => {
  const url = 'https://facilitator.example/discovery/resources'

  it('asks a facilitator every ten minutes, over TLS or on this machine', () => {
    expect(discoverySchema.parse({ url })).toEqual({ url, refresh_ms: 600_000 })
    expect(discoverySchema.parse({ url: 'http://127.0.0.1:9/list', refresh: '10s' })).toMatchObject({ refresh_ms: 10_000 })
    expect(discoverySchema.parse(null)).toBeNull()
  })

  it.each([
    [{ url: 'http://facilitator.example/' }, 'url', 'plain http is accepted on loopback only: write https://'],
    [{ url, refresh: '1s' }, 'refresh', 'at least 10s'],
  ])('%j is refused at its place', (value, path, message) => {
    expect(issues(discoverySchema, value)).toEqual([{ path, message }])
  })
})
