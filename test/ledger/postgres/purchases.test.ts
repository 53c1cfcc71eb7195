import { describe, expect, it } from 'vitest'
import { KEYED_PURCHASE_TTL_MS, PURCHASE_LEASE_MS, UNDELIVERED_TTL_MS } from '../../../src/limits.ts'
import { authorizationFor, CLAIMED } from '../fixtures.ts'
import { memoryBench } from './workbench.ts'

function stage() {
  const bench = memoryBench()
  const other = memoryBench({ server: bench.store.server, runId: 'run_2', clock: bench.clock })
  const begin = async (keyDigest: string | null = null, sessionId = 'ses_1') => {
    const request = bench.make.request(sessionId, 1n, { fingerprint: 'same', ...(keyDigest !== null && { keyDigest }) })
    await bench.write(({ tx, tables }) => tables.payments.reserve(tx, request, { buckets: [], entries: [] }))
    return request
  }
  const open = (by = bench, keyDigest: string | null = null) =>
    by.write(({ tx, tables }) => tables.purchases.open(tx, { sessionId: 'ses_1', fingerprint: 'same', keyDigest }))
  const holders = async (by = bench) => (await open(by)).map(({ holder, elsewhere }) => [holder, elsewhere])
  const elsewhere = (by = bench) =>
    by.write(({ tx, tables }) => tables.purchases.elsewhere(tx, { sessionId: 'ses_1', fingerprint: 'same', keyDigest: null }))
  const row = (id: string) => bench.store.server.tables.rows('payments').get(id)
  return { bench, other, begin, open, holders, elsewhere, row }
}

describe('the purchases in the working set', () => {
  it('are open from their reservation on, oldest first, held by their requester', async () => {
    const { begin, open } = stage()
    const [one, two] = [await begin(), await begin()]
    expect((await open()).map(({ id, holder, keyed }) => [id, holder, keyed])).toEqual([
      [one.purchaseId, 'live', false],
      [two.purchaseId, 'live', false],
    ])
  })

  it('of another session or another key are not repeated', async () => {
    const { begin, open, bench } = stage()
    await begin(null, 'ses_2')
    const keyed = await begin('key')
    expect(await open()).toEqual([])
    expect((await open(bench, 'key')).map(({ id }) => id)).toEqual([keyed.purchaseId])
    expect(await open(bench, 'another key')).toEqual([])
  })

  it('of another living run are held elsewhere, until its lease or the run ends (R3)', async () => {
    const { bench, other, begin, holders, elsewhere } = stage()
    const { purchaseId } = await begin()
    expect([await holders(), await elsewhere()]).toEqual([[['live', false]], undefined])
    expect([await holders(other), await elsewhere(other)]).toEqual([[['live', true]], purchaseId])
    bench.store.server.endRun('run_1', 0)
    expect([await holders(other), await elsewhere(other)]).toEqual([[['none', false]], undefined])
  })

  it('that another run signed and let go are not bought anew by whoever looked before (G3)', async () => {
    const { bench, other, begin, elsewhere } = stage()
    const request = await begin()
    const letGo = () => bench.write(({ tx, tables }) => tables.purchases.hold(tx, request.paymentId, 'none'))
    await letGo()
    expect(await elsewhere(other)).toBeUndefined()
    const authorization = authorizationFor(request)
    await bench.write(({ tx, tables }) => tables.payments.sign(tx, request.paymentId, authorization))
    await letGo()
    expect([await elsewhere(other), await elsewhere()]).toEqual([request.purchaseId, undefined])
  })

  it('are nobody’s once their lease is over', async () => {
    const { bench, other, begin, holders } = stage()
    await begin()
    bench.clock.advance(PURCHASE_LEASE_MS - 1)
    expect(await holders(other)).toEqual([['live', true]])
    bench.clock.advance(1)
    expect([await holders(other), await holders()]).toEqual([[['none', false]], [['none', false]]])
  })

  it('are this run’s once it claims them, and whoever had them changes nothing any more', async () => {
    const { bench, other, begin, holders, row } = stage()
    const { paymentId } = await begin()
    await other.write(({ tx, tables }) => tables.purchases.claim(tx, paymentId))
    await bench.write(({ tx, tables }) => tables.purchases.hold(tx, paymentId, 'none'))
    expect(row(paymentId)).toMatchObject({ holder: 'live', holder_run: 'run_2' })
    expect(await holders(other)).toEqual([['live', false]])
  })

  it('change hands as their requester goes and their attempt ends', async () => {
    const { bench, begin, holders } = stage()
    const { paymentId } = await begin()
    for (const holder of ['orphan', 'none'] as const) {
      await bench.write(({ tx, tables }) => tables.purchases.hold(tx, paymentId, holder))
      expect(await holders()).toEqual([[holder, false]])
      expect(await bench.write(({ tx, tables }) => tables.purchases.holder(tx, paymentId))).toBe(holder)
    }
  })

  it.each([
    [null, UNDELIVERED_TTL_MS],
    ['key', KEYED_PURCHASE_TTL_MS],
  ])('whose time is over are ended when they are met (key: %s)', async (key, ttl_ms) => {
    const { bench, begin, open, row } = stage()
    const request = await begin(key)
    await bench.write(({ tx, tables }) => tables.payments.sign(tx, request.paymentId, authorizationFor(request)))
    await bench.write(({ tx, tables }) => tables.payments.settle(tx, request.paymentId, CLAIMED))
    bench.clock.advance(ttl_ms - 1)
    expect(await open(bench, key)).toHaveLength(1)
    bench.clock.advance(1)
    expect([await open(bench, key), row(request.paymentId)]).toMatchObject([[], { purchase_open: 0n, holder: 'none' }])
  })

  it('are looked up anew as they change within one transaction', async () => {
    const { bench, begin } = stage()
    await begin()
    const identity = { sessionId: 'ses_1', fingerprint: 'same', keyDigest: null }
    const request = bench.make.request('ses_1', 1n, { fingerprint: 'same' })
    const counts = await bench.write(({ tx, tables }) => {
      const before = tables.purchases.open(tx, identity).length
      tables.payments.reserve(tx, request, { buckets: [], entries: [] })
      return [before, tables.purchases.open(tx, identity).length]
    })
    expect(counts).toEqual([1, 2])
  })
})
