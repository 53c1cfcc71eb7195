import { describe, expect, it } from 'vitest'
import { FIXED, MOVING, movingOf, readEntry } from '../../../src/ledger/sqlite/payment-entry.ts'
import { authorizationFor, CLAIMED, COMPLETE, usd } from '../fixtures.ts'
import { workbench } from './workbench.ts'

describe('a payment’s row', () => {
  it('is written back as it was read, every column that can change in its place', () => {
    const { db, write, make, accounts, reserving, transitions } = workbench()
    const { id } = write((tx) => accounts.open(tx, make.session()))
    const request = make.request(id, usd(1))
    write((tx) => reserving.reserve(tx, request))
    write((tx) => transitions.sign(tx, request.paymentId, authorizationFor(request)))
    write((tx) => transitions.settle(tx, request.paymentId, CLAIMED))
    write((tx) => transitions.deliver(tx, request.paymentId, COMPLETE))
    const row = db.prepare('SELECT * FROM payments').get() ?? {}
    const moving = movingOf(readEntry(row)).map((value) => (typeof value === 'number' ? BigInt(value) : value))
    expect(moving).toEqual(MOVING.map((name) => row[name]))
    expect([...FIXED, ...MOVING].toSorted()).toEqual(Object.keys(row).toSorted())
  })
})
