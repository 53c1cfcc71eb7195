import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Change } from '../../../src/ledger/ledger.ts'
import { announce, Changes } from '../../../src/ledger/postgres/changes.ts'
import { CHANGE_RETENTION_MS } from '../../../src/limits.ts'
import { connectionTo, migratedConnection } from '../../postgres/bench.ts'
import { type PostgresServer, startPostgres } from '../../postgres/server.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

async function stage() {
  const url = await server.createDatabase()
  const [writer, reader] = [await migratedConnection(url), await connectionTo(url)]
  const changes = new Changes()
  const heard: Change[] = []
  const forget = changes.watch((change) => heard.push(change))
  return {
    url,
    writer,
    reader,
    changes,
    heard,
    forget,
    async [Symbol.asyncDispose]() {
      await writer.close()
      await reader.close()
    },
  }
}

const EVERY: readonly Change[] = [
  { kind: 'session_ended', sessionId: 'ses_1' },
  { kind: 'halts' },
  { kind: 'tokens' },
  { kind: 'policy', version: 'v2' },
]

describe('a change', () => {
  it('of each kind is heard by whoever watches, once, and in order', async () => {
    await using here = await stage()
    await here.changes.poll(here.reader)
    await here.writer.transact((sql) => announce(sql, EVERY))
    await here.changes.poll(here.reader)
    await here.changes.poll(here.reader)
    expect(here.heard).toEqual(EVERY)
  })

  it('that was made before this process began is no news', async () => {
    await using here = await stage()
    await here.writer.transact((sql) => announce(sql, [{ kind: 'halts' }]))
    await here.changes.poll(here.reader)
    await here.changes.poll(here.reader)
    expect(here.heard).toEqual([])
  })

  it('that is taken back with its transaction is not heard', async () => {
    await using here = await stage()
    await here.changes.poll(here.reader)
    await here.writer.sql.unsafe('BEGIN')
    await announce(here.writer.sql, [{ kind: 'halts' }])
    await here.writer.sql.unsafe('ROLLBACK')
    await here.changes.poll(here.reader)
    expect(here.heard).toEqual([])
  })

  it('whose number was drawn early and that is committed late is heard', async () => {
    await using here = await stage()
    const late = await connectionTo(here.url)
    await here.changes.poll(here.reader)
    await late.sql.unsafe('BEGIN')
    await announce(late.sql, [{ kind: 'halts' }])
    await here.writer.transact((sql) => announce(sql, [{ kind: 'tokens' }]))
    await here.changes.poll(here.reader)
    expect(await late.commit()).toEqual({ kind: 'committed' })
    await here.changes.poll(here.reader)
    expect(here.heard).toEqual([{ kind: 'tokens' }, { kind: 'halts' }])
    await late.close()
  })

  it('wakes those who listen as soon as it is committed', async () => {
    await using here = await stage()
    const woken = Promise.withResolvers<string>()
    const listening = await connectionTo(here.url, woken.resolve)
    await here.changes.listen(listening, 'purser')
    await here.writer.transact((sql) => announce(sql, [{ kind: 'halts' }]))
    expect(await woken.promise).toBe('purser_changes')
    await listening.close()
  })

  it('that only a newer program knows is passed over', async () => {
    await using here = await stage()
    await here.changes.poll(here.reader)
    await here.writer.sql.unsafe("INSERT INTO changes (kind, subject, at) VALUES ('news', '', 0)")
    await here.writer.transact((sql) => announce(sql, [{ kind: 'halts' }]))
    await here.changes.poll(here.reader)
    expect(here.heard).toEqual([{ kind: 'halts' }])
  })

  it('is not told any more to one who stopped watching', async () => {
    await using here = await stage()
    await here.changes.poll(here.reader)
    here.forget()
    await here.writer.transact((sql) => announce(sql, [{ kind: 'halts' }]))
    await here.changes.poll(here.reader)
    expect(here.heard).toEqual([])
  })

  it('is removed when everybody has heard of it long ago', async () => {
    await using here = await stage()
    await here.writer.transact((sql) => announce(sql, [{ kind: 'halts' }, { kind: 'tokens' }]))
    await here.writer.sql.unsafe("UPDATE changes SET at = at - $1 WHERE kind = 'halts'", [CHANGE_RETENTION_MS])
    await here.changes.prune(here.writer)
    expect(await here.writer.sql.unsafe('SELECT kind FROM changes')).toMatchObject([{ kind: 'tokens' }])
  })
})
