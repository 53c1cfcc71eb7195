import { describe, expect, it } from 'vitest'
import type { RowKey } from '../../src/ledger/postgres/store.ts'
import { RUN_TIMEOUT_MS } from '../../src/limits.ts'
import { SimulatedServer } from './simulated-server.ts'

const key = (...values: string[]): RowKey => ({ access: 'session', values })
const nothing = { windows: [], leaves: [], places: { sessions: 0, payments: 0, receipts: 0 } }

function serverWith(...sessions: readonly string[]) {
  const server = new SimulatedServer()
  for (const run of ['a', 'b']) server.enter(run, { agenda: { now: 0 }, heardAt: () => 0 })
  const required = { agent: 'x', purpose: 'x', currency: 'USD', cap: 10n, created_at: 0n, expires_at: 9n, chain_hash: '0', single_use: 0n }
  const texts = { limits: '{}', scope: '{}', networks: '[]', assets: '[]', owner: 'o', labels: '{}' }
  for (const id of sessions) {
    const row = { ...required, ...texts, id, token_hash: id, seq: server.tables.place('sessions') }
    server.tables.apply([{ kind: 'insert', table: 'sessions', row }])
  }
  const held = (id: string) => server.load({ rows: [key(id)], ...nothing }).rows[0]?.[0]?.held
  const hold = (id: string, amount: bigint) => [{ kind: 'update', table: 'sessions', row: { id, held: amount } } as const]
  return { server, held, hold }
}

describe('the simulated database', () => {
  it('lets one wait for the rows of another, and then see what that one has committed', async () => {
    const { server, held, hold } = serverWith('s')
    const [first, second] = [await server.begin('a', 0), await server.begin('b', 0)]
    await server.lock(first, [key('s')])
    let had = false
    const waiting = server.lock(second, [key('s')]).then(() => {
      had = true
    })
    await Promise.resolve()
    expect(had).toBe(false)
    server.commit(first, hold('s', 7n), [])
    await waiting
    expect(held('s')).toBe(7n)
  })

  it('sends back who would wait in a circle', async () => {
    const { server } = serverWith('s', 't')
    const [first, second] = [await server.begin('a', 0), await server.begin('b', 0)]
    await server.lock(first, [key('s')])
    await server.lock(second, [key('t')])
    const waiting = server.lock(first, [key('t')])
    await expect(server.lock(second, [key('s')])).rejects.toMatchObject({ kind: 'retry' })
    server.rollback(second)
    await waiting
  })

  it('commits all of it or nothing', async () => {
    const { server, held, hold } = serverWith('s')
    const transaction = await server.begin('a', 0)
    const twice = { kind: 'insert', table: 'meta', row: { key: 'k', value: 'v' } } as const
    expect(() => server.commit(transaction, [...hold('s', 3n), twice, twice], [])).toThrow('changed by somebody else')
    expect(held('s')).toBe(0n)
    expect(transaction.state).toBe('rolled_back')
  })

  it('keeps the checks of the real schema', async () => {
    const { server, hold } = serverWith('s')
    const transaction = await server.begin('a', 0)
    expect(() => server.commit(transaction, hold('s', 11n), [])).toThrow('breaks a check')
  })

  it('lets nobody write whose run was declared ended', async () => {
    const { server } = serverWith()
    server.sweep(RUN_TIMEOUT_MS + 1)
    await expect(server.begin('a', 0)).rejects.toMatchObject({ kind: 'fenced' })
  })

  it('has one transaction at a time in a lane', async () => {
    const { server } = serverWith()
    const first = await server.begin('a', 0)
    let begun = false
    const second = server.begin('a', 0).then((transaction) => {
      begun = true
      return transaction
    })
    await Promise.resolve()
    expect(begun).toBe(false)
    server.rollback(first)
    expect((await second).state).toBe('open')
  })
})
