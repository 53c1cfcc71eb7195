import { describe, expect, it } from 'vitest'
import { refused } from '../../../src/errors.ts'
import { Batch } from '../../../src/ledger/sqlite/batch.ts'
import { authorizationFor, CLAIMED, COMPLETE, usd } from '../fixtures.ts'
import { workbench } from './workbench.ts'

/** A batch over the tables, whose end the test decides. */
function begun() {
  const bench = workbench()
  const { db, tables, transitions, reserving } = bench
  const runs: (() => void)[] = []
  const schedule = (run: () => void, delay_ms: number) => {
    if (delay_ms === 0) runs.push(run)
    return () => undefined
  }
  const batch = new Batch({
    db,
    clock: bench.clock,
    schedule,
    pending: tables.pending,
    onCommit: () => undefined,
    onFault: () => undefined,
  })
  const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
  const reserve = (changes = {}) => {
    const request = bench.make.request(id, usd(1), changes)
    batch.write((tx) => reserving.reserve(tx, request))
    return request
  }
  const stored = () =>
    db
      .prepare('SELECT id, state FROM payments ORDER BY seq')
      .all()
      .map((row) => ({ ...row }))
  const commit = () => {
    for (const run of runs.splice(0)) run()
  }
  return { bench, batch, tables, transitions, reserve, stored, commit, session: id }
}

describe('rows of payments in memory', () => {
  it('are inserted once, with all that happened until the commit', () => {
    const { batch, transitions, reserve, stored, commit, tables } = begun()
    const request = reserve()
    batch.write((tx) => transitions.sign(tx, request.paymentId, authorizationFor(request)))
    expect(stored()).toEqual([])
    expect(tables.payments.get(request.paymentId).payment.state).toBe('signed')
    commit()
    expect(stored()).toEqual([{ id: request.paymentId, state: 'signed' }])
  })

  it('say the same as those that are read from the file', () => {
    const { batch, transitions, reserve, commit, tables } = begun()
    const request = reserve({ attempt: { categories: ['search'], tool: 't' }, keyDigest: 'key' })
    batch.write((tx) => transitions.sign(tx, request.paymentId, authorizationFor(request)))
    batch.write((tx) => transitions.settle(tx, request.paymentId, CLAIMED))
    batch.write((tx) => transitions.deliver(tx, request.paymentId, COMPLETE))
    const before = tables.payments.get(request.paymentId)
    commit()
    tables.pending.forget()
    expect(tables.payments.get(request.paymentId)).toEqual(before)
  })

  it('are written before a list is read, in the same transaction', () => {
    const { batch, reserve, stored, bench } = begun()
    const request = reserve()
    expect(batch.list(stored)).toEqual([{ id: request.paymentId, state: 'reserved' }])
    expect(bench.db.isTransaction).toBe(true)
  })

  it('lose what an operation did that failed, and nothing of its neighbours, though it wrote the rows in between', () => {
    const { batch, transitions, reserve, stored, commit, tables, session } = begun()
    const request = reserve()
    const failing = () =>
      batch.write((tx) => {
        transitions.sign(tx, request.paymentId, authorizationFor(request))
        tables.pending.write()
        throw refused('conflict', 'no')
      })
    expect(failing).toThrow('conflict')
    expect(tables.payments.get(request.paymentId).payment).toMatchObject({ state: 'reserved', signedAt: null })
    expect(tables.sessions.get(session)).toMatchObject({ held: usd(1), payments: 1 })
    commit()
    expect(stored()).toEqual([{ id: request.paymentId, state: 'reserved' }])
    tables.pending.forget()
    expect(tables.sessions.get(session)).toMatchObject({ held: usd(1), payments: 1 })
  })

  it('refuse an id and a nonce that were used before, written or not, when they are reserved', () => {
    const { reserve, commit } = begun()
    const { nonce, paymentId } = reserve()
    const again = () => {
      expect(() => reserve({ nonce })).toThrow('used before')
      expect(() => reserve({ paymentId })).toThrow('already')
    }
    again()
    commit()
    again()
  })

  it('take what is noted aside into the file with their next change, and need no transaction for it', () => {
    const { batch, transitions, reserve, stored, commit, tables, bench } = begun()
    const request = reserve()
    const { paymentId } = request
    batch.write((tx) => transitions.sign(tx, paymentId, authorizationFor(request)))
    commit()
    batch.aside((tx) => transitions.markSent(tx, paymentId))
    expect(bench.db.isTransaction).toBe(false)
    expect(tables.payments.get(paymentId).payment.state).toBe('sent')
    reserve()
    commit()
    expect(stored()[0]).toEqual({ id: paymentId, state: 'signed' })
    batch.write((tx) => tables.purchases.hold(tx, paymentId, 'orphan'))
    commit()
    expect(stored()[0]).toEqual({ id: paymentId, state: 'sent' })
  })

  it('show in lists what is noted aside', () => {
    const { batch, transitions, reserve, stored, commit, bench } = begun()
    const request = reserve()
    batch.write((tx) => transitions.sign(tx, request.paymentId, authorizationFor(request)))
    commit()
    batch.aside((tx) => transitions.markSent(tx, request.paymentId))
    expect(batch.list(stored)).toEqual([{ id: request.paymentId, state: 'sent' }])
    expect(bench.db.isTransaction).toBe(true)
  })

  it('keep what is noted aside until it is written, though nobody works on them any more', () => {
    const { batch, transitions, reserve, stored, commit, tables } = begun()
    const request = reserve()
    const { paymentId } = request
    batch.write((tx) => transitions.sign(tx, paymentId, authorizationFor(request)))
    batch.write((tx) => tables.purchases.hold(tx, paymentId, 'none'))
    commit()
    batch.aside((tx) => transitions.markSent(tx, paymentId))
    for (const _ of [1, 2]) {
      reserve()
      commit()
      expect(tables.payments.get(paymentId).payment.state).toBe('sent')
    }
    reserve()
    commit()
    expect(stored()[0]).toEqual({ id: paymentId, state: 'sent' })
  })

  it('are found as purchases before they are written', () => {
    const { bench, reserve, tables } = begun()
    const request = reserve({ fingerprint: 'same' })
    expect(tables.purchases.mayBeOpen(request.purchase)).toBe(true)
    const tx = { now: bench.clock.now(), afterCommit: () => undefined }
    expect(tables.purchases.open(tx, request.purchase).map(({ id }) => id)).toEqual([request.purchaseId])
  })
})
