import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MIGRATIONS, type Migration, migrate } from '../../../../src/ledger/postgres/migrations/migrate.ts'
import { connectionTo } from '../../../postgres/bench.ts'
import { type PostgresServer, startPostgres } from '../../../postgres/server.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

async function stage() {
  const url = await server.createDatabase()
  const [connection, other] = await Promise.all([connectionTo(url), connectionTo(url)])
  const applied = async () => (await connection.sql.unsafe('SELECT name FROM migrations ORDER BY number')).map(({ name }) => name)
  return {
    url,
    sql: connection.sql,
    other: other.sql,
    applied,
    async [Symbol.asyncDispose]() {
      await connection.close()
      await other.close()
    },
  }
}

const added: Migration = { name: 'colour', sql: 'ALTER TABLE meta ADD COLUMN colour text', breaking: false }
const broken: Migration = { name: 'narrow', sql: 'ALTER TABLE meta DROP COLUMN value', breaking: true }

describe('migrations', () => {
  it('bring an empty database up to date, and do nothing the second time', async () => {
    await using here = await stage()
    await migrate(here.sql, 'purser')
    await migrate(here.sql, 'purser')
    expect(await here.applied()).toEqual(MIGRATIONS.map(({ name }) => name))
  })

  it('are made once where several replicas start at the same time', async () => {
    await using here = await stage()
    const more = await Promise.all([1, 2, 3].map(() => connectionTo(here.url)))
    const all = [here.sql, here.other, ...more.map(({ sql }) => sql)]
    await Promise.all(all.map((sql) => migrate(sql, 'purser', [...MIGRATIONS, added])))
    expect(await here.applied()).toEqual([...MIGRATIONS.map(({ name }) => name), 'colour'])
    await Promise.all(more.map((connection) => connection.close()))
  })

  it('go on from where an older program left them', async () => {
    await using here = await stage()
    await migrate(here.sql, 'purser')
    await migrate(here.sql, 'purser', [...MIGRATIONS, added])
    expect(await here.sql.unsafe("SELECT column_name FROM information_schema.columns WHERE column_name = 'colour'")).toHaveLength(1)
  })

  it('that fail leave nothing behind, and those before them stay', async () => {
    await using here = await stage()
    const failing: Migration = { name: 'failing', sql: 'CREATE TABLE half (id bigint); SELECT 1 / 0', breaking: false }
    await expect(migrate(here.sql, 'purser', [...MIGRATIONS, failing])).rejects.toMatchObject({ code: '22012' })
    expect(await here.applied()).toEqual(MIGRATIONS.map(({ name }) => name))
    expect(await here.sql.unsafe("SELECT to_regclass('half') AS half")).toMatchObject([{ half: null }])
  })

  it('of a newer program that only add are no obstacle', async () => {
    await using here = await stage()
    await migrate(here.sql, 'purser', [...MIGRATIONS, added])
    await expect(migrate(here.sql, 'purser')).resolves.toBeUndefined()
  })

  it('of a newer program that break make this one refuse to start, and change nothing', async () => {
    await using here = await stage()
    await migrate(here.sql, 'purser', [...MIGRATIONS, added, broken])
    await expect(migrate(here.sql, 'purser')).rejects.toThrow(
      new RegExp(`has migration ${MIGRATIONS.length + 2} \\(narrow\\).*A newer Purser made it`),
    )
    expect(await here.applied()).toEqual([...MIGRATIONS.map(({ name }) => name), 'colour', 'narrow'])
  })

  it('that are not this program’s make it refuse to start', async () => {
    await using here = await stage()
    await migrate(here.sql, 'purser', [...MIGRATIONS, { ...added, name: 'another' }])
    await expect(migrate(here.sql, 'purser', [...MIGRATIONS, added])).rejects.toThrow(
      new RegExp(`has migration ${MIGRATIONS.length + 1} \\(another\\), which is not this program’s`),
    )
  })

  it('need no right to change the schema where nothing is left to do', async () => {
    await using here = await stage()
    await migrate(here.sql, 'purser')
    await here.sql.unsafe(
      `CREATE ROLE payer LOGIN; GRANT USAGE ON SCHEMA purser TO payer; GRANT SELECT ON ALL TABLES IN SCHEMA purser TO payer`,
    )
    const payer = await connectionTo(here.url.replace('postgres@', 'payer@'))
    await expect(migrate(payer.sql, 'purser')).resolves.toBeUndefined()
    await payer.close()
  })

  it('stand in a schema of their own choosing', async () => {
    await using here = await stage()
    await migrate(here.sql, 'team_a')
    expect(await here.sql.unsafe("SELECT to_regclass('team_a.sessions')::text AS a, to_regclass('purser.sessions') AS p")).toMatchObject([
      { a: 'team_a.sessions', p: null },
    ])
  })
})
