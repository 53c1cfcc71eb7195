import { describe, expect, it } from 'vitest'
import type { PaymentTable, Transaction } from '../../../src/ledger/tables.ts'
import { authorizationFor, CLAIMED, COMPLETE, NEVER_SIGNED, termsOf } from '../fixtures.ts'
import { memoryBench } from './workbench.ts'

const FREE = { buckets: [], entries: [] }

async function stage() {
  const bench = memoryBench()
  const stranger = memoryBench({ server: bench.store.server, runId: 'run_2', clock: bench.clock })
  const reserve = async (keyDigest?: string) => {
    const request = bench.make.request('ses_1', 1n, keyDigest === undefined ? {} : { keyDigest })
    await bench.write(({ tx, tables }) => tables.payments.reserve(tx, request, FREE))
    return request
  }
  const sign = (request: Awaited<ReturnType<typeof reserve>>, by = bench) =>
    by.write(({ tx, tables }) => tables.payments.sign(tx, request.paymentId, authorizationFor(request)))
  const signed = async (keyDigest?: string) => {
    const request = await reserve(keyDigest)
    await sign(request)
    return request
  }
  const row = (id: string) => bench.store.server.tables.rows('payments').get(id)
  const read = (id: string) => bench.write(({ tables }) => tables.payments.get(id))
  return { bench, stranger, reserve, sign, signed, row, read }
}

