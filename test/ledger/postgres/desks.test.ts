import { describe, expect, it } from 'vitest'
import type { NewSession } from '../../../src/ledger/ledger.ts'
import { Batch } from '../../../src/ledger/postgres/batch.ts'
import { Desks } from '../../../src/ledger/postgres/desks.ts'
import { Lineages } from '../../../src/ledger/postgres/lineages.ts'
import { reserving } from '../../../src/ledger/postgres/operations.ts'
import { readingFrom } from '../../../src/ledger/postgres/reading.ts'
import { Records } from '../../../src/ledger/postgres/records.ts'
import { authorizationFor, CLAIMED, COMPLETE, NEVER_SENT, usd } from '../fixtures.ts'
import { memoryBench } from './workbench.ts'

async function stage(changes: Partial<NewSession> = {}) {
  const bench = memoryBench()
  const { store, clock, compose, terms } = bench
  const session = await bench.open(changes)
  const reading = readingFrom(store)
  const measured: string[] = []
  const events = { ledgerTook: (operation: string) => measured.push(operation), warned: () => undefined }
  const batch = new Batch({ store, clock, compose })
  const desks = new Desks({ batch, records: new Records({ reading, terms, clock }), clock, events })
  const lineage = await new Lineages(reading, terms).of(session.id)
  const request = bench.make.request(session.id, usd(1))
  await batch.write(reserving(request, lineage))
  const place = { paymentId: request.paymentId, lineage, deal: request.attempt }
  const handle = desks.handle(place, { ...request, authorization: undefined })
  const row = () => store.server.tables.rows('payments').get(request.paymentId)
  const balance = () => store.server.tables.rows('sessions').get(session.id)
  return { bench, store, batch, desks, place, request, handle, row, balance, measured }
}

describe('a handle', () => {
  it('takes its payment all the way, each step durable when it resolves', async () => {
    const { request, handle, row, balance, measured } = await stage()
    await handle.record(authorizationFor(request))
    expect(row()).toMatchObject({ state: 'signed', signature: authorizationFor(request).signature })
    await handle.post(CLAIMED)
    expect([row(), balance()]).toMatchObject([{ state: 'settled' }, { held: 0n, spent: usd(1) }])
    await handle.delivered(COMPLETE)
    expect(row()).toMatchObject({ delivered: 1n, purchase_open: 0n })
    expect(measured).toEqual(['record', 'post'])
  })

  it('frees the money of what was certainly never sent', async () => {
    const { request, handle, row, balance } = await stage()
    await handle.record(authorizationFor(request))
    await handle.void(NEVER_SENT)
    expect([row(), balance()]).toMatchObject([
      { state: 'void', headers: null },
      { held: 0n, spent: 0n, payments: 0n },
    ])
  })

  it('sees in its payment what it noted itself', async () => {
    const { request, handle } = await stage()
    await handle.record(authorizationFor(request))
    handle.sent()
    expect((await handle.payment()).state).toBe('sent')
  })

  it('writes its notes with the next step', async () => {
    const { store, request, handle, row } = await stage()
    await handle.record(authorizationFor(request))
    const commits = store.logged('commit').length
    handle.sent()
    await handle.leaveUnknown('No answer came.')
    expect([row(), store.logged('commit').length]).toMatchObject([{ state: 'unknown', denied: 1n }, commits + 1])
    expect(row()?.sent_at).not.toBeNull()
  })

  it('rejects where nothing could be written, and the money stays held', async () => {
    const { store, request, handle, row, balance } = await stage()
    for (const _ of [1, 2]) store.fail('begin', 'unavailable')
    await expect(handle.record(authorizationFor(request))).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
    expect([row(), balance()]).toMatchObject([{ state: 'reserved' }, { held: usd(1) }])
  })

  it('lets go of its purchase, though the store was away when it said so', async () => {
    const { store, batch, handle, row } = await stage()
    for (const _ of [1, 2]) store.fail('begin', 'unavailable')
    handle.release()
    await batch.quiet()
    expect(row()?.holder).toBe('live')
    await handle.leaveUnknown('No answer came.').catch(() => undefined)
    expect(row()?.holder).toBe('none')
  })

  it('of a payment that has no row is a mistake', async () => {
    const { desks, place, request } = await stage()
    const handle = desks.handle({ ...place, paymentId: 'pay_none' }, { ...request, paymentId: 'pay_none', authorization: undefined })
    await expect(handle.payment()).rejects.toThrow('payment pay_none has no row')
  })
})
