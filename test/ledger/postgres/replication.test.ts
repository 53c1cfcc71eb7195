import { describe, expect, it } from 'vitest'
import { assess, type Facts, readFacts } from '../../../src/ledger/postgres/replication.ts'
import { connectionTo } from '../../postgres/bench.ts'
import { startPostgres } from '../../postgres/server.ts'

const alone: Facts = {
  version: 'PostgreSQL 18.4',
  readOnly: false,
  synchronousCommit: 'on',
  synchronousStandbys: '',
  fsync: true,
  fullPageWrites: true,
  standbys: 0,
  slots: [],
}

const strict = { unsafeAsyncReplication: false }
const lax = { unsafeAsyncReplication: true }

describe('a server that may hold the ledger', () => {
  it.each<[string, Partial<Facts>]>([
    ['stands alone', {}],
    ['waits for a standby that it names', { standbys: 1, synchronousStandbys: 'ANY 1 (a, b)', slots: ['a'] }],
    ['waits until the standby shows it', { standbys: 1, synchronousStandbys: '*', synchronousCommit: 'remote_apply' }],
    ['commits by consensus', { version: 'CockroachDB CCL v25.1', standbys: 2, fsync: false }],
    ['commits by consensus too', { version: 'PostgreSQL 15.2-YB-2025.1.0.0-b0', standbys: 2 }],
  ])('%s', (_, facts) => {
    expect(assess({ ...alone, ...facts }, strict)).toEqual({ kind: 'durable', warnings: [] })
  })
})

describe('a server that acknowledges what a failover or a power cut loses', () => {
  const cases: [string, Partial<Facts>, string][] = [
    ['has a standby that it does not wait for', { standbys: 2 }, 'replicated (2 attached) but waits for no standby'],
    ['had such a standby', { slots: ['replica'] }, 'replication slot replica'],
    ['does not wait for its disk', { fsync: false }, 'fsync off'],
    ['acknowledges before the commit is durable', { synchronousCommit: 'local', synchronousStandbys: '*', standbys: 1 }, 'is local'],
  ]

  it.each(cases)('is refused with the remedy: it %s', (_, facts, reason) => {
    const assessment = assess({ ...alone, ...facts }, strict)
    expect(assessment).toEqual({ kind: 'refused', reason: expect.stringContaining(reason) })
    expect(assessment).toEqual({ kind: 'refused', reason: expect.stringContaining('unsafeAsyncReplication') })
  })

  it.each(cases)('is taken with a warning where the operator said so: it %s', (_, facts, reason) => {
    const assessment = assess({ ...alone, ...facts }, lax)
    expect(assessment).toEqual({ kind: 'durable', warnings: [expect.stringContaining(reason)] })
  })

  it('is never taken where it cannot be written', () => {
    expect(assess({ ...alone, readOnly: true }, lax)).toEqual({ kind: 'refused', reason: expect.stringContaining('standby or read-only') })
  })

  it('is warned of where a torn page could spoil it', () => {
    expect(assess({ ...alone, fullPageWrites: false }, strict)).toEqual({
      kind: 'durable',
      warnings: [expect.stringContaining('full_page_writes')],
    })
  })
})

describe('the facts of a real server', () => {
  it('are read from its settings and views, also by a role without privileges', async () => {
    await using server = await startPostgres({ settings: { fsync: 'off', full_page_writes: 'off' } })
    await server.query('CREATE ROLE nobody LOGIN')
    await server.query("SELECT pg_create_physical_replication_slot('replica')")
    await server.query('CREATE SCHEMA purser AUTHORIZATION nobody')
    const connection = await connectionTo(server.url().replace('postgres@', 'nobody@'))
    const facts = await readFacts(connection)
    expect(facts).toEqual({
      ...alone,
      version: expect.stringContaining(`PostgreSQL ${server.version}`),
      fsync: false,
      fullPageWrites: false,
      slots: ['replica'],
    })
    await connection.close()
  })
})