describe('the payments in the working set', () => {
  it('come back as they were written, in the order of writing', async () => {
    const { reserve, read } = await stage()
    const [first, second] = [await reserve(), await reserve()]
    const { payment, seq } = await read(first.paymentId)
    expect(payment).toMatchObject({
      id: first.paymentId,
      state: 'reserved',
      nonce: first.nonce,
      terms: termsOf(1n),
      evidence: null,
      refunded: 0n,
    })
    expect((await read(second.paymentId)).seq).toBeGreaterThan(seq)
  })

  it('are signed by compare-and-set: once, and only by the run that reserved (R5)', async () => {
    const { stranger, reserve, sign } = await stage()
    const request = await reserve()
    expect(await sign(request, stranger)).toBeUndefined()
    expect((await sign(request))?.payment.state).toBe('signed')
    expect(await sign(request)).toBeUndefined()
  })

  it('are marked as sent where they were signed, told of once, and the first time is kept', async () => {
    const { bench, reserve, sign, read } = await stage()
    const request = await reserve()
    const send = () => bench.write(({ tx, tables }) => tables.payments.markSent(tx, request.paymentId))
    expect(await send()).toBeUndefined()
    await sign(request)
    const sentAt = bench.clock.now()
    expect(await send()).toMatchObject({ paymentId: request.paymentId, amount: 1n, currency: 'USD' })
    bench.clock.advance(5)
    expect(await send()).toBeUndefined()
    expect((await read(request.paymentId)).payment).toMatchObject({ state: 'sent', sentAt })
  })

  it('that are unknown stay so when they turn out to be sent', async () => {
    const { bench, signed, read } = await stage()
    const { paymentId } = await signed()
    await bench.write(({ tx, tables }) => tables.payments.leaveUnknown(tx, paymentId, { reason: 'why', denied: true }))
    await bench.write(({ tx, tables }) => tables.payments.markSent(tx, paymentId))
    expect((await read(paymentId)).payment).toMatchObject({ state: 'unknown', sentAt: bench.clock.now() })
  })

  it('settle freshly once only', async () => {
    const { bench, reserve, sign } = await stage()
    const request = await reserve()
    const settle = () => bench.write(({ tx, tables }) => tables.payments.settleFresh(tx, request.paymentId, CLAIMED))
    expect(await settle()).toBeUndefined()
    await sign(request)
    expect((await settle())?.payment).toMatchObject({ state: 'settled', evidence: 'claimed', transaction: CLAIMED.transaction })
    expect(await settle()).toBeUndefined()
  })

  it('keep no authorization of what was voided, and its purchase ends', async () => {
    const { bench, signed, row, read } = await stage()
    const { paymentId, ...request } = await signed()
    expect((await read(paymentId)).authorization?.headers).toEqual(authorizationFor(request).headers)
    await bench.write(({ tx, tables }) => tables.payments.void(tx, paymentId, { ...NEVER_SIGNED, evidence: null, block: null }))
    expect(row(paymentId)).toMatchObject({ state: 'void', headers: null, purchase_open: 0n, holder: 'none' })
  })

  it('that are delivered end an unkeyed purchase, and leave a keyed one to be joined', async () => {
    const { bench, signed, row } = await stage()
    const [unkeyed, keyed] = [await signed(), await signed('key')]
    const deliver = (id: string, delivered: boolean) =>
      bench.write(({ tx, tables }) => tables.payments.deliverOnce(tx, id, { delivery: COMPLETE, delivered }))
    expect((await deliver(unkeyed.paymentId, false))?.payment.delivered).toBe(false)
    for (const { paymentId } of [unkeyed, keyed]) expect((await deliver(paymentId, true))?.payment.delivered).toBe(true)
    expect(await deliver(unkeyed.paymentId, true)).toBeUndefined()
    expect([row(unkeyed.paymentId), row(keyed.paymentId)]).toMatchObject([
      { purchase_open: 0n, holder: 'none' },
      { purchase_open: 1n, holder: 'none' },
    ])
  })

  it('that were never signed, or are void, are not delivered', async () => {
    const { bench, reserve, signed } = await stage()
    const [fresh, voided] = [await reserve(), await signed()]
    await bench.write(({ tx, tables }) => tables.payments.void(tx, voided.paymentId, { ...NEVER_SIGNED, evidence: null, block: null }))
    for (const { paymentId } of [fresh, voided]) {
      const answer = { delivery: COMPLETE, delivered: true }
      expect(await bench.write(({ tx, tables }) => tables.payments.deliverOnce(tx, paymentId, answer))).toBeUndefined()
    }
  })

  it('that are reopened are open to a repeat again, and nobody works on them', async () => {
    const { bench, signed, row, read } = await stage()
    const { paymentId } = await signed()
    await bench.write(({ tx, tables }) => tables.payments.deliverOnce(tx, paymentId, { delivery: COMPLETE, delivered: true }))
    await bench.write(({ tx, tables }) => tables.payments.reopen(tx, paymentId))
    expect(row(paymentId)).toMatchObject({ purchase_open: 1n, holder: 'none', delivered: 0n, reopened_at: BigInt(bench.clock.now()) })
    expect((await read(paymentId)).payment.delivery).toEqual({ ...COMPLETE, complete: false })
  })

  it('that were never signed are found by their session, oldest first, new ones among them', async () => {
    const { bench, reserve, signed } = await stage()
    const first = await reserve()
    await signed()
    const request = bench.make.request('ses_1', 1n)
    const found = await bench.write(({ tx, tables }) => {
      const before = tables.payments.unsigned('ses_1')
      tables.payments.reserve(tx, request, FREE)
      return [before, tables.payments.unsigned('ses_1'), tables.payments.unsigned('ses_none')]
    })
    expect(found).toEqual([[first.paymentId], [first.paymentId, request.paymentId], []])
  })

  it('are owed while they are settled, neither delivered nor refunded, and nothing is held against the recipient', async () => {
    const { bench, signed } = await stage()
    const { paymentId: id } = await signed()
    const seen = await bench.write(({ tx, tables: { payments } }) => {
      const owed = [payments.owed(id)]
      payments.settle(tx, id, CLAIMED)
      owed.push(payments.owed(id))
      payments.dispute(tx, id, 'settled_not_delivered')
      owed.push(payments.owed(id))
      payments.dispute(tx, id, null)
      owed.push(payments.owed(id))
      payments.refund(tx, id, 1n)
      return [...owed, payments.owed(id)]
    })
    expect(seen).toEqual([false, true, false, true, false])
  })

  it('add up what came back and how often they were refused', async () => {
    const { bench, signed, read } = await stage()
    const { paymentId } = await signed()
    for (const amount of [2n, 3n]) await bench.write(({ tx, tables }) => tables.payments.refund(tx, paymentId, amount))
    expect((await read(paymentId)).payment.refunded).toBe(5n)
    const attempt = bench.make.attempt('ses_1')
    await bench.write(({ tx, tables }) => tables.payments.deny(tx, attempt, { id: 'pay_denied', code: 'spending_limit_exceeded' }))
    for (const _ of [1, 2]) await bench.write(({ tx, tables }) => tables.payments.countAgain(tx, 'pay_denied'))
    expect((await read('pay_denied')).payment).toMatchObject({ state: 'denied', code: 'spending_limit_exceeded', count: 3 })
  })

  it('are inserted with the same columns, whatever they are, because rows of a table are written together', async () => {
    const { bench } = await stage()
    const [request, attempt] = [bench.make.request('ses_1', 1n), bench.make.attempt('ses_1')]
    const columns = await bench.write(({ tx, set, tables }) => {
      tables.payments.reserve(tx, request, FREE)
      tables.payments.deny(tx, attempt, { id: 'pay_denied', code: 'spending_limit_exceeded' })
      return set.changes().map(({ row }) => Object.keys(row).sort())
    })
    expect([columns.length, columns[0]]).toEqual([2, columns[1]])
  })

  it('of which there is no row are a mistake for whoever holds a reservation, and nothing to whoever asks', async () => {
    const { bench, read } = await stage()
    await expect(read('pay_none')).rejects.toThrow('payment pay_none has no row')
    expect(await bench.write(({ tables }) => tables.payments.find('pay_none'))).toBeUndefined()
  })
})

