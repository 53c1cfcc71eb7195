import { describe, expect, it } from 'vitest'
import { reservedBefore } from '../../src/ledger/reservation.ts'
import type { Delivery } from '../../src/session/exchange.ts'
import { authorizationFor, CLAIMED, COMPLETE, NEVER_SIGNED, usd } from './fixtures.ts'
import { workbench } from './sqlite/workbench.ts'
import { temporaryLedger } from './temporary.ts'

describe('a reservation', () => {
  it('is measured in each of its steps', async () => {
    await using bench = await temporaryLedger()
    const { id } = await bench.ledger.openSession(bench.make.session())
    const request = bench.make.request(id, usd(1))
    bench.told.length = 0
    const result = await bench.ledger.reserve(request)
    if (result.kind !== 'reserved') throw new Error(result.kind)
    await result.reservation.record(authorizationFor(request))
    await result.reservation.leaveUnknown('why')
    await result.reservation.post(CLAIMED)
    expect(bench.told.filter((word) => word !== 'commit' && word !== 'receipt')).toEqual(['reserve', 'record', 'unknown', 'post'])
  })

  it('warns and goes on where a note cannot be written, and rejects what must be durable', async () => {
    await using bench = await temporaryLedger()
    const { id } = await bench.ledger.openSession(bench.make.session())
    const result = await bench.ledger.reserve(bench.make.request(id, usd(1)))
    if (result.kind !== 'reserved') throw new Error(result.kind)
    await bench.ledger[Symbol.asyncDispose]()
    result.reservation.sent()
    result.reservation.orphan()
    result.reservation.release()
    expect(bench.told.filter((word) => word.startsWith('warned'))).toHaveLength(3)
    await expect(result.reservation.void(NEVER_SIGNED)).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
  })

  it('that ended with its delivery is let go without another write', async () => {
    await using bench = await temporaryLedger()
    const { id } = await bench.ledger.openSession(bench.make.session())
    const pay = async (delivery: Delivery) => {
      const request = bench.make.request(id, usd(1))
      const result = await bench.ledger.reserve(request)
      if (result.kind !== 'reserved') throw new Error(result.kind)
      await result.reservation.record(authorizationFor(request))
      await result.reservation.post(CLAIMED)
      await result.reservation.delivered(delivery)
      await bench.ledger.openSession(bench.make.session())
      bench.told.length = 0
      result.reservation.release()
      await bench.ledger.openSession(bench.make.session())
      return bench.told.filter((word) => word === 'receipt')
    }
    expect(await pay(COMPLETE)).toEqual([])
    // Here somebody has to hold against the recipient what was paid for.
    expect(await pay({ ...COMPLETE, complete: false })).toEqual(['receipt'])
  })

  it('is made again only of what was reserved before', () => {
    const bench = workbench()
    const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
    const request = bench.make.request(id, usd(1))
    bench.write((tx) => bench.reserving.reserve(tx, request))
    const record = bench.tables.payments.get(request.paymentId)
    expect(reservedBefore(record)).toEqual({
      purchaseId: request.purchaseId,
      paymentId: request.paymentId,
      nonce: request.nonce,
      authorization: undefined,
    })
    expect(() => reservedBefore({ ...record, payment: { ...record.payment, nonce: null } })).toThrow('never reserved')
  })
})
