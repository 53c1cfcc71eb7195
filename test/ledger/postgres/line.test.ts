import { describe, expect, it } from 'vitest'
import { refused } from '../../../src/errors.ts'
import { Columns, Line, send, storeFault, type Use } from '../../../src/ledger/postgres/line.ts'
import { StoreFault } from '../../../src/ledger/postgres/store.ts'
import { connectionTo } from '../../postgres/bench.ts'
import { sharedDatabase } from './server-stage.ts'

const database = sharedDatabase()
const ask = (sql: string) => ({ sql, values: [] })

/** A line over real connections, and how often one was opened. */
async function stage(use?: Use) {
  const { url } = await database()
  let opened = 0
  const connect = () => {
    opened += 1
    return connectionTo(url)
  }
  const line = new Line({ connect }, new Columns(), use)
  return { url, line, opened: () => opened, [Symbol.asyncDispose]: () => line.close() }
}

describe('a line', () => {
  it('is opened when it is needed, once for all who come meanwhile, and kept', async () => {
    await using here = await stage()
    expect(here.opened()).toBe(0)
    const [one, two] = await Promise.all([here.line.open(), here.line.open()])
    expect([one === two, here.opened(), await here.line.open()]).toEqual([true, 1, one])
    expect(one.types.get('sessions')?.get('cap')).toBe('bigint')
  })

  it('throws a lost connection away and opens another', async () => {
    await using here = await stage()
    const first = await here.line.open()
    await expect(send(first, ask('SELECT pg_terminate_backend(pg_backend_pid())'))).rejects.toMatchObject({ kind: 'unavailable' })
    const second = await here.line.open()
    expect([first.connection.lost, second.connection.lost, here.opened()]).toEqual([true, false, 2])
  })

  it('that cannot be opened is unavailable, with the reason, and is tried again by the next one', async () => {
    const { url } = await database()
    const reasons: unknown[] = [refused('ledger_unavailable', 'The server is a standby.'), new StoreFault('fenced', 'ended')]
    const connect = async () => {
      const reason = reasons.shift()
      if (reason !== undefined) throw reason
      return connectionTo(url)
    }
    const line = new Line({ connect }, new Columns())
    await expect(line.open()).rejects.toMatchObject({ name: 'StoreFault', kind: 'unavailable', message: 'The server is a standby.' })
    await expect(line.open()).rejects.toMatchObject({ kind: 'fenced' })
    expect((await line.open()).connection.lost).toBe(false)
    await line.close()
  })

  it('that is closed opens nothing more', async () => {
    const here = await stage()
    const { connection } = await here.line.open()
    await here.line.close()
    await expect(here.line.open()).rejects.toMatchObject({ kind: 'unavailable', message: 'The ledger is closed' })
    expect([connection.lost, here.opened()]).toEqual([true, 1])
  })

  it('plans no whole table: every statement finds rows by keys', async () => {
    await using here = await stage()
    const { rows } = await send(await here.line.open(), ask('SHOW enable_seqscan'))
    expect(rows).toEqual([{ enable_seqscan: 'off' }])
  })

  it.each([
    ['reading', 'auto'],
    ['writing', 'force_generic_plan'],
  ] satisfies [Use, string][])('for %s plans %s: what writes is planned once', async (use, mode) => {
    await using here = await stage(use)
    const { rows } = await send(await here.line.open(), ask('SHOW plan_cache_mode'))
    expect(rows).toEqual([{ plan_cache_mode: mode }])
  })
})

describe('what is sent over it', () => {
  it('arrives in order without waiting, and each answer has its rows and how many were written', async () => {
    await using here = await stage()
    const open = await here.line.open()
    const sent = [
      ask("INSERT INTO meta (key, value) VALUES ('a', '1'), ('b', '1')"),
      ask("UPDATE meta SET value = '2' WHERE key = 'a'"),
      ask('SELECT key, value FROM meta ORDER BY key'),
    ].map((statement) => send(open, statement))
    const answers = await Promise.all(sent)
    expect(answers.map(({ count }) => count)).toEqual([2, 1, 2])
    expect(answers[2]?.rows).toEqual([
      { key: 'a', value: '2' },
      { key: 'b', value: '1' },
    ])
  })

  it('fails as what it means for the write, and quotes no row', async () => {
    await using here = await stage()
    const open = await here.line.open()
    await send(open, ask("INSERT INTO meta (key, value) VALUES ('a', 'secret')"))
    const again = await send(open, ask("INSERT INTO meta (key, value) VALUES ('a', 'secret')")).catch((cause: unknown) => cause)
    expect(again).toMatchObject({ name: 'StoreFault', kind: 'retry' })
    expect(JSON.stringify(again instanceof Error ? [again.message, again.cause, { ...again }] : again)).not.toContain('secret')
    await expect(send(open, ask('SELECT 1 / 0'))).rejects.toMatchObject({ kind: 'retry' })
    await expect(send(open, ask("INSERT INTO halts VALUES ('nobody', '', '', 0)"))).rejects.toMatchObject({ kind: 'rejected' })
  })

  it('over a lost connection is refused at once', async () => {
    await using here = await stage()
    const open = await here.line.open()
    await open.connection.close()
    await expect(send(open, ask('SELECT 1'))).rejects.toMatchObject({ kind: 'unavailable' })
  })

  it('keeps a fault of the store as it is', () => {
    const fault = new StoreFault('fenced', 'ended')
    expect(storeFault(fault)).toBe(fault)
  })
})
