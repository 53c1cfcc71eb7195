import { describe, expect, it } from 'vitest'
import { refused } from '../../src/errors.ts'
import { expectProblem, NOTHING_FOUND, startFixture } from './fixture.ts'

describe('POST /v1/reconcile', () => {
  it('looks into everything and answers the report', async () => {
    await using fixture = await startFixture({ reconcile: async () => ({ ...NOTHING_FOUND, takenOver: 2 }) })
    const answer = await fixture.ask('/v1/reconcile', { body: {} })
    expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ takenOver: 2, needsPerson: false, resolved: [] })])
  })

  it('searches from the blocks that are named, networks by any of their names', async () => {
    const asked: unknown[] = []
    await using fixture = await startFixture({
      reconcile: async (options) => {
        asked.push(options)
        return NOTHING_FOUND
      },
    })
    await fixture.ask('/v1/reconcile', { body: { fromBlock: { 'base-sepolia': '1200', 'eip155:8453': '0' } } })
    await fixture.ask('/v1/reconcile', { body: {} })
    expect(asked).toEqual([{ fromBlock: { 'eip155:84532': 1200n, 'eip155:8453': 0n } }, {}])
  })

  it.each([
    { fromBlock: { 'base-sepolia': 12 } },
    { fromBlock: { 'base-sepolia': '-1' } },
    { fromBlock: { nowhere: '1' } },
    { from: 1 },
    [],
  ])('refuses %j and looks into nothing', async (body) => {
    let asked = 0
    await using fixture = await startFixture({ reconcile: async () => ({ ...NOTHING_FOUND, takenOver: asked++ }) })
    await expectProblem(await fixture.ask('/v1/reconcile', { body }), 'request_invalid', 400)
    expect(asked).toBe(0)
  })

  it('a ledger that cannot be read is said so', async () => {
    await using fixture = await startFixture({
      reconcile: () => Promise.reject(refused('ledger_unavailable', 'The ledger cannot be read.')),
    })
    await expectProblem(await fixture.ask('/v1/reconcile', { body: {} }), 'ledger_unavailable', 503)
  })
})
