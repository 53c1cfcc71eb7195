import { describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { ledgerSchema, missingKeys, networkSchema, sessionsSchema } from '../../src/config/keeping.ts'
import { configSchema } from '../../src/config/schema.ts'
import { issuesOf } from '../../src/session/issues.ts'

const schema = configSchema('/etc/purser')
const KEY = 'env:SOME_KEY'
const KEYS = { nonce: KEY, receipt: KEY, answer: KEY, token: KEY, ca: { cert: 'ca.pem', key: KEY } }
const SHARED = { ledger: 'postgres://purser@db/purser', keys: KEYS, wallet: { key: 'env:WALLET' } }

function ledger(written: unknown): Config['ledger'] | string[] {
  const parsed = ledgerSchema('/etc/purser').safeParse(written)
  return parsed.success ? parsed.data : issuesOf(parsed.error).map(({ path, message }) => `${path}: ${message}`)
}

describe('the ledger', () => {
  it('is a file, with its path relative to the folder', () => {
    expect(ledger('sqlite:./data/l.db')).toEqual({ kind: 'sqlite', file: '/etc/purser/data/l.db' })
  })

  it.each([
    'postgres://purser@db/purser',
    'postgres://purser@db1,db2:5433/purser?sslmode=verify-full',
    'postgres://purser@[::1]:5432/purser',
  ])('is %s as it stands', (url) => {
    expect(ledger(url)).toEqual({ kind: 'postgres', url, unsafeAsyncReplication: false })
  })

  it('takes a password out of the URL, so that the URL can be shown', () => {
    const read = ledger('postgresql://purser:pa%40ss:word@db/purser')
    expect(read).toMatchObject({ kind: 'postgres', url: 'postgres://purser@db/purser', password: { kind: 'text' } })
    expect(JSON.stringify(read)).not.toContain('word@')
    if (Array.isArray(read) || read.kind !== 'postgres' || read.password?.kind !== 'text') throw new Error('no password was read')
    expect(read.password.reveal()).toBe('pa@ss:word')
  })

  it('may have its password apart, and says when replication may lose payments', () => {
    expect(ledger({ url: 'postgres://purser@db/purser', password: 'env:PW', unsafeAsyncReplication: true })).toEqual({
      kind: 'postgres',
      url: 'postgres://purser@db/purser',
      password: { kind: 'env', name: 'PW' },
      unsafeAsyncReplication: true,
    })
  })

  it.each([['mysql://x'], ['postgres://'], [7], [{ url: 'sqlite:x' }], [{ url: 'postgres://a@b/c', pool: 3 }]])('is not %j', (written) => {
    expect(ledger(written)).toBeInstanceOf(Array)
  })
})

describe('keys', () => {
  it('R21: processes that share a ledger have to share every key; all that are missing are named at once', () => {
    const parsed = schema.safeParse({ ledger: 'postgres://purser@db/purser' })
    const paths = parsed.success ? [] : issuesOf(parsed.error).map(({ path }) => path)
    expect(paths).toEqual(['keys.nonce', 'keys.receipt', 'keys.answer', 'keys.token', 'keys.ca', 'wallet.key'])
    expect(schema.safeParse(SHARED).success).toBe(true)
  })

  it('are made in the data folder where one process owns the ledger', () => {
    expect(schema.parse({}).keys).toEqual({})
    expect(missingKeys({ keys: {}, wallet: {} })).toHaveLength(6)
  })
})

describe('networks', () => {
  it('are final after a minute or so unless they say otherwise, and zero is zero', () => {
    expect(networkSchema.parse({ id: 'base-sepolia' })).toEqual({ id: 'eip155:84532', finalityBlocks: 12 })
    expect(networkSchema.parse({ id: 'base-sepolia', finalityBlocks: 0 }).finalityBlocks).toBe(0)
    expect(networkSchema.safeParse({ id: 'base-sepolia', finalityBlocks: -1 }).success).toBe(false)
  })

  it('a second server is there to agree with a first one', () => {
    expect(networkSchema.safeParse({ id: 'base-sepolia', secondRpc: 'https://b.example' }).success).toBe(false)
    expect(networkSchema.safeParse({ id: 'base-sepolia', rpc: 'https://a.example', secondRpc: 'https://b.example' }).success).toBe(true)
  })

  it('gas is paid where a chain can be reached', () => {
    const parsed = schema.safeParse({ gasWallet: { key: KEY }, networks: [{ id: 'base-sepolia' }] })
    expect(parsed.success ? [] : issuesOf(parsed.error)).toEqual([{ path: 'gasWallet', message: 'needs a network with an rpc' }])
  })
})

describe('thresholds', () => {
  it('rise, each once; none is none', () => {
    expect(sessionsSchema.parse({}).thresholds).toEqual([50, 80, 95])
    expect(sessionsSchema.parse({ thresholds: [90, 10, 90] }).thresholds).toEqual([10, 90])
    expect(sessionsSchema.parse({ thresholds: [] }).thresholds).toEqual([])
    for (const percent of [0, 101, 1.5, '50']) expect(sessionsSchema.safeParse({ thresholds: [percent] }).success).toBe(false)
  })
})

describe('retention', () => {
  const read = (written: unknown) => {
    const parsed = schema.safeParse({ retention: written })
    return parsed.success ? parsed.data.retention : issuesOf(parsed.error).map(({ path, message }) => `${path}: ${message}`)
  }

  it('is off unless it is written, and then it says from when on and where to', () => {
    expect(schema.parse({}).retention).toBeNull()
    expect(read({ after: '90d', folder: './archive' })).toEqual({ after_ms: 90 * 86_400_000, folder: '/etc/purser/archive' })
    expect(read({ after: '90d' })).toEqual([expect.stringContaining('retention.folder')])
    expect(read({ folder: './archive' })).toEqual([expect.stringContaining('retention.after')])
  })

  it('lets nothing leave within a week', () => {
    expect(read({ after: '7d', folder: './archive' })).toMatchObject({ after_ms: 7 * 86_400_000 })
    expect(read({ after: '6d', folder: './archive' })).toEqual(['retention.after: at least 7d'])
  })
})