describe('a payment whose outcome is not certain', () => {
  it('is due to be looked into after each change, and claimed by nobody then', async () => {
    const { bench, signed, row } = await stage()
    const { paymentId: id } = await signed()
    const now = BigInt(bench.clock.now())
    const steps: [string, bigint | null, (tx: Transaction, payments: PaymentTable) => unknown][] = [
      ['unknown', now, (tx, payments) => payments.leaveUnknown(tx, id, { reason: 'why', denied: false })],
      ['expired', now, (tx, payments) => payments.expire(tx, id, 'why')],
      ['settled', now, (tx, payments) => payments.settle(tx, id, CLAIMED)],
      ['settled', null, (tx, payments) => payments.confirm(tx, id, { evidence: 'confirmed', transaction: null, block: 1n, reason: 'r' })],
    ]
    for (const [state, check_at, act] of steps) {
      bench.store.server.claim('run_1', { networks: [], limit: 1, now: Number(now), until: Number(now) + 1 })
      await bench.write(({ tx, tables }) => act(tx, tables.payments))
      expect(row(id)).toMatchObject({ state, check_at, resolver_run: null, resolver_until: null })
    }
    expect(row(id)).toMatchObject({ tx: CLAIMED.transaction, evidence: 'confirmed', block: '1' })
  })

  it('is put off by whoever claimed it, and by nobody from whom another took it over', async () => {
    const { bench, stranger, signed, row } = await stage()
    const { paymentId: id } = await signed()
    const now = bench.clock.now()
    await bench.write(({ tx, tables }) => tables.payments.leaveUnknown(tx, id, { reason: 'why', denied: false }))
    await stranger.store.claim({ networks: [], limit: 1, now, until: now + 60_000 })
    await bench.write(({ tx, tables }) => tables.payments.putOff(tx, id, now + 7))
    expect(row(id)).toMatchObject({ check_at: BigInt(now), resolver_run: 'run_2' })
    await stranger.write(({ tx, tables }) => tables.payments.putOff(tx, id, now + 7))
    expect(row(id)).toMatchObject({ check_at: BigInt(now + 7), resolver_run: null, resolver_until: null })
  })

  it('is not put off where it is certain by now', async () => {
    const { bench, signed, row } = await stage()
    const { paymentId: id } = await signed()
    await bench.write(({ tx, tables }) => tables.payments.putOff(tx, id, 7))
    expect(row(id)?.check_at).toBeNull()
  })
})
